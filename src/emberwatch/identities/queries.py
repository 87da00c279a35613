"""Reads of identities: whose login it is, and how far a tenant's copy of its directory is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from emberwatch.directories.base import AccountFacts
from emberwatch.directories.models import DirectoryConnection
from emberwatch.identities.models import DirectorySync, FormerName, Identity
from emberwatch.identities.policy import Candidate, Match, Names, keys_of, match, sought_for

_NAMED = (
    "pk",
    "object_id",
    "user_principal_name",
    "mail",
    "proxy_addresses",
    "other_mails",
    "on_premises_upn",
    "on_premises_sam",
    "on_premises_domain",
    "deleted_at",
    "removed_at",
)


@dataclass(frozen=True, slots=True)
class Matched:
    """Whose login it is, with our own id of the account when it is one."""

    match: Match
    identity_id: UUID | None


def match_logins(
    tenant_id: UUID, entra_tenant_ids: Collection[UUID], logins: Sequence[str]
) -> dict[str, Matched]:
    """Whose logins these are, by all that is stored of accounts in these directories."""
    named = names_for(tenant_id, entra_tenant_ids, [name for login in logins for name in sought_for(login)])
    bearing = _by_name(named.values())
    ids = {names.object_id: pk for pk, names in named.items()}
    return {login: _matched(login, bearing, ids) for login in dict.fromkeys(logins)}


def _matched(login: str, bearing: Mapping[str, Sequence[Names]], ids: Mapping[UUID, UUID]) -> Matched:
    accounts = {names.object_id: names for name in sought_for(login) for names in bearing.get(name, ())}
    found = match(login, accounts.values())
    return Matched(found, ids[found.only.object_id] if found.only else None)


def _by_name(accounts: Iterable[Names]) -> dict[str, list[Names]]:
    bearing: dict[str, list[Names]] = {}
    for names in accounts:
        for name in {*keys_of(names), *names.former_sign_in_names, *names.former_addresses}:
            bearing.setdefault(name, []).append(names)
    return bearing


def names_for(
    tenant_id: UUID, entra_tenant_ids: Collection[UUID], sought: Collection[str]
) -> dict[UUID, Names]:
    """All names of the accounts that bear one of these names or did so before, by our own ids."""
    wanted = sorted(set(sought))
    once = FormerName.objects.filter(tenant_id=tenant_id, name__in=wanted).values_list(
        "identity_id", flat=True
    )
    rows = Identity.objects.filter(
        Q(keys__overlap=wanted) | Q(pk__in=list(once)),
        tenant_id=tenant_id,
        entra_tenant_id__in=list(entra_tenant_ids),
    )
    found = {row["pk"]: row for row in rows.values(*_NAMED)}
    former = _former_names(found)
    return {pk: _names(row, former.get(pk, [])) for pk, row in found.items()}


def _former_names(identity_ids: Iterable[UUID]) -> dict[UUID, list[FormerName]]:
    rows: dict[UUID, list[FormerName]] = {}
    for row in FormerName.objects.filter(identity_id__in=list(identity_ids)).order_by("name"):
        rows.setdefault(row.identity_id, []).append(row)
    return rows


def _names(row: Mapping[str, Any], former: Sequence[FormerName]) -> Names:
    return Names(
        row["object_id"],
        row["user_principal_name"],
        row["mail"],
        tuple(row["proxy_addresses"]),
        tuple(row["other_mails"]),
        row["on_premises_upn"],
        row["on_premises_sam"],
        row["on_premises_domain"],
        tuple(each.name for each in former if each.was_sign_in_name),
        tuple(each.name for each in former if not each.was_sign_in_name),
        is_gone=row["deleted_at"] is not None or row["removed_at"] is not None,
    )


def connected_directories(tenant_id: UUID) -> list[UUID]:
    rows = DirectoryConnection.objects.filter(tenant_id=tenant_id)
    return list(rows.order_by("entra_tenant_id").values_list("entra_tenant_id", flat=True).distinct())


def accounts_as_stored(identity_ids: Sequence[UUID]) -> list[AccountFacts]:
    """What the last reading told of these accounts; a sign-in never rests on it."""
    rows = Identity.objects.filter(pk__in=identity_ids).order_by("user_principal_name")
    return [_as_stored(row) for row in rows]


def _as_stored(row: Identity) -> AccountFacts:
    return AccountFacts(
        object_id=row.object_id,
        user_principal_name=row.user_principal_name,
        display_name=row.display_name,
        mail=row.mail,
        enabled=row.enabled,
        user_type=row.user_type,
        synced=row.synced,
        last_password_change_at=row.last_password_change_at,
        created_at=row.account_created_at,
        password_policies=row.password_policies,
        read_at=row.read_at,
        found_by="",
        external=row.external,
    )


@dataclass(frozen=True, slots=True)
class Bearer:
    """One of several accounts that bear a login, as pages name it."""

    identity: Identity
    candidate: Candidate


def bearers_of(tenant_id: UUID, login: str) -> list[Bearer]:
    """The accounts that a login may name, the strongest reason first."""
    directories = connected_directories(tenant_id)
    matched = match_logins(tenant_id, directories, [login])[login]
    by_object = {candidate.object_id: candidate for candidate in matched.match.candidates}
    rows = Identity.objects.filter(
        tenant_id=tenant_id, entra_tenant_id__in=directories, object_id__in=by_object
    )
    bearers = [Bearer(row, by_object[row.object_id]) for row in rows]
    return sorted(
        bearers, key=lambda each: (each.candidate.reason.strength, each.identity.user_principal_name)
    )


def identity_ids(tenant_id: UUID, object_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Our own ids of accounts, by the directory's; those that are not stored are left out."""
    rows = Identity.objects.filter(tenant_id=tenant_id, object_id__in=list(object_ids))
    return dict(rows.values_list("object_id", "pk"))


def sync_of(connection: DirectoryConnection) -> DirectorySync | None:
    return DirectorySync.objects.filter(connection=connection).first()


def account_count(tenant_id: UUID, entra_tenant_id: UUID) -> int:
    rows = Identity.objects.filter(tenant_id=tenant_id, entra_tenant_id=entra_tenant_id)
    return rows.filter(deleted_at=None, removed_at=None).count()
