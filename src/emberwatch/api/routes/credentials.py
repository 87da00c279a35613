"""The tenant feed and its credentials."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import WithJsonSchema

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import CredentialDetailOut, CredentialOut, Id
from emberwatch.core.errors import BadInput
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.exposures.models import ExposureKind, Handling, SourceKind
from emberwatch.exposures.queries import FeedFilter, access_credential, feed_page
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of

router = Router(tags=["Credentials"])

# Left out means: any. The document must not offer `null`, which an address cannot carry.
_ANY_OF = {
    kind: WithJsonSchema({"type": "string", "enum": [member.value for member in kind]})
    for kind in (VerdictGroup, Verdict, Certainty, SourceKind, ExposureKind, Handling)
}
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
Moment = Annotated[str, Field(pattern=rf"^{_DAY}({_TIME})?$", max_length=40)]


class FeedQuery(Schema):
    """The filters of the Credentials browser, under the same names."""

    group: Annotated[VerdictGroup | None, _ANY_OF[VerdictGroup]] = None
    verdict: Annotated[Verdict | None, _ANY_OF[Verdict]] = None
    certainty: Annotated[Certainty | None, _ANY_OF[Certainty]] = None
    source_kind: Annotated[SourceKind | None, _ANY_OF[SourceKind]] = None
    exposure_kind: Annotated[ExposureKind | None, _ANY_OF[ExposureKind]] = None
    handling: Annotated[Handling | None, _ANY_OF[Handling]] = None
    domain: str = Field("", max_length=253, description="A monitored domain.")
    text: str = Field("", max_length=320, description="Part of a login, or of the account's names.")
    since: Annotated[
        Moment | None,
        WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
    ] = Field(None, description="Seen at or after this day or moment (UTC when no zone is given).")
    until: Annotated[
        Moment | None,
        WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
    ] = Field(None, description="Seen before this moment; a day includes all of it.")

    def filter(self) -> FeedFilter:
        found = FeedFilter.from_query({name: str(value) for name, value in self if value})
        return replace(found, since=_in_utc("since", found.since), until=_in_utc("until", found.until))


def _in_utc(name: str, moment: datetime | None) -> datetime | None:
    # PostgreSQL reads fewer zones than ISO 8601 can write.
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        raise BadInput(f"{name} is not a moment that can be looked for.", field=name) from None


@router.get(
    "/tenants/{tenant_id}/credentials",
    response=answers(200, Page[CredentialOut]),
    operation_id="list_credentials",
)
def list_credentials(
    request: HttpRequest, tenant_id: Id, wanted: Query[FeedQuery], page: Query[Paging]
) -> Page[CredentialOut]:
    """The tenant feed, newest first."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    permissions = permissions_of(actor, tenant)
    found = feed_page(tenant, wanted.filter(), cursor=page.cursor, limit=page.limit)
    items = [rendering.credential(row, permissions) for row in found.credentials]
    return Page[CredentialOut](items=items, next_cursor=found.next_cursor or None)


@router.get(
    "/tenants/{tenant_id}/credentials/{credential_id}",
    response=answers(200, CredentialDetailOut),
    operation_id="get_credential",
)
def get_credential(request: HttpRequest, tenant_id: Id, credential_id: Id) -> CredentialDetailOut:
    """One credential with its verdict, the evidence for it, its sightings and its history."""
    actor = actor_of(request)
    found = access_credential(actor, tenant_id, credential_id, Permission.VIEW_FEED)
    return rendering.credential_detail(found, permissions_of(actor, found.tenant))
