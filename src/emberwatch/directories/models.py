"""Tables of connected directories."""

from __future__ import annotations

from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.tenants.models import Tenant


class ConnectionStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    ERROR = "error", "Error"
    DISABLED = "disabled", "Disabled"


class DirectoryConnection(models.Model):
    """A tenant's Entra ID Configuration and what the last check found."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="directory_connection")
    kind = models.CharField(max_length=16, default="entra")
    cloud = models.CharField(max_length=16)
    entra_tenant_id = models.UUIDField()
    client_id = models.UUIDField()
    sealed_client_secret = models.BinaryField()
    status = models.CharField(max_length=16, choices=ConnectionStatus.choices)
    status_sentence = models.TextField(blank=True)
    halted_at = models.DateTimeField(null=True)
    """Set when an answer stopped the directory: nothing is sent until a check is good again."""
    last_check_at = models.DateTimeField(null=True)
    last_good_check_at = models.DateTimeField(null=True)
    check_items = models.JSONField(default=list)
    permissions = models.JSONField(default=list)
    domains = models.JSONField(default=list)
    organisation_name = models.CharField(max_length=256, blank=True)
    lockout_threshold = models.PositiveIntegerField(null=True)
    lockout_seconds = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()


class DirectoryGate(models.Model):
    """What every worker has to know before it asks or sends anything to one directory.

    One row a directory, across all tenants that are connected to it. Whoever reserves or settles an attempt
    holds the row's lock, so that decisions on one directory are made one after the other.
    """

    entra_tenant_id = models.UUIDField(primary_key=True)
    next_slot_at = models.DateTimeField(null=True)
    """Before this moment no run sends a sign-in: the pace."""
    sign_ins_not_before = models.DateTimeField(null=True)
    """The sign-in service asked everybody to wait until then."""
    reads_not_before = models.DateTimeField(null=True)
    """The directory's read service asked everybody to wait until then."""
    log_read_until = models.DateTimeField(null=True)
    """The sign-in log was read up to here, to count failures that others caused."""
    log_refused_because = models.CharField(max_length=300, blank=True)
    log_asked_at = models.DateTimeField(null=True)
