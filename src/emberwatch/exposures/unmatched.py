"""Which credentials have still to be matched with accounts: those without ``matched_at``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from emberwatch.exposures.models import Credential
from emberwatch.identities.policy import AMBIGUOUS, sought_for

AT_ONCE: Final = 5_000


def match_again(tenant_id: UUID, names: Collection[str]) -> int:
    """Accounts have got or lost these names: credentials with such a login are matched anew; returns how many."""
    if not names:
        return 0
    wanted, ordered, marked = set(names), sorted(names), 0
    for begin in range(0, len(ordered), AT_ONCE):
        part = ordered[begin : begin + AT_ONCE]
        marked += _mark(Credential.objects.filter(tenant_id=tenant_id, login_canonical__in=part))
    return marked + _mark(_sub_addressed(tenant_id, wanted))


def forget_matches(tenant_id: UUID, entra_tenant_id: UUID) -> int:
    """The accounts of a directory go: what was matched with them, or was anybody's between several, is matched anew."""
    theirs = Q(identity__entra_tenant_id=entra_tenant_id) | Q(matched_by=AMBIGUOUS)
    return _mark(Credential.objects.filter(theirs, tenant_id=tenant_id))


def _sub_addressed(tenant_id: UUID, names: set[str]) -> QuerySet[Credential]:
    """Logins with a sub-address of one of these names; there are few of them, and an index of their own."""
    rows = Credential.objects.filter(tenant_id=tenant_id, login_canonical__contains="+")
    pairs = rows.values_list("pk", "login_canonical").iterator()
    found = [pk for pk, login in pairs if not names.isdisjoint(sought_for(login))]
    return Credential.objects.filter(pk__in=found)


def _mark(rows: QuerySet[Credential]) -> int:
    locked = rows.exclude(matched_at=None).select_for_update(of=("self",)).order_by("pk")
    ids = list(locked.values_list("pk", flat=True))
    return Credential.objects.filter(pk__in=ids).update(matched_at=None)
