"""The passwords that a person gave for protected containers, tried in order and the last good one first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emberwatch.core.secret import Secret


class ArchivePasswords:
    """Never guesses beyond what it was given."""

    __slots__ = ("_known",)

    def __init__(self, given: Sequence[Secret] = ()) -> None:
        self._known = [password.expose() for password in given]

    def __repr__(self) -> str:
        return "ArchivePasswords(****)"

    def __bool__(self) -> bool:
        return bool(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._known))

    def worked(self, password: str) -> None:
        """Packs of archives mostly share one password: it is tried first from now on."""
        self._known.remove(password)
        self._known.insert(0, password)
