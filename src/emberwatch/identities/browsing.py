"""The identities of a tenant as a list: its filters, its pages, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from emberwatch.core.errors import BadInput
from emberwatch.core.listing import cursor_at_name, named_place_of, plain_text
from emberwatch.core.verdict import VerdictGroup
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import DirectorySync, Group, GroupMember, Identity
from emberwatch.tenants.models import Tenant

PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
STALE_AFTER: Final = timedelta(days=90)
_FLAGS: Final = {"": False, "true": True, "false": False}
_GONE: Final = Q(deleted_at__isnull=False) | Q(removed_at__isnull=False)
_MEMBERS: Final = GroupMember._meta.db_table
# Down from the privileged roles and groups to the people in them, through groups inside of groups.
_PRIVILEGED: Final = f"""
WITH RECURSIVE held (place, object_id, is_group) AS (
  SELECT member.entra_tenant_id, member.member_object_id, member.is_group
  FROM {_MEMBERS} AS member
  JOIN {Group._meta.db_table} AS privileged ON privileged.tenant_id = member.tenant_id
    AND privileged.entra_tenant_id = member.entra_tenant_id
    AND privileged.object_id = member.group_object_id
  WHERE privileged.tenant_id = %s AND privileged.privileged
  UNION
  SELECT member.entra_tenant_id, member.member_object_id, member.is_group
  FROM held JOIN {_MEMBERS} AS member ON held.is_group AND member.tenant_id = %s
    AND member.entra_tenant_id = held.place AND member.group_object_id = held.object_id
)
SELECT object_id FROM held WHERE NOT is_group
"""  # noqa: S608 - names come from the models


@dataclass(frozen=True, slots=True)
class IdentityFilter:
    """What the list is narrowed to; the same names stand in the URL of the page and of the API."""

    privileged: bool = False
    exposed: bool = False
    stale: bool = False
    disabled: bool = False
    guest: bool = False
    gone: bool = False
    text: str = ""

    @classmethod
    def from_query(cls, values: Mapping[str, str]) -> IdentityFilter:
        """Raises :class:`BadInput` naming the parameter at fault; unknown names are ignored."""
        text = plain_text(values.get("text", ""))
        return cls(**{name: _flag(name, values.get(name, "")) for name in FLAGS}, text=text)


FLAGS: Final = tuple(each.name for each in fields(IdentityFilter) if each.name != "text")


def _flag(name: str, value: str) -> bool:
    try:
        return _FLAGS[value.strip().lower()]
    except KeyError:
        raise BadInput(f"{name} needs true or false.", field=name) from None


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the list. ``active``: how many of its leaked credentials are in the group Active."""

    identity: Identity
    is_privileged: bool
    credentials: int
    active: int


@dataclass(frozen=True, slots=True)
class IdentityPage:
    rows: list[Listed]
    next_cursor: str = ""


def identities_page(
    tenant: Tenant, wanted: IdentityFilter, now: datetime, *, cursor: str = "", limit: int = PAGE_SIZE
) -> IdentityPage:
    """One page of a tenant's identities by name. ``cursor`` comes from the page before."""
    rows = _narrowed(tenant, wanted, now).order_by("user_principal_name", "id")
    if cursor:
        name, last_id = named_place_of(cursor)
        rows = rows.filter(
            Q(user_principal_name__gt=name) | Q(user_principal_name=name, id__gt=last_id),
            user_principal_name__gte=name,
        )
    limit = max(1, min(limit, MAX_PAGE_SIZE))
    found = list(rows[: limit + 1])
    shown = found[:limit]
    return IdentityPage(
        _listed(tenant, shown),
        cursor_at_name(shown[-1].user_principal_name, shown[-1].pk) if len(found) > limit else "",
    )


