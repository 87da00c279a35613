"""The passwords that a person gave for protected containers, tried in order and the last good one first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from emberwatch.core.secret import Secret


class ArchivePasswords:
    """Never guesses beyond what it was given."""

    __slots__ = ("_known", "_on_try")

    def __init__(self, given: Sequence[Secret] = (), on_try: Callable[[], None] | None = None) -> None:
        self._known = [password.expose() for password in given]
        self._on_try = on_try

    def __repr__(self) -> str:
        return "ArchivePasswords(****)"

    def __bool__(self) -> bool:
        return bool(self._known)

    def __iter__(self) -> Iterator[str]:
        for password in tuple(self._known):
            if self._on_try:
                self._on_try()
            yield password

    def worked(self, password: str) -> None:
        """Packs of archives mostly share one password: it is tried first from now on."""
        self._known.remove(password)
        self._known.insert(0, password)
