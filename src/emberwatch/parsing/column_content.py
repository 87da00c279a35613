"""What stands in the columns of a table without names, told from its first rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.columns import Column, Role
from emberwatch.parsing.hashes import hash_shape
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.urls import is_site, is_url

_ADDRESS: Final = lazy(r"[^\s@]{1,64}@[^\s@]+\.[^\s@]{2,}")
_DATE: Final = lazy(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d.*)?")
_NUMBER: Final = lazy(r"[+-]?\d{1,20}(?:\.\d+)?")
_PHONE_OR_IP: Final = lazy(
    r"\+?\d[\d .()-]{6,}|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}"
)
_WORDS: Final = lazy(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")
_MOST: Final = 0.7
_HALF: Final = 0.5
_SAMPLES: Final = 3

Row = Sequence[str | None]


def column_name(at: int) -> str:
    return f"column {at + 1}"


def told_by_content(rows: Sequence[Row], width: int) -> tuple[Column, ...]:
    """Roles for columns that have no names; the login and a secret, where they can be told, and the site."""
    values = [
        [value for row in rows if at < len(row) and (value := (row[at] or "").strip())] for at in range(width)
    ]
    roles = [Role.IGNORED] * width
    login = _best(values, _is_address, set(), _HALF)
    if login is None:
        return _columns(roles)
    roles[login] = Role.LOGIN
    site = _best(values, _is_site, {login})
    if site is not None:
        roles[site] = Role.URL
    secret = _secret(values, login, {login} if site is None else {login, site})
    if secret is not None:
        roles[secret] = Role.PASSWORD
    return _columns(roles)


def with_samples(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns with the masked outline of their first values."""
    return tuple(
        Column(
            column.name,
            column.role,
            tuple(shape_of(row[at] or "") for row in rows[:_SAMPLES] if at < len(row)),
        )
        for at, column in enumerate(columns)
    )


def _columns(roles: Sequence[Role]) -> tuple[Column, ...]:
    return tuple(Column(column_name(at), role) for at, role in enumerate(roles))


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(value)) for value in values) / len(values) if values else 0.0


def _best(
    values: Sequence[Sequence[str]], test: Callable[[str], object], taken: set[int], enough: float = _MOST
) -> int | None:
    shares = [(_share(column, test), -at) for at, column in enumerate(values) if at not in taken]
    share, at = max(shares, default=(0.0, 0))
    return -at if share >= enough else None


def _secret(values: Sequence[Sequence[str]], login: int, taken: set[int]) -> int | None:
    """A column of hashes, else the one that looks most like passwords, the right neighbour of the login first."""
    free = [at for at in range(len(values)) if at not in taken and values[at]]
    hashes = [at for at in free if _share(values[at], lambda v: hash_shape(v, mostly_hashes=True)) >= _MOST]
    plain = max(free, key=lambda at: (_likeness(values[at]), at == login + 1, at > login, -at), default=None)
    if plain is not None and _likeness(values[plain]) >= _MOST:
        return plain
    return hashes[0] if hashes else plain


def _likeness(values: Sequence[str]) -> float:
    """How much a column looks like passwords: varied, neither numbers nor dates nor plain words."""
    distinct = len(set(values)) / len(values)
    return distinct * _share(values, _is_like_a_password)


def _is_like_a_password(value: str) -> bool:
    others = (_DATE, _NUMBER, _PHONE_OR_IP, _WORDS, _ADDRESS)
    return not any(other.fullmatch(value) for other in others) and hash_shape(value) is None


def _is_address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None


def _is_site(value: str) -> bool:
    return is_url(value, "") or is_site(value)
