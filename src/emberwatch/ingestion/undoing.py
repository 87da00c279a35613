"""Takes back what an import brought, and nothing that another import or a person has added since.

Removed are its sightings and its cookies; then credentials that no sighting is left of and that carry no history:
no validation, no verdict, nothing that anybody did with them; then machines and sources that nothing refers to any
more. A place that a later import found again passes on to that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min, QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import Conflict
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import Credential, Sighting, Source
from emberwatch.ingestion.locations import spool_of
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

_BATCH: Final = 5_000
_UNDOABLE: Final = (
    ImportState.REVIEW,
    ImportState.QUEUED,
    ImportState.RUNNING,
    ImportState.DONE,
    ImportState.FAILED,
)

_OWN: Final = """
SELECT id, credential_id, machine_id, also_in <> '{}' FROM exposures_sighting
WHERE import_id = %s ORDER BY id LIMIT %s FOR UPDATE
"""
_HAND_OVER: Final = """
UPDATE exposures_sighting s SET
  import_id = s.also_in[1], also_in = s.also_in[2:], seen_at = later.requested_at,
  leaked_at = CASE WHEN s.leaked_at_basis = 'first_seen' THEN later.requested_at ELSE s.leaked_at END
FROM ingestion_import later WHERE s.id = ANY(%s) AND later.id = s.also_in[1]
"""
_FORGET: Final = """
UPDATE {table} SET also_in = array_remove(also_in, %s)
WHERE id IN (SELECT id FROM {table} WHERE also_in @> ARRAY[%s]::uuid[] AND also_in <> '{{}}' LIMIT %s)
"""
_OWN_COOKIES: Final = """
SELECT id, machine_id, also_in <> '{}' FROM exposures_cookie WHERE import_id = %s ORDER BY id LIMIT %s FOR UPDATE
"""
_HAND_COOKIES_OVER: Final = """
UPDATE exposures_cookie c SET
  import_id = c.also_in[1], also_in = c.also_in[2:], seen_at = later.requested_at
FROM ingestion_import later WHERE c.id = ANY(%s) AND later.id = c.also_in[1]
"""
_BARE: Final = """
SELECT c.id FROM exposures_credential c
WHERE c.id = ANY(%s) AND NOT EXISTS (SELECT FROM exposures_sighting s WHERE s.credential_id = c.id)
ORDER BY c.id FOR UPDATE
"""
_MACHINES: Final = """
DELETE FROM exposures_machine m
WHERE m.id = ANY(%s) AND NOT EXISTS (SELECT FROM exposures_sighting s WHERE s.machine_id = m.id)
  AND NOT EXISTS (SELECT FROM exposures_cookie k WHERE k.machine_id = m.id)
"""
# What the list shows of a credential, worked out anew from the sightings that are left.
_RECOUNT: Final = """
UPDATE exposures_credential c SET
  first_seen_at = seen.first_at, last_seen_at = seen.last_at, source_kind = newest.kind,
  leaked_at = best.leaked_at, leaked_at_basis = COALESCE(best.leaked_at_basis, '')
