"""Writes of tenants, their domains and their people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.accounts.models import Role, User
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.matching.domains import canonical_login, login_domain, normalise_domain
from emberwatch.tenants.models import LoginHost, Membership, MonitoredAddress, MonitoredDomain, Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require, require_organisation_admin


def create_tenant(name: str, domains: Sequence[str], *, actor: Actor, now: datetime) -> Tenant:
    """Makes a workspace with the domains that it monitors."""
    require_organisation_admin(actor)
    name = " ".join(name.split())
    if not 0 < len(name) <= 120:
        raise BadInput("A tenant needs a name of at most 120 characters.", field="name")
    wanted = _normalised(domains)
    try:
        with transaction.atomic():
            tenant = Tenant.objects.create(name=name, created_at=now)
            _write_domains(tenant, wanted)
            facts = {"name": name, "domains": wanted}
            record(None, "tenant.created", f"tenant:{tenant.id}", actor=actor, now=now, facts=facts)
            record(tenant.id, "tenant.created", f"tenant:{tenant.id}", actor=actor, now=now, facts=facts)
    except IntegrityError:
        raise BadInput(f"There is a tenant called {name} already.", field="name") from None
    return tenant


def set_domains(tenant: Tenant, domains: Sequence[str], *, actor: Actor, now: datetime) -> list[str]:
    """Replaces the monitored domains. Credentials of a removed domain stay; none are collected any more."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    wanted = _normalised(domains)
    if not wanted:
        raise BadInput("A tenant monitors at least one domain.", field="domains")
    with transaction.atomic():
        tenant.monitored_domains.all().delete()
        _write_domains(tenant, wanted)
        record(
            tenant.id,
            "tenant.domains_set",
            f"tenant:{tenant.id}",
            actor=actor,
            now=now,
            facts={"domains": wanted},
        )
    return wanted


def set_watchlist(
    tenant: Tenant, addresses: Sequence[str], hosts: Sequence[str], *, actor: Actor, now: datetime
) -> None:
    """Replaces the single addresses and the login hosts that are watched beside the domains."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    logins = _each(addresses, _address, "addresses")
    sites = _each(hosts, normalise_domain, "login_hosts")
    with transaction.atomic():
        tenant.monitored_addresses.all().delete()
        tenant.login_hosts.all().delete()
        MonitoredAddress.objects.bulk_create([MonitoredAddress(tenant=tenant, address=a) for a in logins])
        LoginHost.objects.bulk_create([LoginHost(tenant=tenant, host=host) for host in sites])
        facts = {"addresses": logins, "login_hosts": sites}
        record(tenant.id, "tenant.watchlist_set", f"tenant:{tenant.id}", actor=actor, now=now, facts=facts)


def _address(text: str) -> str:
    if login_domain(text) is None:
        raise BadInput("This is not an address.", remedy="Give it as name@domain.")
    return canonical_login(text)[:320]


def _each(entries: Sequence[str], normalise: Callable[[str], str], field: str) -> list[str]:
    try:
        return sorted({normalise(entry) for entry in entries if entry.strip()})
    except BadInput as error:
        raise BadInput(error.message, remedy=error.remedy, field=field) from None


def _normalised(domains: Sequence[str]) -> list[str]:
    try:
        return sorted({normalise_domain(domain) for domain in domains if domain.strip()})
    except BadInput as error:
        raise BadInput(error.message, remedy=error.remedy, field="domains") from None


def _write_domains(tenant: Tenant, domains: Sequence[str]) -> None:
    MonitoredDomain.objects.bulk_create([MonitoredDomain(tenant=tenant, domain=domain) for domain in domains])


def set_role(tenant: Tenant, user: User, role: str, *, actor: Actor, now: datetime) -> None:
    """Makes somebody a member of the tenant, or changes the role."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    if role not in Role.values:
        raise BadInput(f"There is no role {role[:20]}.", field="role")
    with transaction.atomic():
        Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": role})
        facts = {"email": user.email, "role": role}
        record(tenant.id, "member.role_set", f"user:{user.id}", actor=actor, now=now, facts=facts)


def remove_member(tenant: Tenant, membership_id: str, *, actor: Actor, now: datetime) -> None:
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        found = Membership.objects.filter(tenant=tenant, pk=membership_id).select_related("user").first()
        if found is None:
            raise NotFound("There is no such member.")
        found.delete()
        facts = {"email": found.user.email}
        record(tenant.id, "member.removed", f"user:{found.user_id}", actor=actor, now=now, facts=facts)
