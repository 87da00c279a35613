"""Tables of tenants."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from emberwatch.accounts.models import Role
from emberwatch.core.ids import new_id


class Tenant(models.Model):
    """A workspace of ours: a client of an MSSP, or a subsidiary. Microsoft's tenant is a Directory."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="tenant_name_unique_ci")]

    def __str__(self) -> str:
        return self.name


class MonitoredDomain(models.Model):
    """A domain whose leaked credentials the tenant collects; lower case, IDNA."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="monitored_domains")
    domain = models.CharField(max_length=253)

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "domain"], name="monitored_domain_unique"),
        ]


class MonitoredAddress(models.Model):
    """A single login on a domain that is not the tenant's: a mailbox of a director, a shared account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="monitored_addresses")
    address = models.CharField(max_length=320)

    class Meta:
        ordering = ["address"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "address"], name="monitored_address_unique"),
        ]


class LoginHost(models.Model):
    """A host of the tenant's own applications: anybody's login there is a customer's or contractor's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="login_hosts")
    host = models.CharField(max_length=253)

    class Meta:
        ordering = ["host"]
        constraints = [models.UniqueConstraint(fields=["tenant", "host"], name="login_host_unique")]


class Membership(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_unique"),
        ]
