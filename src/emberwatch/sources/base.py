"""What opening a leak yields: parts to read, and parts that were left out, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from emberwatch.parsing.base import SourceKind
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.system_info import MachineFacts

CHUNK: Final = 1024 * 1024
HEAD: Final = 64 * 1024


class SkipReason(StrEnum):
    NOT_CREDENTIALS = "not_credentials"
    UNSUPPORTED_FORMAT = "unsupported_format"
    GRABBED_FILE = "grabbed_file"
    NOT_TEXT = "not_text"
    EMPTY = "empty"
    ENCRYPTED = "encrypted"
    NESTED_ARCHIVE = "nested_archive"
    UNSUPPORTED_ARCHIVE = "unsupported_archive"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    DAMAGED = "damaged"
    LINK = "link"
    TOO_MANY_ENTRIES = "too_many_entries"
    TOO_MUCH_DATA = "too_much_data"
    SUSPICIOUS_RATIO = "suspicious_ratio"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    SkipReason.NOT_CREDENTIALS: "By its name and place it holds no credentials",
    SkipReason.UNSUPPORTED_FORMAT: "Files of this kind are not read",
    SkipReason.GRABBED_FILE: "It was copied from the victim's own folders",
    SkipReason.NOT_TEXT: "It is not a text file",
    SkipReason.EMPTY: "It is empty",
    SkipReason.ENCRYPTED: "It needs a password",
    SkipReason.NESTED_ARCHIVE: "It is an archive inside an archive; unpack it and import it by itself",
    SkipReason.UNSUPPORTED_ARCHIVE: "This kind of archive is not read; unpack it, or pack it again as zip",
    SkipReason.UNSUPPORTED_COMPRESSION: "Its compression method is not supported",
    SkipReason.DAMAGED: "It is damaged and cannot be opened",
    SkipReason.LINK: "It is a link",
    SkipReason.TOO_MANY_ENTRIES: "The archive holds more than 200,000 files",
    SkipReason.TOO_MUCH_DATA: "The archive unpacks to more than 20 GiB",
    SkipReason.SUSPICIOUS_RATIO: "It unpacks to more than 200 times its size",
}


@dataclass(frozen=True, slots=True)
class SkippedPart:
    """Something that was not read, so that nothing is dropped in silence."""

    name: str
    reason: SkipReason


class Member(Protocol):
    """One file of a leak, before anybody decided what to do with it."""

    @property
    def path(self) -> str:
        """Within its container, forward slashes, safe to show."""
        ...

    @property
    def size(self) -> int: ...

    @property
    def refusal(self) -> SkipReason | None:
        """Why the container does not give it away, if so."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Its bytes from the beginning; raises :class:`Damaged` where they cannot be had."""
        ...


class CutShort(Exception):
    """The rest of the bytes cannot be had, and why."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason


class Damaged(CutShort):
    """The bytes end too early or do not fit their checksum."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(SkipReason.DAMAGED, detail)


@dataclass(slots=True)
class LeakPart:
    """One readable file of a leak. Its lines can be read again and again."""

    name: str
    """``archive.zip!inner/path`` inside a container."""
    kind: SourceKind
    """What its content looks like; the person who imports knows better."""
    machine: MachineFacts | None
    head: bytes
    """Its first bytes, to choose a parser by."""
    size: int
    """In bytes, unpacked."""
    machine_key: str
    """The same for all parts of one machine within this leak, and empty without one."""
    _chunks: Callable[[], Iterator[bytes]] = field(repr=False)
    cut: SkipReason | None = None
    """Set while reading, when the data ended before its end: what stood before was given."""
    bytes_read: int = 0

    def lines(self) -> Iterator[bytes]:
        return split_lines(self._until_cut())

    @property
    def damaged(self) -> bool:
        return self.cut is SkipReason.DAMAGED

    def _until_cut(self) -> Iterator[bytes]:
        self.cut, self.bytes_read = None, 0
        try:
            for chunk in self._chunks():
                self.bytes_read += len(chunk)
                yield chunk
        except CutShort as error:
            self.cut = error.reason


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file's bytes from where it stands."""
    while chunk := file.read(CHUNK):
        yield chunk