FROM unnest(%s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
  SELECT min(seen_at) AS first_at, max(seen_at) AS last_at FROM exposures_sighting WHERE credential_id = wanted.id
) seen
CROSS JOIN LATERAL (
  SELECT source.kind FROM exposures_sighting s JOIN exposures_source source ON source.id = s.source_id
  WHERE s.credential_id = wanted.id ORDER BY s.seen_at DESC, source.kind LIMIT 1
) newest
LEFT JOIN LATERAL (
  SELECT leaked_at, leaked_at_basis FROM exposures_sighting
  WHERE credential_id = wanted.id AND leaked_at IS NOT NULL
  ORDER BY array_position(ARRAY['infection', 'breach', 'stated', 'first_seen'], leaked_at_basis::text),
    CASE WHEN leaked_at_basis = 'first_seen' THEN leaked_at END, leaked_at DESC
  LIMIT 1
) best ON true
WHERE c.id = wanted.id
"""


def request_undo(wanted: Import, *, actor: Actor, now: datetime) -> None:
    """Stops an import if it is running, and queues its undoing."""
    require(actor, wanted.tenant, Permission.IMPORT)
    with transaction.atomic():
        # Waits for the steps under way: each holds this row until it is stored.
        held = Import.objects.select_for_update().get(pk=wanted.pk)
        if held.state not in _UNDOABLE:
            raise Conflict("This import is undone already, or is being undone.")
        Import.objects.filter(pk=wanted.pk).update(state=ImportState.UNDOING, undone_by=actor.label)
        record(wanted.tenant_id, "import.undo_requested", f"import:{wanted.pk}", actor=actor, now=now)
        announce("import.undo_requested", import_id=str(wanted.pk))


def run_undo(import_id: UUID, *, clock: Clock = utc_now) -> None:
    """Safe to repeat: each batch is one transaction, and what is left tells where to go on."""
    for batch in (_undo_batch, _undo_cookies, _forget_batch):
        while batch(import_id):
            pass
    _end(import_id, clock())


def _undo_batch(import_id: UUID) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        wanted = Import.objects.select_for_update().get(pk=import_id)
        if wanted.state != ImportState.UNDOING:
            return False
        cursor.execute(_OWN, [import_id, _BATCH])
        rows = cursor.fetchall()
        if not rows:
            return False
        cursor.execute(_HAND_OVER, [[id_ for id_, _, _, shared in rows if shared]])
        removed = [id_ for id_, _, _, shared in rows if not shared]
        cursor.execute("DELETE FROM exposures_sighting WHERE id = ANY(%s)", [removed])
        found = _undo_credentials(cursor, sorted({credential_id for _, credential_id, _, _ in rows}))
        cursor.execute(_MACHINES, [list({machine_id for _, _, machine_id, _ in rows if machine_id})])
        _add(
            wanted,
            sightings=len(removed),
            passed_on=len(rows) - len(removed),
            machines=cursor.rowcount,
            **found,
        )
    return True


def _undo_cookies(import_id: UUID) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        wanted = Import.objects.select_for_update().get(pk=import_id)
        if wanted.state != ImportState.UNDOING:
            return False
        cursor.execute(_OWN_COOKIES, [import_id, _BATCH])
        rows = cursor.fetchall()
        if not rows:
            return False
        cursor.execute(_HAND_COOKIES_OVER, [[id_ for id_, _, shared in rows if shared]])
        removed = [id_ for id_, _, shared in rows if not shared]
        cursor.execute("DELETE FROM exposures_cookie WHERE id = ANY(%s)", [removed])
        cursor.execute(_MACHINES, [list({machine_id for _, machine_id, _ in rows if machine_id})])
        _add(wanted, cookies=len(removed), machines=cursor.rowcount)
    return True


def _undo_credentials(cursor: Any, ids: Sequence[UUID]) -> dict[str, int]:
    cursor.execute(_BARE, [ids])
    bare = [row[0] for row in cursor.fetchall()]
    removed = _without_history(bare)
    cursor.execute("DELETE FROM exposures_credential WHERE id = ANY(%s)", [removed])
    cursor.execute(_RECOUNT, [sorted(set(ids) - set(bare))])
    return {"credentials": len(removed), "kept_for_history": len(bare) - len(removed)}


def _without_history(ids: Sequence[UUID]) -> list[UUID]:
    """Those that no row but a sighting refers to; whatever table comes to refer to credentials is asked too."""
    rows = Credential.objects.filter(pk__in=ids, verdict_at__isnull=True)
    for relation in Credential._meta.related_objects:
        if relation.related_model is not Sighting:
            name = relation.field.name
            used = relation.related_model._base_manager.filter(**{f"{name}__in": ids})
            rows = rows.exclude(pk__in=used.values(f"{name}_id"))
    return list(rows.values_list("pk", flat=True))


def _forget_batch(import_id: UUID) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        forgotten = 0
        for table in ("exposures_sighting", "exposures_cookie"):
            cursor.execute(_FORGET.format(table=table), [import_id, import_id, _BATCH])
            forgotten += cursor.rowcount
        return forgotten > 0


def _add(wanted: Import, **numbers: int) -> None:
    wanted.undone = {name: wanted.undone.get(name, 0) + number for name, number in numbers.items()}
    wanted.save(update_fields=["undone"])


def _end(import_id: UUID, now: datetime) -> None:
    with transaction.atomic():
        wanted = Import.objects.select_for_update().get(pk=import_id)
        if wanted.state != ImportState.UNDOING:
            return
        _unused_sources(wanted).delete()
        wanted.refresh_from_db()
        wanted.state, wanted.undone_at = ImportState.UNDONE, now
        wanted.save(update_fields=["state", "undone_at"])
        actor = Actor(label=wanted.undone_by)
        record(
            wanted.tenant_id,
            "import.undone",
            f"import:{wanted.pk}",
            actor=actor,
            now=now,
            facts=wanted.undone,
        )
        announce("import.undone", import_id=str(wanted.pk), tenant_id=str(wanted.tenant_id))
    spool_of(wanted).unlink(missing_ok=True)


def _unused_sources(wanted: Import) -> QuerySet[Source]:
    """Whoever made them: where two imports shared one, the undoing of the last removes it."""
    unused = Source.objects.filter(tenant_id=wanted.tenant_id, sightings__isnull=True, cookies__isnull=True)
    others = Import.objects.filter(tenant_id=wanted.tenant_id, state=ImportState.RUNNING)
    # An import makes its sources shortly before the first rows that refer to them.
    since = others.aggregate(first=Min("requested_at"))["first"]
    return unused.filter(created_at__lt=since) if since else unused
