"""Writes accounts in bulk: what was told replaces what was known, what was not told stays, old names are kept.

Every writer of accounts comes through here, so that names, history and dates follow one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connection, transaction

from emberwatch.core.ids import new_id
from emberwatch.directories.changes import AccountChange, AccountNote, Gone
from emberwatch.directories.entra.accounts import is_external
from emberwatch.exposures.unmatched import match_again
from emberwatch.identities.models import FormerName, Identity
from emberwatch.identities.policy import Names, keys_of
from emberwatch.matching.domains import canonical_login

# What the directory tells of an account: our field, and its type in the database.
TOLD: Final[Mapping[str, str]] = {
    "user_principal_name": "text",
    "display_name": "text",
    "mail": "text",
    "enabled": "boolean",
    "user_type": "text",
    "synced": "boolean",
    "external_state": "text",
    "last_password_change_at": "timestamptz",
    "account_created_at": "timestamptz",
    "sessions_valid_from_at": "timestamptz",
    "on_premises_synced_at": "timestamptz",
    "password_policies": "text",
    "proxy_addresses": "text[]",
    "other_mails": "text[]",
    "on_premises_sam": "text",
    "on_premises_upn": "text",
    "on_premises_domain": "text",
    "department": "text",
    "job_title": "text",
    "manager_object_id": "uuid",
    "licences": "uuid[]",
    "deleted_at": "timestamptz",
}
# What follows from it.
_DERIVED: Final[Mapping[str, str]] = {
    "external": "boolean",
    "keys": "text[]",
    "generation": "integer",
    "read_at": "timestamptz",
    "removed_at": "timestamptz",
    "without_password_at": "timestamptz",
}
_STORED: Final = {**TOLD, **_DERIVED}
NOTES: Final[Mapping[str, str]] = {
    "last_sign_in_at": "timestamptz",
    "last_successful_sign_in_at": "timestamptz",
    "mfa_registered": "boolean",
    "mfa_methods": "text[]",
    "risk_level": "text",
    "risk_state": "text",
    "risk_updated_at": "timestamptz",
}
_KNOWN: Final = ("id", "object_id", *_STORED)
_BLANK: Final[Mapping[str, Any]] = {
    "text": "",
    "text[]": (),
    "uuid[]": (),
}
_NOTHING: Final[Mapping[str, Any]] = {
    name: False if name == "synced" else _BLANK.get(kind) for name, kind in TOLD.items()
}
_TABLE: Final = Identity._meta.db_table
_RECORD: Final = ", ".join(
    f"{name} {kind}" for name, kind in {"id": "uuid", "object_id": "uuid", **_STORED}.items()
)
_COLUMNS: Final = ", ".join(_STORED)
_UPSERT: Final = f"""
INSERT INTO {_TABLE} (id, tenant_id, entra_tenant_id, object_id, {_COLUMNS}, mfa_methods, risk_level, risk_state)
SELECT id, %s, %s, object_id, {_COLUMNS}, '{{}}', '', '' FROM json_to_recordset(%s::json) AS told ({_RECORD})
ON CONFLICT (tenant_id, entra_tenant_id, object_id) DO UPDATE SET
  {", ".join(f"{name} = EXCLUDED.{name}" for name in _STORED)}
"""  # noqa: S608 - names come from the tables above


@dataclass(frozen=True, slots=True)
class Copy:
    """Whose copy of which directory."""

    tenant_id: UUID
    entra_tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Reading:
    """``generation`` counts full readings; ``is_full``: in this one, what is not told is not set."""

    at: datetime
    generation: int = 0
    is_full: bool = False
    leaves: frozenset[str] = frozenset()
    """Fields that this way of reading never tells about."""


@dataclass(slots=True)
class Stored:
    """What became of a batch of accounts."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    restored: int = 0
    password_changed: list[UUID] = field(default_factory=list)
    """Identities, by their own ids."""
    names: set[str] = field(default_factory=set)
    """Names that came to an account or went from it, so that credentials may have to be matched again."""
    unknown: list[UUID] = field(default_factory=list)
    """Object ids of accounts that were told only in part and are not known: nothing was stored of them."""


