"""What became of the entries of an import: five counts that always add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """``read`` entries, each of which met exactly one of the four fates beside it."""

    read: int = 0
    foreign: int = 0
    matched_new: int = 0
    duplicate: int = 0
    rejected: int = 0

    @property
    def matched(self) -> int:
        return self.matched_new + self.duplicate

    def adds_up(self) -> bool:
        fates = (self.foreign, self.matched_new, self.duplicate, self.rejected)
        return min(fates) >= 0 and self.read == sum(fates)

    def __add__(self, other: ImportCounts) -> ImportCounts:
        mine, theirs = self.to_dict(), other.to_dict()
        return ImportCounts(**{name: mine[name] + theirs[name] for name in mine})

    def to_dict(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, int]) -> ImportCounts:
        """Counts as :meth:`to_dict` stored them; a count that is absent was not known then, and is 0."""
        return cls(**{name: int(stored.get(name, 0)) for name in cls.__dataclass_fields__})


COUNTS = tuple(ImportCounts.__dataclass_fields__)
"""Names of the counts, which are those of the columns too."""
