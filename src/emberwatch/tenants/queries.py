"""The way from an actor to a tenant. A tenant that is missing and one that is not yours look the same."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotAllowed, NotFound
from emberwatch.matching.watchlist import Watchlist
from emberwatch.tenants.models import Membership, Tenant
from emberwatch.tenants.policy import PERMISSIONS, Permission

TENANTS_PER_PAGE: Final = 100


def visible_tenants(actor: Actor) -> QuerySet[Tenant]:
    """The tenants that an actor may see at all, by name."""
    tenants = Tenant.objects.order_by("name")
    if actor.only_tenant is not None:
        tenants = tenants.filter(pk=actor.only_tenant)
    if actor.is_organisation_admin:
        return tenants
    if actor.user is None:
        return tenants.none()
    return tenants.filter(memberships__user=actor.user)


def tenants_page(actor: Actor, *, text: str = "", after: str = "") -> tuple[list[Tenant], str]:
    """One page of the visible tenants by name with their domains, and the ``after`` of the next page."""
    rows = visible_tenants(actor).prefetch_related("monitored_domains")
    if text:
        rows = rows.filter(name__icontains=text)
    if after:
        rows = rows.filter(name__gt=after)
    found = list(rows[: TENANTS_PER_PAGE + 1])
    shown = found[:TENANTS_PER_PAGE]
    return shown, shown[-1].name if len(found) > TENANTS_PER_PAGE else ""


def permissions_of(actor: Actor, tenant: Tenant) -> frozenset[Permission]:
    if actor.is_organisation_admin:
        return frozenset(Permission)
    membership = Membership.objects.filter(tenant=tenant, user=actor.user).first()
    return PERMISSIONS[membership.role] if membership else frozenset()


def access_tenant(actor: Actor, tenant_id: UUID | str, permission: Permission) -> Tenant:
    """The tenant, if the actor may use it so.

    Raises :class:`NotFound` when it is missing or somebody else's, :class:`NotAllowed` when the actor
    belongs to it but the role does not permit this.
    """
    try:
        tenant = visible_tenants(actor).filter(pk=UUID(str(tenant_id))).first()
    except ValueError:
        tenant = None
    if tenant is None:
        raise NotFound("There is no such tenant.")
    require(actor, tenant, permission)
    return tenant


def require(actor: Actor, tenant: Tenant, permission: Permission) -> None:
    if permission not in permissions_of(actor, tenant):
        raise NotAllowed("Your role in this tenant does not permit this.")


def require_organisation_admin(actor: Actor) -> None:
    if not actor.is_organisation_admin or actor.only_tenant is not None:
        raise NotAllowed("Only an organisation admin may do this.")


def tenant_by_name(name_or_id: str) -> Tenant:
    """For the command line, where a tenant is given by name or id."""
    found = Tenant.objects.filter(name__iexact=name_or_id).first()
    if found is None:
        try:
            found = Tenant.objects.filter(pk=UUID(name_or_id)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound(
            f"There is no tenant called {name_or_id}.", remedy="`emberwatch tenant list` names them."
        )
    return found


def monitored_domains(tenant: Tenant) -> list[str]:
    return list(tenant.monitored_domains.values_list("domain", flat=True))


def monitored_addresses(tenant: Tenant) -> list[str]:
    return list(tenant.monitored_addresses.values_list("address", flat=True))


def login_hosts(tenant: Tenant) -> list[str]:
    return list(tenant.login_hosts.values_list("host", flat=True))


def watchlist_of(tenant: Tenant) -> Watchlist:
    """Whose logins the tenant collects, and at which sites everybody's."""
    return Watchlist(monitored_domains(tenant), monitored_addresses(tenant), login_hosts(tenant))


def members_of(tenant: Tenant) -> list[Membership]:
    """Who belongs to a tenant, by address."""
    return list(Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__email"))


def access_member(tenant: Tenant, member_id: UUID) -> Membership:
    """One member of a tenant that was reached through :func:`access_tenant`."""
    found = Membership.objects.filter(tenant=tenant, pk=member_id).select_related("user").first()
    if found is None:
        raise NotFound("There is no such member.")
    return found
