"""What became of what was scanned: numbers that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from emberwatch.parsing.base import Match, ParsedCredential, Reject


@dataclass(slots=True)
class Tally:
    """``lines`` = ``lines_matched`` + ``lines_rejected`` + :attr:`lines_without`.

    One line may hold several credentials (a statement of a database dump), so those have a count of their own.
    """

    bytes: int = 0
    lines: int = 0
    lines_matched: int = 0
    lines_rejected: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    """Credentials, by what makes them ours."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Entries in which something watched stands but that cannot be used, by reason."""

    @property
    def lines_without(self) -> int:
        return self.lines - self.lines_matched - self.lines_rejected

    def add(self, other: Tally) -> None:
        self.bytes += other.bytes
        self.lines += other.lines
        self.lines_matched += other.lines_matched
        self.lines_rejected += other.lines_rejected
        self.matched.update(other.matched)
        self.rejected.update(other.rejected)


class Counting:
    """Counts the findings of one part, whose lines come in order."""

    __slots__ = ("_last_match", "_last_reject", "tally")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._last_match = self._last_reject = 0

    def note(self, found: ParsedCredential | Reject) -> None:
        if isinstance(found, ParsedCredential):
            self._match(found.line, found.match)
        else:
            self._reject(found)

    def _match(self, line: int, match: Match) -> None:
        self.tally.matched[match.value] += 1
        if line == self._last_match:
            return
        self._last_match = line
        self.tally.lines_matched += 1
        if line == self._last_reject:
            self.tally.lines_rejected -= 1

    def _reject(self, found: Reject) -> None:
        self.tally.rejected[found.reason.value] += 1
        if found.line in (self._last_match, self._last_reject):
            return
        self._last_reject = found.line
        self.tally.lines_rejected += 1
