"""Brings the tables of the database to this version; any number of processes may try at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

LOCK: Final = "emberwatch:migrations"


def pending() -> list[str]:
    """Names of the migrations that the database still lacks, in the order in which they would run."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def apply() -> list[str]:
    """Runs what is pending and names it. Whoever comes second waits, and then finds nothing to do."""
    if not pending():
        return []
    with _alone():
        names = pending()
        if names:
            call_command("migrate", verbosity=0, interactive=False)
        return names


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])
