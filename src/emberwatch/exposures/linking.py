"""Points credentials to the accounts whose logins they are, whichever of the two came first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.exposures.models import Credential
from emberwatch.identities.models import DirectorySync, Identity
from emberwatch.identities.queries import Matched, connected_directories, match_logins

BATCH: Final = 2_000


def link_waiting(now: datetime) -> int:
    """Matches one batch of the credentials that wait for it; returns how many, 0 when none is left."""
    for tenant_id in (
        DirectorySync.objects.order_by("tenant_id").values_list("tenant_id", flat=True).distinct()
    ):
        linked = _link_batch(tenant_id, now)
        if linked:
            return linked
    return 0


@transaction.atomic
def _link_batch(tenant_id: UUID, now: datetime) -> int:
    waiting = Credential.objects.filter(tenant_id=tenant_id, matched_at=None)
    rows = list(
        waiting.select_for_update(skip_locked=True)
        .order_by("pk")
        .only("login_canonical", "identity_id", "matched_by")[:BATCH]
    )
    matched = match_logins(tenant_id, connected_directories(tenant_id), [row.login_canonical for row in rows])
    moved = [row for row in rows if _take(row, matched[row.login_canonical])]
    Credential.objects.bulk_update(moved, ["identity", "matched_by"])
    Credential.objects.filter(pk__in=[row.pk for row in rows]).update(matched_at=now)
    return len(rows)


def _take(row: Credential, matched: Matched) -> bool:
    """Whether the credential belongs to another account now, or for another reason."""
    after = (matched.identity_id, matched.match.code)
    if (row.identity_id, row.matched_by) == after:
        return False
    row.identity_id, row.matched_by = after
    return True


def link_login(tenant_id: UUID, login_canonical: str, identity: Identity | None, code: str) -> None:
    """All credentials of a login belong to an account that was just found for it, or to none that is sure."""
    link_logins(tenant_id, {login_canonical: (identity, code)})


def link_logins(tenant_id: UUID, found: Mapping[str, tuple[Identity | None, str]]) -> None:
    """The same for many logins; those that stand as they should are left alone."""
    rows = Credential.objects.filter(tenant_id=tenant_id, login_canonical__in=found)
    standing = rows.order_by().values_list("login_canonical", "identity_id", "matched_by").distinct()
    wanted = {login: (identity.pk if identity else None, code) for login, (identity, code) in found.items()}
    for login in sorted({login for login, *present in standing if tuple(present) != wanted[login]}):
        identity, code = found[login]
        rows.filter(login_canonical=login).update(identity=identity, matched_by=code)