@transaction.atomic
def store_accounts(copy: Copy, changes: Sequence[AccountChange], reading: Reading) -> Stored:
    """Stores what was told about accounts. Safe to repeat."""
    stored = Stored()
    known = _known(copy, [change.object_id for change in changes])
    rows: dict[UUID, dict[str, Any]] = {}
    for change in changes:
        # A page may tell twice about one account: the second time builds upon the first.
        before = rows.get(change.object_id) or known.get(change.object_id)
        after = _told_gone(change, before, reading) if change.gone else _told(change, before, reading)
        if after is not None:
            rows[change.object_id] = after
        elif change.gone is not Gone.PURGED:
            stored.unknown.append(change.object_id)
    for object_id, after in rows.items():
        _count(stored, known.get(object_id), after)
    _upsert(copy, rows)
    _keep_former_names(copy, known, rows, reading.at)
    match_again(copy.tenant_id, stored.names)
    return stored


def _known(copy: Copy, object_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """In one order everywhere, so that two writers never wait for each other."""
    rows = Identity.objects.select_for_update(no_key=True).filter(
        tenant_id=copy.tenant_id, entra_tenant_id=copy.entra_tenant_id, object_id__in=sorted(set(object_ids))
    )
    return {row["object_id"]: row for row in rows.order_by("object_id").values(*_KNOWN)}


def known_among(copy: Copy, object_ids: Sequence[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Which of these accounts are stored: those that are there, and those that are gone."""
    rows = Identity.objects.filter(
        tenant_id=copy.tenant_id, entra_tenant_id=copy.entra_tenant_id, object_id__in=list(object_ids)
    )
    found = list(rows.values("object_id", "deleted_at", "removed_at")) if object_ids else []
    gone = {row["object_id"] for row in found if _is_gone(row)}
    return {row["object_id"] for row in found} - gone, gone


def _told(change: AccountChange, before: Mapping[str, Any] | None, reading: Reading) -> dict[str, Any] | None:
    """The row as it is from now on; ``None`` when too little of an unknown account was told."""
    if "user_principal_name" not in change.told and before is None:
        return None
    row = {**_base(before, reading), **change.told}
    row |= {"object_id": change.object_id, "deleted_at": None, "removed_at": None}
    return _derived(row, before, reading)


def _base(before: Mapping[str, Any] | None, reading: Reading) -> dict[str, Any]:
    """What stands as long as nothing else is told. A full reading leaves out what is not set."""
    if before is None:
        return {"id": new_id(), "without_password_at": None, **_NOTHING}
    if reading.is_full and before["generation"] < reading.generation:
        kept = ("id", "without_password_at", "user_principal_name", *reading.leaves)
        return {**_NOTHING, **{name: before[name] for name in kept}}
    return dict(before)


def _told_gone(
    change: AccountChange, before: Mapping[str, Any] | None, reading: Reading
) -> dict[str, Any] | None:
    """An account that is gone keeps its names, as the bin tells them or as they were last."""
    if before is None and "user_principal_name" not in change.told:
        return None
    row = {**(before or _base(None, reading)), **change.told, "object_id": change.object_id}
    if change.gone is Gone.PURGED:
        row["removed_at"] = row.get("removed_at") or reading.at
    else:
        # What lies in the bin can come back, also when a full reading has missed it just before.
        row |= {"deleted_at": row["deleted_at"] or reading.at, "removed_at": None}
    return _derived(row, before, reading)


def _derived(row: dict[str, Any], before: Mapping[str, Any] | None, reading: Reading) -> dict[str, Any]:
    row["external"] = is_external(row["user_principal_name"], row["user_type"], row["external_state"])
    row["keys"] = keys_of(names_in(row))
    row["generation"] = reading.generation or (before["generation"] if before else 0)
    row["read_at"] = reading.at
    if before is not None and _password_changed(before, row):
        row["without_password_at"] = None
    return row


def names_in(row: Mapping[str, Any]) -> Names:
    return Names(
        row["object_id"],
        row["user_principal_name"],
        row["mail"],
        tuple(row["proxy_addresses"]),
        tuple(row["other_mails"]),
        row["on_premises_upn"],
        row["on_premises_sam"],
        row["on_premises_domain"],
    )


def _password_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Since the account was last read; without an older date, since that reading."""
    changed, known = after["last_password_change_at"], before["last_password_change_at"] or before["read_at"]
    return changed is not None and known is not None and changed > known


def _count(stored: Stored, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    if before is None:
        stored.added += 1
        stored.names.update(after["keys"])
        return
    was_gone, is_gone = _is_gone(before), _is_gone(after)
    stored.removed += is_gone and not was_gone
    stored.restored += was_gone and not is_gone
    stored.changed += any(before[name] != _comparable(after[name]) for name in TOLD)
    if was_gone != is_gone:
        stored.names.update(before["keys"], after["keys"])
    else:
        stored.names.update(set(before["keys"]) ^ set(after["keys"]))
    if _password_changed(before, after):
        stored.password_changed.append(after["id"])


def _comparable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _is_gone(row: Mapping[str, Any]) -> bool:
    return row["deleted_at"] is not None or row["removed_at"] is not None


def _upsert(copy: Copy, rows: Mapping[UUID, Mapping[str, Any]]) -> None:
    if not rows:
        return
    ordered = [{name: rows[key][name] for name in _KNOWN} for key in sorted(rows)]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [copy.tenant_id, copy.entra_tenant_id, msgspec.json.encode(ordered).decode()])


def _keep_former_names(
    copy: Copy,
    known: Mapping[UUID, Mapping[str, Any]],
    rows: Mapping[UUID, Mapping[str, Any]],
    at: datetime,
) -> None:
    """A name that an account had and has no more is kept; one that it has again is its present name."""
    former, regained = list[FormerName](), list[tuple[UUID, str]]()
    for object_id, after in rows.items():
        before = known.get(object_id)
        if before is None:
            continue
        lost, won = set(before["keys"]) - set(after["keys"]), set(after["keys"]) - set(before["keys"])
        regained += [(before["id"], name) for name in won]
        sign_in_name = canonical_login(before["user_principal_name"])
        former += [
            FormerName(
                tenant_id=copy.tenant_id,
                identity_id=before["id"],
                name=name,
                was_sign_in_name=name == sign_in_name,
                until=at,
            )
            for name in sorted(lost)
        ]
    _forget(regained)
    FormerName.objects.bulk_create(
        former, update_conflicts=True, unique_fields=["identity", "name"], update_fields=["until"]
    )


def _forget(names: Iterable[tuple[UUID, str]]) -> None:
    by_identity: dict[UUID, list[str]] = {}
    for identity_id, name in names:
        by_identity.setdefault(identity_id, []).append(name)
    if by_identity:
        wanted = FormerName.objects.filter(identity_id__in=by_identity)
        gone = [row.pk for row in wanted if row.name in by_identity[row.identity_id]]
        FormerName.objects.filter(pk__in=gone).delete()


def sweep_accounts(copy: Copy, generation: int, since: datetime, at: datetime, *, whole: bool) -> int:
    """Marks as removed what a full reading that began at ``since`` did not meet; returns how many accounts.

    ``whole``: the reading lists every account of the directory; otherwise accounts that it never met are none of
    its business.
    """
    rows = Identity.objects.filter(
        tenant_id=copy.tenant_id,
        entra_tenant_id=copy.entra_tenant_id,
        generation__lt=generation,
        read_at__lt=since,
        removed_at=None,
        deleted_at=None,
    )
    if not whole:
        rows = rows.filter(generation__gt=0)
    with transaction.atomic():
        gone = list(rows.select_for_update(no_key=True).order_by("object_id").values_list("pk", "keys"))
        Identity.objects.filter(pk__in=[pk for pk, _ in gone]).update(removed_at=at)
        match_again(copy.tenant_id, {name for _, keys in gone for name in keys})
    return len(gone)


def sweep_bin(copy: Copy, since: datetime, at: datetime) -> int:
    """Marks as removed for good what was in the bin and was not met there by a reading that began at ``since``."""
    rows = Identity.objects.filter(
        tenant_id=copy.tenant_id,
        entra_tenant_id=copy.entra_tenant_id,
        deleted_at__isnull=False,
        removed_at=None,
        read_at__lt=since,
    )
    return rows.update(removed_at=at)


def store_notes(copy: Copy, notes: Sequence[AccountNote]) -> int:
    """Stores facts of the services beside the list of accounts; returns how many accounts were known."""
    if not notes:
        return 0
    names = [name for name in NOTES if name in notes[0].told]
    rows = [{"object_id": note.object_id, **note.told} for note in notes]
    record = ", ".join(f"{name} {NOTES[name]}" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {_TABLE} AS known SET {", ".join(f"{name} = told.{name}" for name in names)}
            FROM json_to_recordset(%s::json) AS told (object_id uuid, {record})
            WHERE known.tenant_id = %s AND known.entra_tenant_id = %s AND known.object_id = told.object_id
            """,  # noqa: S608 - names come from the table above
            [msgspec.json.encode(rows).decode(), copy.tenant_id, copy.entra_tenant_id],
        )
        return int(cursor.rowcount)
