"""The tables of a dump: which columns each has, as its statements or its rows tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from emberwatch.parsing.column_content import told_by_content, with_samples
from emberwatch.parsing.column_names import named_columns
from emberwatch.parsing.columns import Column, ColumnMap, Role

_SAMPLE_ROWS: Final = 20
_MOST_TABLES: Final = 500


@dataclass(slots=True, repr=False)
class _Table:
    columns: tuple[Column, ...]
    rows: list[Sequence[str | None]] = field(default_factory=list)


class Tables:
    """Columns by table; ``wanted`` overrides what is found for those of its names."""

    def __init__(self, wanted: ColumnMap | None) -> None:
        self._wanted = {column.name: column.role for column in wanted.columns} if wanted else None
        self._defined: dict[str, list[str]] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], _Table] = {}

    def define(self, table: str, names: list[str]) -> None:
        if names and len(self._defined) < _MOST_TABLES:
            self._defined[table] = names

    def columns_of(
        self, table: str, names: Sequence[str], first: Sequence[Sequence[str | None]]
    ) -> ColumnMap:
        """The columns of rows that a statement gives, its own ``names`` first; ``first`` are some of the rows."""
        names = tuple(names) or tuple(self._defined.get(table, ()))
        known = self._tables.get((table, names))
        if known is None:
            width = max(map(len, first), default=0)
            found = named_columns(names) if names else told_by_content(first, width)
            known = _Table(tuple(self._as_wanted(table, column) for column in found))
            if len(self._tables) < _MOST_TABLES:
                self._tables[table, names] = known
        if len(known.rows) < _SAMPLE_ROWS:
            known.rows.extend(first[:_SAMPLE_ROWS])
        return ColumnMap(known.columns)

    def shown(self) -> list[Column]:
        """Every column of the tables that hold logins, named ``table.column``."""
        found = (
            Column(f"{name}.{column.name}", column.role, column.samples)
            for (name, _), table in self._tables.items()
            if any(column.role in (Role.LOGIN, Role.USER_NAME) for column in table.columns)
            for column in with_samples(table.columns, table.rows)
        )
        return list({column.name: column for column in found}.values())

    def _as_wanted(self, table: str, column: Column) -> Column:
        if self._wanted is None:
            return column
        # What appears only further down in the dump was shown to nobody, and keeps its own role.
        return Column(column.name, self._wanted.get(f"{table}.{column.name}", column.role))
