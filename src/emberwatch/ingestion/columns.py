"""Tables before they are imported: what each column is taken for, and how a person puts that right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.engine.facts import announce
from emberwatch.ingestion.context import guessed_columns
from emberwatch.ingestion.locations import look_at, opened
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.parsing.columns import ColumnMap
from emberwatch.sources.files import beginning
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

_NOT_WAITING: Final = Conflict("This import does not wait for its columns any more.")


def is_table(wanted: Import) -> bool:
    return _guessed(wanted) is not None


def columns_of(wanted: Import) -> ColumnMap:
    """The columns of an import's table as they will be read, with masked samples; refuses what is no table."""
    found = _guessed(wanted)
    if found is None:
        raise BadInput(
            "This file is not a table.",
            remedy="Columns can be named for CSV, JSON and SQL files. Choose the format if it was not told.",
            field="columns",
        )
    return found.corrected(wanted.columns) if wanted.columns else found


def columns_at(tenant: Tenant, location: str, format: str, *, actor: Actor) -> ColumnMap:  # noqa: A002 - its public name
    """The same of a file that is not imported yet."""
    require(actor, tenant, Permission.IMPORT)
    found = look_at(location)
    return columns_of(
        Import(
            tenant=tenant,
            file_name=found.name,
            location=found.location,
            size=found.size,
            stamp=found.stamp,
            format=format,
        )
    )


def confirm_columns(wanted: Import, roles: Sequence[str], *, actor: Actor, now: datetime) -> None:
    """Queues an import that waits for somebody to look at its columns; ``roles`` names one for each of them."""
    require(actor, wanted.tenant, Permission.IMPORT)
    if wanted.state != ImportState.REVIEW:
        raise _NOT_WAITING
    wanted.columns = list(roles)
    columns_of(wanted)
    with transaction.atomic():
        waiting = Import.objects.filter(pk=wanted.pk, state=ImportState.REVIEW)
        if not waiting.update(state=ImportState.QUEUED, columns=wanted.columns):
            raise _NOT_WAITING
        record(
            wanted.tenant_id,
            "import.columns_confirmed",
            f"import:{wanted.pk}",
            actor=actor,
            now=now,
            facts={"columns": wanted.columns},
        )
        announce("import.requested", import_id=str(wanted.pk))


def _guessed(wanted: Import) -> ColumnMap | None:
    with opened(wanted) as file:
        return guessed_columns(wanted, beginning(file))