def _listed(tenant: Tenant, rows: Collection[Identity]) -> list[Listed]:
    privileged = set(
        Identity.objects.filter(_privileged(tenant), pk__in=[row.pk for row in rows]).values_list(
            "pk", flat=True
        )
    )
    active = Count("pk", filter=Q(verdict_group=VerdictGroup.ACTIVE))
    leaked = Credential.objects.filter(tenant=tenant, identity__in=rows).order_by().values("identity_id")
    counts = {row["identity_id"]: row for row in leaked.annotate(number=Count("pk"), active=active)}
    nothing = {"number": 0, "active": 0}
    return [
        Listed(row, row.pk in privileged, told["number"], told["active"])
        for row in rows
        for told in [counts.get(row.pk, nothing)]
    ]


def _narrowed(tenant: Tenant, wanted: IdentityFilter, now: datetime) -> QuerySet[Identity]:
    rows = Identity.objects.filter(tenant=tenant)
    rows = rows.filter(_GONE) if wanted.gone else rows.exclude(_GONE)
    conditions = _conditions(tenant, now)
    for name, condition in conditions.items():
        if getattr(wanted, name):
            rows = rows.filter(condition)
    return rows.filter(_bears(wanted.text)) if wanted.text else rows


def _conditions(tenant: Tenant, now: datetime) -> dict[str, Q]:
    active = Credential.objects.filter(
        tenant=tenant, identity=OuterRef("pk"), verdict_group=VerdictGroup.ACTIVE
    )
    return {
        "privileged": _privileged(tenant),
        "exposed": Q(Exists(active)),
        "stale": _stale(tenant, now),
        "disabled": Q(enabled=False),
        "guest": Q(external=True) | Q(user_type__iexact="guest"),
    }


def _privileged(tenant: Tenant) -> Q:
    return Q(object_id__in=RawSQL(_PRIVILEGED, [tenant.pk, tenant.pk]))  # noqa: S611 - values are parameters


def _stale(tenant: Tenant, now: datetime) -> Q:
    """Enabled, and nobody signed in for so long. Who never did counts once the directory has told of sign-ins."""
    since = now - STALE_AFTER
    idle = Q(last_successful_sign_in_at__lt=since) | Q(
        last_successful_sign_in_at=None, last_sign_in_at__lt=since
    )
    if sign_ins_are_read(tenant.pk):
        idle |= Q(last_successful_sign_in_at=None, last_sign_in_at=None, account_created_at__lt=since)
    return idle & Q(enabled=True)


def sign_ins_are_read(tenant_id: UUID) -> bool:
    """Whether a directory of the tenant has told when its accounts signed in last."""
    return DirectorySync.objects.filter(tenant_id=tenant_id, read_ats__has_key="sign_ins").exists()


def idle_days(identity: Identity, now: datetime) -> int | None:
    """Since somebody last signed in, when that makes the account stale; who never did counts from its creation."""
    last = identity.last_successful_sign_in_at or identity.last_sign_in_at
    if last is None and sign_ins_are_read(identity.tenant_id):
        last = identity.account_created_at
    return (now - last).days if last is not None and last < now - STALE_AFTER else None


def _bears(text: str) -> Q:
    try:
        return Q(object_id=UUID(text))
    except ValueError:
        return (
            Q(display_name__icontains=text) | Q(user_principal_name__icontains=text) | Q(mail__icontains=text)
        )


def identity_counts(tenant: Tenant, now: datetime) -> dict[str, int]:
    """How many identities there are of each kind that the list can be narrowed to, and of all: ``all``."""
    present = Identity.objects.filter(tenant=tenant).exclude(_GONE)
    conditions = _conditions(tenant, now)
    plain = {name: Count("pk", filter=conditions[name]) for name in ("stale", "disabled", "guest")}
    counts: dict[str, int] = present.aggregate(all=Count("pk"), **plain)
    counts["privileged"] = present.filter(conditions["privileged"]).count()
    exposed = Credential.objects.filter(tenant=tenant, verdict_group=VerdictGroup.ACTIVE)
    counts["exposed"] = present.filter(pk__in=exposed.values("identity_id")).count()
    counts["gone"] = Identity.objects.filter(_GONE, tenant=tenant).count()
    return counts
