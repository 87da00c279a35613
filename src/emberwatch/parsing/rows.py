"""From the values of one row of a table to its outcome, whichever syntax the table was written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from emberwatch.parsing.base import Dated, Foreign, Noise, Outcome, ParseContext
from emberwatch.parsing.column_names import name_rank
from emberwatch.parsing.columns import ColumnMap, Role
from emberwatch.parsing.credentials import NO_LOGIN, NO_PASSWORD, Entry, judge
from emberwatch.parsing.hashes import hash_shape
from emberwatch.parsing.prefilter import text_prefilter
from emberwatch.parsing.system_dates import parse_day, parse_instant

Values: TypeAlias = Mapping[Role, Sequence[tuple[str, str]]]
"""By role, the column names and values of one row, best first."""

_NONE: Final[Sequence[tuple[str, str]]] = ()
_LONGEST_TEXT: Final = 200


class RowReader:
    """Reads rows that are lists of values, by a column map."""

    __slots__ = ("_context", "_places", "has_login", "may_hold_ours")

    def __init__(self, columns: ColumnMap, context: ParseContext) -> None:
        self._context = context
        self._places = {
            role: sorted(
                ((at, columns.columns[at].name) for at in columns.places(role)),
                key=lambda place: name_rank(place[1], role),
            )
            for role in Role
            if role is not Role.IGNORED and columns.places(role)
        }
        self.may_hold_ours = text_prefilter(context.hints)
        """Whether the text of a row, unescaped, may hold a login of ours; any other row is foreign."""
        self.has_login = Role.LOGIN in self._places or Role.USER_NAME in self._places

    def read(self, line: int, row: Sequence[str | None], flags: tuple[str, ...] = ()) -> Outcome:
        values: dict[Role, list[tuple[str, str]]] = {}
        width = len(row)
        for role, places in self._places.items():
            values[role] = [(name, value) for at, name in places if at < width and (value := row[at])]
        return outcome_of(line, values, self._context, flags)


def outcome_of(line: int, values: Values, context: ParseContext, flags: tuple[str, ...] = ()) -> Outcome:
    """What a row is that holds these values."""
    if not any(values.values()):
        return Noise(line) if context.is_ours is None else Foreign(line)
    password, hashed = _secret(values)
    dates, sources = values.get(Role.DATE, _NONE), values.get(Role.SOURCE, _NONE)
    salts = values.get(Role.SALT, _NONE)
    entry = Entry(
        line=line,
        login=_login(values, context),
        password=password,
        url=_first(values.get(Role.URL, _NONE)).strip(),
        flags=flags,
        salt=salts[0][1] if salts else None,
        hashed=hashed,
        source=_first(sources)[:_LONGEST_TEXT],
        dated=_dated(dates) if dates else None,
    )
    return judge(entry, context)


def _login(values: Values, context: ParseContext) -> str:
    logins = [
        stripped
        for role in (Role.LOGIN, Role.USER_NAME)
        for _, value in values.get(role, _NONE)
        if (stripped := value.strip()).casefold() not in NO_LOGIN
    ]
    if len(logins) > 1 and context.is_ours is not None:
        return next(filter(context.is_ours, logins), logins[0])
    return logins[0] if logins else ""


def _secret(values: Values) -> tuple[str | None, bool]:
    """The secret that tells most, a plaintext before a hash, and whether it stood among hashes."""
    passwords = list(_real(values.get(Role.PASSWORD, _NONE)))
    plain = next((value for value in passwords if hash_shape(value) is None), None)
    if plain is not None:
        return plain, False
    hashes = list(_real(values.get(Role.HASH, _NONE)))
    if passwords:
        return passwords[0], False
    return (hashes[0], True) if hashes else (None, False)


def _real(values: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (value for _, value in values if value.strip().casefold() not in NO_PASSWORD)


def _first(values: Sequence[tuple[str, str]]) -> str:
    return values[0][1] if values else ""


def _dated(dates: Sequence[tuple[str, str]]) -> Dated:
    name, text = dates[0]
    text = text.strip()[:_LONGEST_TEXT]
    return Dated(name, text, parse_instant(text), parse_day(text))
