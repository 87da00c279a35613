"""What reading a leak yields, in order, and what a caller states beforehand.

::

    PartStarted ─► (ParsedCredential | ParsedCookie | Reject | PartProgress)* ─► PartFinished    a part that was read
    PartSkipped                                                                                  one that was not

Every part has a number that is the same in every pass over the same file, so that an import can say where to go
on. Nothing is dropped in silence: what is not sent one by one is counted in :class:`PartCounts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import ParsedCredential, Reject, RejectReason, SourceKind
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.cookies import ParsedCookie
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.sources.base import SkipReason

MOST_REJECTS_SENT: Final = 50
"""Of each part. All of them are counted; the first ones show what went wrong."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a caller wants to know of a leak."""

    watched: tuple[str, ...] | None = None
    """What is of interest, as a watchlist has it: a domain (logins of it and below it, and any login at its
    sites), ``name@domain`` (this login), ``host:`` and a name (any login at this site). ``None``: every entry."""
    scan: bool = False
    """Parse only where something watched may stand; everything else counts as lines and not as entries."""
    format: str = ""
    """Name of the parser to use for every part; empty lets each part's content decide."""
    columns: ColumnMap | None = None
    """For tables: what stands in which column, when a person has put the sniffed map right."""
    passwords: tuple[Secret, ...] = ()
    """To try on protected archives, in this order."""
    cookies: bool = False
    """Read cookie files too; each entry of such a part is a cookie, of watched sites or anybody's."""

    @property
    def reads_cookies(self) -> bool:
        """Who forces one format on everything has said that there are none."""
        return self.cookies and not self.scan and not self.format


@dataclass(frozen=True, slots=True)
class PartStarted:
    """A part is being read; what follows up to its :class:`PartFinished` stood in it."""

    index: int
    name: str
    """``archive.zip!inner/path`` inside a container; each further level adds another ``!``."""
    kind: SourceKind
    """What its content looks like; the person who imports knows better."""
    format: str
    """Name of the parser that reads it; :data:`~emberwatch.parsing.cookies.COOKIES` where it holds cookies."""
    machine: MachineFacts | None
    machine_key: str
    """The same for all parts of one machine within this leak, and empty without one."""
    size: int
    """In bytes, unpacked, as far as its container tells; 0 when it does not."""
    head: bytes = field(repr=False)
    """Its first bytes."""

    @property
    def family(self) -> str:
        return self.machine.family if self.machine else ""


@dataclass(frozen=True, slots=True)
class PartProgress:
    """A sign of life from a long part."""

    index: int
    bytes_read: int
    """Unpacked, of this part."""
    entries: int
    position: int = 0
    """How far the file that was given has been read: for a bar whose end is that file's size."""


@dataclass(frozen=True, slots=True)
class PartCounts:
    """``entries`` = ``ours`` + ``foreign`` + all of ``rejected``; ``noise`` counts lines that are no entry."""

    bytes: int = 0
    """Unpacked."""
    lines: int = 0
    entries: int = 0
    ours: int = 0
    foreign: int = 0
    noise: int = 0
    rejected: dict[RejectReason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartFinished:
    """The end of a part."""

    index: int
    counts: PartCounts
    cut: SkipReason | None = None
    """Why the rest of the part could not be read; one of ``counts.rejected`` (``cut_short``) stands for it."""


@dataclass(frozen=True, slots=True)
class PartSkipped:
    """A part, or a whole container with all that is in it, that was not read."""

    index: int
    name: str
    reason: SkipReason


LeakEvent: TypeAlias = (
    PartStarted | ParsedCredential | ParsedCookie | Reject | PartProgress | PartFinished | PartSkipped
)
