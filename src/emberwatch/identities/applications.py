"""Writes applications and to whom they were given, in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from emberwatch.core.ids import new_id
from emberwatch.directories.changes import ApplicationFacts, Opening
from emberwatch.identities.models import Application, ApplicationOpening
from emberwatch.identities.storing import Copy, known_among

_OPENINGS: Final = ApplicationOpening._meta.db_table
_OPEN: Final = f"""
INSERT INTO {_OPENINGS}
  (tenant_id, entra_tenant_id, application_object_id, generation, principal_object_id, role, privileged)
SELECT %s, %s, %s, %s, given.principal, given.role, given.privileged
FROM unnest(%s::uuid[], %s::text[], %s::boolean[]) AS given (principal, role, privileged)
ORDER BY given.principal
ON CONFLICT (tenant_id, entra_tenant_id, application_object_id, principal_object_id)
DO UPDATE SET generation = EXCLUDED.generation, role = EXCLUDED.role, privileged = EXCLUDED.privileged
"""  # noqa: S608 - the table's name comes from the model


@transaction.atomic
def store_applications(
    copy: Copy, found: Sequence[ApplicationFacts], generation: int, *, known_only: bool
) -> None:
    """Stores a page of applications. Safe to repeat. ``known_only``: of people, only those that are stored."""
    Application.objects.bulk_create(
        [_row(copy, each, generation) for each in sorted(found, key=lambda each: each.object_id)],
        update_conflicts=True,
        unique_fields=["tenant", "entra_tenant_id", "object_id"],
        update_fields=["app_id", "name", "enabled", "open_to_all", "privileged", "generation"],
    )
    for each in found:
        _open(copy, each, _wanted(copy, each.openings) if known_only else each.openings, generation)


def _row(copy: Copy, facts: ApplicationFacts, generation: int) -> Application:
    return Application(
        id=new_id(),
        tenant_id=copy.tenant_id,
        entra_tenant_id=copy.entra_tenant_id,
        object_id=facts.object_id,
        app_id=facts.app_id,
        name=facts.name,
        enabled=facts.enabled,
        open_to_all=facts.open_to_all,
        privileged=facts.privileged,
        generation=generation,
    )


def _wanted(copy: Copy, openings: Sequence[Opening]) -> tuple[Opening, ...]:
    people = [each.principal_object_id for each in openings if not each.is_group]
    present, _ = known_among(copy, people)
    return tuple(each for each in openings if each.is_group or each.principal_object_id in present)


def _open(copy: Copy, facts: ApplicationFacts, openings: Sequence[Opening], generation: int) -> None:
    if not openings:
        return
    columns = (
        [each.principal_object_id for each in openings],
        [each.role for each in openings],
        [each.privileged for each in openings],
    )
    place = (copy.tenant_id, copy.entra_tenant_id, facts.object_id, generation)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [*place, *columns])


@transaction.atomic
def sweep_applications(copy: Copy, generation: int) -> None:
    """Takes away what a reading of all of them did not meet."""
    place = {"tenant_id": copy.tenant_id, "entra_tenant_id": copy.entra_tenant_id}
    Application.objects.filter(**place, generation__lt=generation).delete()
    ApplicationOpening.objects.filter(**place, generation__lt=generation).delete()
