"""Rows into tables at COPY's speed: a binary COPY into a staging table, then one INSERT that settles conflicts.

The staging tables are temporary, so they write nothing to the write-ahead log. Columns that are not staged get the
model's own defaults: a column that is added to a model needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection, models
from psycopg import sql

from emberwatch.exposures.models import Cookie, Credential, Sighting

Types = Mapping[str, str]

CREDENTIAL: Final[Types] = {
    "id": "uuid",
    "fingerprint": "bytea",
    "login": "text",
    "login_canonical": "text",
    "domain": "text",
    "sealed_secret": "bytea",
    "secret_kind": "text",
    "hash_types": "text",
    "secret_length": "int4",
    "secret_classes": "text",
    "source_kind": "text",
    "leaked_at": "timestamptz",
    "leaked_at_basis": "text",
    "exposure_kind": "text",
}
SIGHTING: Final[Types] = {
    "id": "uuid",
    "credential_id": "uuid",
    "source_id": "uuid",
    "machine_id": "uuid",
    "place": "bytea",
    "file_name": "text",
    "line": "int8",
    "url": "text",
    "application": "text",
    "leaked_at": "timestamptz",
    "leaked_at_basis": "text",
}
COOKIE: Final[Types] = {
    "id": "uuid",
    "machine_id": "uuid",
    "source_id": "uuid",
    "fingerprint": "bytea",
    "host": "text",
    "name": "text",
    "path": "text",
    "is_secure": "bool",
    "expires_at": "timestamptz",
    "sealed_value": "bytea",
    "file_name": "text",
    "line": "int8",
}
_JSON: Final = frozenset({"hash_types"})

# Several pieces may find one pair: whichever is stored first, the first two rows of a leak decide how it looks.
_SIGHTING_CONFLICT: Final = """
ON CONFLICT (credential_id, place) DO UPDATE SET
  also_in = CASE WHEN seen.import_id = EXCLUDED.import_id OR EXCLUDED.import_id = ANY(seen.also_in)
                 THEN seen.also_in ELSE seen.also_in || EXCLUDED.import_id END,
  file_name = CASE WHEN {earlier} THEN EXCLUDED.file_name ELSE seen.file_name END,
  url = CASE WHEN {earlier} THEN EXCLUDED.url ELSE seen.url END,
  application = CASE WHEN {earlier} THEN EXCLUDED.application ELSE seen.application END,
  line = CASE WHEN {earlier} THEN EXCLUDED.line ELSE seen.line END
WHERE {earlier} OR NOT (seen.import_id IS NOT DISTINCT FROM EXCLUDED.import_id
                        OR EXCLUDED.import_id = ANY(seen.also_in))
"""
_EARLIER: Final = """(seen.import_id = EXCLUDED.import_id AND
  (EXCLUDED.file_name COLLATE "C", EXCLUDED.line) < (seen.file_name COLLATE "C", seen.line))"""


def insert_credentials(rows: Sequence[tuple[Any, ...]], given: Mapping[str, Any]) -> int:
    """Inserts those whose fingerprint is not there yet, and says how many these were."""
    _stage("staged_credential", CREDENTIAL, rows)
    return _insert(
        Credential, "staged_credential", CREDENTIAL, given, "ON CONFLICT (tenant_id, fingerprint) DO NOTHING"
    )


def insert_sightings(rows: Sequence[tuple[Any, ...]], given: Mapping[str, Any]) -> None:
    """Inserts sightings; one whose place is known notes that this import found it too."""
    _stage("staged_sighting", SIGHTING, rows)
    _insert(Sighting, "staged_sighting", SIGHTING, given, _SIGHTING_CONFLICT.format(earlier=_EARLIER))


_COOKIE_AGAIN: Final = """
UPDATE exposures_cookie seen SET also_in = seen.also_in || %s::uuid
FROM (
  SELECT c.id FROM exposures_cookie c JOIN staged_cookie USING (fingerprint)
  WHERE c.tenant_id = %s AND c.import_id <> %s AND NOT %s = ANY(c.also_in) ORDER BY c.id FOR UPDATE OF c
) again
WHERE seen.id = again.id
"""


def insert_cookies(rows: Sequence[tuple[Any, ...]], given: Mapping[str, Any]) -> int:
    """Inserts those that are not there yet and says how many; the others note that this import found them too."""
    _stage("staged_cookie", COOKIE, rows)
    new = _insert(Cookie, "staged_cookie", COOKIE, given, "ON CONFLICT (tenant_id, fingerprint) DO NOTHING")
    if new < len(rows):
        import_id = given["import_id"]
        with connection.cursor() as cursor:
            cursor.execute(_COOKIE_AGAIN, [import_id, given["tenant_id"], import_id, import_id])
    return new


def _stage(table: str, types: Types, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_)) for name, type_ in types.items()
    )
    name = sql.Identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(name, columns)
        )
        cursor.execute(sql.SQL("DELETE FROM {}").format(name))
        with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(name)) as copy:
            copy.set_types(list(types.values()))
            write = copy.write_row
            for row in rows:
                write(row)


def _insert(
    model: type[models.Model], table: str, types: Types, given: Mapping[str, Any], conflict: str
) -> int:
    columns: list[sql.Composable] = []
    values: list[sql.Composable] = []
    parameters: list[Any] = []
    for field in model._meta.concrete_fields:
        column = str(field.column)
        columns.append(sql.Identifier(column))
        if column in types:
            form = "staged.{}::jsonb" if column in _JSON else "staged.{}"
            values.append(sql.SQL(form).format(sql.Identifier(column)))
        else:
            values.append(sql.SQL("%s"))
            value = given[column] if column in given else field.get_default()
            parameters.append(field.get_db_prep_save(value, connection))
    statement = sql.SQL("INSERT INTO {} AS seen ({}) SELECT {} FROM {} AS staged {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(columns),
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(conflict),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
