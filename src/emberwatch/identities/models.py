"""Tables of identities."""

from __future__ import annotations

from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.tenants.models import Tenant


class Identity(models.Model):
    """An account in a tenant's directory with the facts that were last read about it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    user_principal_name = models.CharField(max_length=320)
    display_name = models.CharField(max_length=256, blank=True)
    mail = models.CharField(max_length=320, blank=True)
    enabled = models.BooleanField(null=True)
    user_type = models.CharField(max_length=32, blank=True)
    synced = models.BooleanField(default=False)
    last_password_change_at = models.DateTimeField(null=True)
    account_created_at = models.DateTimeField(null=True)
    external = models.BooleanField(default=False)
    without_password_at = models.DateTimeField(null=True)
    """When a sign-in was answered "this account has no password"; forgotten when one is set."""
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id", "object_id"], name="identity_unique"
            ),
        ]
        indexes = [models.Index(fields=["entra_tenant_id", "object_id"], name="identity_by_account")]
