"""What stands in which column of a table: sniffed from its beginning, shown to a person, sent back corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from emberwatch.core.errors import BadInput


class Role(StrEnum):
    """What a column holds."""

    LOGIN = "login"
    USER_NAME = "user_name"
    """The login where no address stands in the row."""
    PASSWORD = "password"  # noqa: S105 - a column's name
    HASH = "hash"
    SALT = "salt"
    URL = "url"
    SOURCE = "source"
    DATE = "date"
    IGNORED = "ignored"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    Role.LOGIN: "Login (address)",
    Role.USER_NAME: "User name, used where no address stands",
    Role.PASSWORD: "Password, or hash where it looks like one",
    Role.HASH: "Hash",
    Role.SALT: "Salt",
    Role.URL: "Site",
    Role.SOURCE: "Name of the breach",
    Role.DATE: "Date",
    Role.IGNORED: "Ignored",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file (``column 3`` where it has none) and what it holds."""

    name: str
    role: Role = Role.IGNORED
    samples: tuple[str, ...] = ()
    """The shape of its first values, with every character masked."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """All columns of a table, in its order.

    In JSON a name is the path to a value (``data.email``), in SQL it is ``table.column``; files that are cut by
    position, such as CSV, go by a column's place.
    """

    columns: tuple[Column, ...]
    delimiter: str = ""
    """Of a text table; empty for JSON and SQL."""
    header: bool = True
    """Whether the first row holds names and no values."""

    @property
    def usable(self) -> bool:
        """Whether it names a login and a secret, without which no row is a credential."""
        roles = {column.role for column in self.columns}
        return bool(roles & {Role.LOGIN, Role.USER_NAME}) and bool(roles & {Role.PASSWORD, Role.HASH})

    def places(self, role: Role) -> tuple[int, ...]:
        """Indices of the columns that hold ``role``, first wanted first."""
        return tuple(at for at, column in enumerate(self.columns) if column.role is role)

    def corrected(self, roles: Mapping[str, str] | Sequence[str]) -> ColumnMap:
        """The same columns with the roles that a person chose, by name or one for each in order."""
        if isinstance(roles, Mapping):
            chosen = [roles.get(column.name, column.role) for column in self.columns]
        else:
            chosen = list(roles)
        if len(chosen) != len(self.columns):
            raise BadInput(
                "The number of columns does not fit the file.",
                remedy=f"It has {len(self.columns)}.",
                field="columns",
            )
        columns = tuple(
            replace(column, role=_role(role)) for column, role in zip(self.columns, chosen, strict=True)
        )
        return _checked(replace(self, columns=columns))

    def as_dict(self) -> dict[str, object]:
        """For JSON: what an import keeps, and what a page shows."""
        return {
            "delimiter": self.delimiter,
            "header": self.header,
            "columns": [
                {"name": c.name, "role": c.role.value, "samples": list(c.samples)} for c in self.columns
            ],
        }

    @classmethod
    def from_dict(cls, data: object) -> ColumnMap:
        """What :meth:`as_dict` wrote; :class:`BadInput` names what is wrong with anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("columns"), Sequence):
            raise BadInput("The column map cannot be read.", field="columns")
        delimiter, header = data.get("delimiter", ""), data.get("header", True)
        if not isinstance(delimiter, str) or len(delimiter) > 1 or not isinstance(header, bool):
            raise BadInput("The column map cannot be read.", field="columns")
        return _checked(cls(tuple(map(_column, data["columns"])), delimiter, header))


def parse_roles(text: str) -> tuple[str, ...]:
    """Roles as a person types them, parted by commas: ``login,password,-,url``; ``-`` or nothing is ignored."""
    words = [word.strip().casefold().replace("-", "_") for word in text.split(",")]
    return tuple(_role(Role.IGNORED if word in ("", "_") else word).value for word in words)


def _column(data: object) -> Column:
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        raise BadInput("A column has no name.", field="columns")
    samples = data.get("samples", ())
    known = isinstance(samples, Sequence) and not isinstance(samples, str)
    return Column(
        data["name"], _role(data.get("role", Role.IGNORED)), tuple(map(str, samples)) if known else ()
    )


def _role(text: object) -> Role:
    try:
        return Role(str(text))
    except ValueError:
        known = ", ".join(Role)
        raise BadInput(
            "There is no such kind of column.", remedy=f"Use one of: {known}, or - for none.", field="columns"
        ) from None


def _checked(columns: ColumnMap) -> ColumnMap:
    if not columns.usable:
        raise BadInput(
            "No row would be a credential.",
            remedy="Choose one column for the login and one for the password or hash.",
            field="columns",
        )
    return columns
