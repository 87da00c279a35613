"""The accounts of the tenant's directories, and everything that is known about one."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from emberwatch.api import identity_rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.identity_shapes import IdentityDetailOut, IdentityListedOut
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.core.listing import plain_text
from emberwatch.exposures.profile import Profile, access_identity
from emberwatch.identities.browsing import IdentityFilter, identities_page
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of

router = Router(tags=["Identities"])


class IdentityQuery(Schema):
    """The filters of the list, under the same names; several narrow it together."""

    privileged: bool = Field(False, description="With a privileged role, or in a group that may carry one.")
    exposed: bool = Field(False, description="With a leaked credential in the verdict group `active`.")
    stale: bool = Field(False, description="Enabled, and nobody has signed in for 90 days.")
    disabled: bool = False
    guest: bool = False
    gone: bool = Field(False, description="Deleted or no longer listed, instead of those that are there.")
    text: str = Field(
        "", max_length=320, description="Part of a name, sign-in name or mail; or an object id."
    )

    def filter(self) -> IdentityFilter:
        return IdentityFilter(**{**self.dict(), "text": plain_text(self.text)})


@router.get(
    "/tenants/{tenant_id}/identities",
    response=answers(200, Page[IdentityListedOut]),
    operation_id="list_identities",
)
def list_identities(
    request: HttpRequest, tenant_id: Id, wanted: Query[IdentityQuery], page: Query[Paging]
) -> Page[IdentityListedOut]:
    """The tenant's identities by sign-in name."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    found = identities_page(tenant, wanted.filter(), utc_now(), cursor=page.cursor, limit=page.limit)
    items = [identity_rendering.identity_listed(row) for row in found.rows]
    return Page[IdentityListedOut](items=items, next_cursor=found.next_cursor or None)


@router.get(
    "/tenants/{tenant_id}/identities/{identity_id}",
    response=answers(200, IdentityDetailOut),
    operation_id="get_identity",
)
def get_identity(request: HttpRequest, tenant_id: Id, identity_id: Id) -> IdentityDetailOut:
    """One person: account, severity with its reasons, what the account opens, credentials, machines, timeline."""
    actor = actor_of(request)
    identity = access_identity(actor, tenant_id, identity_id)
    permissions = permissions_of(actor, identity.tenant)
    return identity_rendering.identity_detail(Profile(identity, utc_now()), permissions)
