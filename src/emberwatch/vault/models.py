"""Wrapped data keys: one for each tenant and one for the installation (``tenant`` is null)."""

from __future__ import annotations

from django.db import models

from emberwatch.core.ids import new_id


class DataKey(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.OneToOneField("tenants.Tenant", null=True, on_delete=models.CASCADE, related_name="+")
    wrapped = models.BinaryField()
    ring_key_id = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(tenant__isnull=True), name="one_installation_key"
            ),
        ]
