"""Identities: the accounts of the tenant's directories as a list, and the profile of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.exposures.profile import Profile, access_identity
from emberwatch.exposures.queries import account_link
from emberwatch.identities.browsing import (
    FLAGS,
    STALE_AFTER,
    IdentityFilter,
    identities_page,
    identity_counts,
    sign_ins_are_read,
)
from emberwatch.identities.reach import Kind, Opened
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of
from emberwatch.web.access import actor_of, enter_tenant, remember_tenant
from emberwatch.web.picture import picture_of

OPENED_ON_A_PAGE: Final = 25
_LABELS: Final[Mapping[str, str]] = {
    "privileged": "Privileged",
    "exposed": "Active exposure",
    "stale": "Stale",
    "disabled": "Disabled",
    "guest": "Guest",
    "gone": "Deleted",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter of the list as a switch: where pressing it leads, and how many identities it leaves."""

    label: str
    count: int
    is_on: bool
    query: QueryDict


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant, now = enter_tenant(request, tenant_id, Permission.VIEW_FEED), utc_now()
    typed = {name: request.GET[name] for name in (*FLAGS, "text") if request.GET.get(name)}
    cursor = request.GET.get("cursor", "")
    wanted = IdentityFilter.from_query(typed)
    counts = identity_counts(tenant, now)
    shown = {
        "tenant": tenant,
        "page": identities_page(tenant, wanted, now, cursor=cursor),
        "wanted": typed,
        "query": _query(typed),
        "cursor": cursor,
        "all": counts["all"],
        "choices": _choices(wanted, typed, counts),
        "is_new": not counts["all"] and not counts["gone"],
        "stale_days": STALE_AFTER.days,
        "sign_ins_are_unknown": wanted.stale and not sign_ins_are_read(tenant.id),
        "may": permissions_of(actor_of(request), tenant),
    }
    return render(request, "identities/listing.html", shown)


def _choices(wanted: IdentityFilter, typed: Mapping[str, str], counts: Mapping[str, int]) -> list[Choice]:
    return [
        Choice(label, counts[name], getattr(wanted, name), _pressed(name, wanted, typed))
        for name, label in _LABELS.items()
    ]


def _pressed(name: str, wanted: IdentityFilter, typed: Mapping[str, str]) -> QueryDict:
    rest = {key: value for key, value in typed.items() if key != name}
    return _query(rest if getattr(wanted, name) else {**rest, name: "true"})


def _query(values: Mapping[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(dict(values))
    return query


def one(request: HttpRequest, tenant_id: UUID, identity_id: UUID) -> HttpResponse:
    identity = access_identity(actor_of(request), tenant_id, identity_id)
    remember_tenant(request, identity.tenant)
    profile = Profile(identity, utc_now())
    kind = _kind(request.GET.get("kind", ""))
    opened = profile.reach.of(kind) if kind else profile.reach.opened
    shown = {
        "tenant": identity.tenant,
        "identity": identity,
        "profile": profile,
        "user_link": account_link(identity),
        "picture": json.dumps(
            picture_of(identity.display_name or identity.user_principal_name, profile.reach)
        ),
        "kinds": [(each, len(profile.reach.of(each))) for each in Kind],
        "kind": kind,
        "opened": _opened_page(opened, request.GET.get("page", "")),
        "may": permissions_of(actor_of(request), identity.tenant),
    }
    return render(request, "identities/identity.html", shown)


def _kind(text: str) -> Kind | None:
    try:
        return Kind(text) if text else None
    except ValueError:
        raise BadInput("kind needs role, group or application.", field="kind") from None


@dataclass(frozen=True, slots=True)
class OpenedPage:
    rows: Sequence[Opened]
    number: int
    total: int

    @property
    def first(self) -> int:
        return (self.number - 1) * OPENED_ON_A_PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.last < self.total else None


def _opened_page(opened: Sequence[Opened], text: str) -> OpenedPage:
    if text and not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1 and len(text) < 9):
        raise BadInput("page needs a number from 1 on.", field="page")
    number = int(text or 1)
    begin = (number - 1) * OPENED_ON_A_PAGE
    return OpenedPage(opened[begin : begin + OPENED_ON_A_PAGE], number, len(opened))
