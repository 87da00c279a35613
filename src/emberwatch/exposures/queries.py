"""Reads of leaked data: the tenant feed with its filters and keyset paging, and one credential."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.listing import cursor_at, one_of, place_of, plain_text, since, until
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.queries import connection_to
from emberwatch.directories.services import user_link
from emberwatch.exposures.closing import with_handling
from emberwatch.exposures.models import (
    Cookie,
    Credential,
    ExposureKind,
    Handling,
    Machine,
    Sighting,
    SourceKind,
    VerdictRecord,
)
from emberwatch.identities.models import Identity
from emberwatch.identities.policy import AMBIGUOUS
from emberwatch.identities.queries import Bearer, bearers_of
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
COUNT_CAP: Final = 10_000

# Filter name -> the values that it takes; `None` takes any text.
_CHOICES: Final[dict[str, frozenset[str] | None]] = {
    "group": frozenset(VerdictGroup),
    "verdict": frozenset(Verdict),
    "certainty": frozenset(Certainty),
    "source_kind": frozenset(SourceKind.values),
    "exposure_kind": frozenset(ExposureKind.values),
    "handling": frozenset(Handling.values),
    "domain": None,
    "text": None,
}


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """What a list of credentials is narrowed to; the same names stand in the URL of the page and of the API."""

    group: str = ""
    verdict: str = ""
    certainty: str = ""
    source_kind: str = ""
    exposure_kind: str = ""
    handling: str = ""
    domain: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_query(cls, values: dict[str, str]) -> FeedFilter:
        """Parses query parameters. Raises :class:`BadInput` naming the one at fault; unknown names are ignored."""
        chosen: dict[str, Any] = {name: _choice(name, values.get(name, "")) for name in _CHOICES}
        return cls(
            **chosen,
            since=since("since", values.get("since", "")),
            until=until("until", values.get("until", "")),
        )

    @property
    def is_empty(self) -> bool:
        return self == FeedFilter()


def _choice(name: str, value: str) -> str:
    allowed = _CHOICES[name]
    return plain_text(value) if allowed is None else one_of(name, plain_text(value), allowed)


@dataclass(frozen=True, slots=True)
class FeedPage:
    credentials: list[Credential]
    next_cursor: str = ""
    filter: FeedFilter = field(default_factory=FeedFilter)


def feed_page(tenant: Tenant, wanted: FeedFilter, *, cursor: str = "", limit: int = PAGE_SIZE) -> FeedPage:
    """One page of a tenant's feed, newest first. ``cursor`` comes from the page before."""
    rows = _narrowed(tenant, wanted).select_related("identity").order_by("-last_seen_at", "-id")
    if cursor:
        last_seen_at, last_id = place_of(cursor)
        rows = rows.filter(Q(last_seen_at__lt=last_seen_at) | Q(last_seen_at=last_seen_at, id__lt=last_id))
    limit = max(1, min(limit, MAX_PAGE_SIZE))
    found = list(with_handling(rows, utc_now())[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return FeedPage(found[:limit], cursor_at(last.last_seen_at, last.id) if last else "", wanted)


def feed_count(tenant: Tenant, wanted: FeedFilter) -> int:
    """How many credentials match, counted up to :data:`COUNT_CAP`."""
    return _narrowed(tenant, wanted).order_by()[:COUNT_CAP].count()


def group_counts(tenant: Tenant) -> dict[str, int]:
    """Credentials of a tenant by verdict group, each counted up to :data:`COUNT_CAP`."""
    return {group.value: feed_count(tenant, FeedFilter(group=group.value)) for group in VerdictGroup}


def active_counts(tenant_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many credentials of each tenant are in the group Active; tenants without any are left out."""
    rows = Credential.objects.filter(tenant_id__in=list(tenant_ids), verdict_group=VerdictGroup.ACTIVE)
    return dict(rows.order_by().values_list("tenant_id").annotate(Count("id")))


def _narrowed(tenant: Tenant, wanted: FeedFilter) -> QuerySet[Credential]:
    rows = Credential.objects.filter(tenant=tenant)
    if wanted.handling:
        rows = with_handling(rows, utc_now(), wanted.handling)
    exact = {
        "verdict_group": wanted.group,
        "verdict": wanted.verdict,
        "certainty": wanted.certainty,
        "source_kind": wanted.source_kind,
        "exposure_kind": wanted.exposure_kind,
        "domain": wanted.domain,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.since:
        rows = rows.filter(last_seen_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(last_seen_at__lt=wanted.until)
    if wanted.text:
        rows = rows.filter(
            Q(login_canonical__contains=wanted.text.casefold())
            | Q(identity__display_name__icontains=wanted.text)
            | Q(identity__user_principal_name__icontains=wanted.text)
        )
    return rows


def access_credential(
    actor: Actor, tenant_id: UUID | str, credential_id: UUID | str, permission: Permission
) -> Credential:
    """One credential of a tenant, if the actor may use it so; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, permission)
    try:
        wanted = UUID(str(credential_id))
    except ValueError:
        raise NotFound("There is no such credential.") from None
    found = Credential.objects.filter(tenant=tenant, pk=wanted).select_related("identity", "tenant").first()
    if found is None:
        raise NotFound("There is no such credential.")
    return found


def ambiguous_bearers(credential: Credential) -> list[Bearer]:
    """The accounts that bear a credential's login, when it is several."""
    if credential.matched_by != AMBIGUOUS:
        return []
    return bearers_of(credential.tenant_id, credential.login_canonical)


def sightings_of(credential: Credential) -> list[Sighting]:
    rows = Sighting.objects.filter(credential=credential, tenant_id=credential.tenant_id)
    return list(rows.select_related("source", "machine").order_by("-seen_at", "-id")[:100])


def history_of(credential: Credential) -> list[VerdictRecord]:
    """The verdicts of a credential with their evidence, newest first."""
    rows = VerdictRecord.objects.filter(credential=credential, tenant_id=credential.tenant_id)
    return list(rows.order_by("-at", "-id")[:100])


def access_machine(actor: Actor, tenant_id: UUID | str, machine_id: UUID | str) -> Machine:
    """One infected device of a tenant; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(machine_id))
    except ValueError:
        raise NotFound("There is no such machine.") from None
    found = Machine.objects.filter(tenant=tenant, pk=wanted).select_related("tenant").first()
    if found is None:
        raise NotFound("There is no such machine.")
    return found


def newest_machines(tenant: Tenant, *, before: UUID | None = None, limit: int = PAGE_SIZE) -> list[Machine]:
    """One page of a tenant's machines with the number of their credentials; the last id is the keyset."""
    rows = Machine.objects.filter(tenant=tenant)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    counted = rows.annotate(
        credential_count=Count("sightings__credential", distinct=True),
        cookie_count=count_on_machine(Cookie.objects.all()),
        live_cookie_count=count_on_machine(live_cookies()),
    )
    return list(counted.order_by("-id")[:limit])


def count_on_machine(cookies: QuerySet[Cookie]) -> Coalesce:
    """How many of these cookies are from the machine that a row is about."""
    counted = cookies.filter(machine=OuterRef("pk")).order_by().values("machine").annotate(number=Count("pk"))
    return Coalesce(Subquery(counted.values("number")), 0)


def live_cookies() -> QuerySet[Cookie]:
    """Those that could still open a session when they were imported."""
    return Cookie.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=F("seen_at")))


