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
    """One of a tenant's directories: its Entra ID Configuration and what the last check found."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="directory_connections")
    kind = models.CharField(max_length=16, default="entra")
    cloud = models.CharField(max_length=16)
    entra_tenant_id = models.UUIDField()
    client_id = models.UUIDField()
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
    capabilities = models.JSONField(default=list)
    surplus = models.JSONField(default=list)
    """Permissions that the application holds and the product does not use."""
    clock_seconds = models.FloatField(null=True)
    """How far this machine's clock was ahead of the directory's at the last check."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "entra_tenant_id"], name="directory_once_per_tenant"),
        ]

    @property
    def label(self) -> str:
        """What to call the directory where it is one of several."""
        return self.organisation_name or str(self.entra_tenant_id)

    @property
    def verified_domains(self) -> list[str]:
        return [domain["name"].lower() for domain in self.domains if domain["is_verified"]]


class KeyKind(models.TextChoices):
    SECRET = "secret", "Client secret"
    CERTIFICATE = "certificate", "Certificate"
    FEDERATION = "federation", "Federated credential"


class ConnectionKey(models.Model):
    """One way in which the application proves who it is; two may stand side by side during a rotation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connection = models.ForeignKey(DirectoryConnection, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=16, choices=KeyKind.choices)
    sealed = models.BinaryField()
    """The secret's value, or the certificate with its private key; empty for federation."""
    thumbprint = models.CharField(max_length=40, blank=True)
    ends_at = models.DateTimeField(null=True)
    """From the certificate itself, or from the app registration as the last good check read it."""
    added_at = models.DateTimeField()
    works = models.BooleanField(null=True)
    """What the last check found; ``None`` until there was one that could tell."""
    checked_at = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    code = models.CharField(max_length=64, blank=True)


class DirectoryCall(models.Model):
    """One request that went to the directory: never a body, and of the address only its shape."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connection = models.ForeignKey(DirectoryConnection, on_delete=models.CASCADE, related_name="calls")
    at = models.DateTimeField(db_index=True)
    service = models.CharField(max_length=8)
    """``sign-in`` or ``graph``."""
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    """With a mark in the place of every id and name; never with a query."""
    status = models.PositiveSmallIntegerField(null=True)
    """``None`` when no answer came."""
    failure = models.CharField(max_length=64, blank=True)
    """The kind of failure when no answer came."""
    milliseconds = models.PositiveIntegerField()
    request_id = models.CharField(max_length=64, blank=True)
    """The directory's own id of the request."""
    client_request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["connection", "-id"], name="directory_calls")]


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