def cookies_on(machine: Machine) -> list[Cookie]:
    """Stolen cookies of the tenant's sites, the ones that last longest first."""
    rows = Cookie.objects.filter(machine=machine, tenant_id=machine.tenant_id)
    return list(rows.order_by(F("expires_at").desc(nulls_first=True), "host", "name", "id")[:MAX_PAGE_SIZE])


def live_cookie_count(machine: Machine) -> int:
    return live_cookies().filter(machine=machine, tenant_id=machine.tenant_id).count()


def newest_cookies(tenant: Tenant, *, before: UUID | None = None, limit: int = PAGE_SIZE) -> list[Cookie]:
    """One page of a tenant's stolen cookies, whatever machine they are from; the last id is the keyset."""
    rows = Cookie.objects.filter(tenant=tenant).select_related("machine")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[:limit])


def sightings_on(machine: Machine) -> list[Sighting]:
    """What was stolen from a machine: credentials of the tenant's people and of others at its sites."""
    rows = Sighting.objects.filter(machine=machine, tenant_id=machine.tenant_id)
    ordered = rows.select_related("credential", "credential__identity", "source").order_by(
        "credential__exposure_kind", "credential__login_canonical", "url", "id"
    )
    return list(ordered[:MAX_PAGE_SIZE])


def domains_in_feed(tenant: Tenant) -> list[str]:
    return list(
        Credential.objects.filter(tenant=tenant)
        .order_by("domain")
        .values_list("domain", flat=True)
        .distinct()[:200]
    )


def admin_center_link(credential: Credential) -> str:
    """The direct link to the account of a credential whose verdict's group is Active, or nothing."""
    identity = credential.identity
    return account_link(identity) if credential.verdict_group == VerdictGroup.ACTIVE and identity else ""


def account_link(identity: Identity) -> str:
    """The direct link to an account; nothing when the tenant is not connected to its directory any more."""
    connection = connection_to(identity.tenant_id, identity.entra_tenant_id)
    if connection is None:
        return ""
    try:
        return user_link(connection, identity.object_id)
    except BadInput:
        # The operator has taken the cloud `custom` away since; the credential is still worth reading.
        return ""
