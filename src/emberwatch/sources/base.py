"""What opening a leak yields: parts to read, and parts that were left out, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final

from emberwatch.parsing.base import Parser, SourceKind
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.registry import choose
from emberwatch.parsing.system_info import MachineFacts

CHUNK: Final = 256 * 1024
HEAD: Final = 64 * 1024


class SkipReason(StrEnum):
    NOT_CREDENTIALS = "not_credentials"
    COOKIES = "cookies"
    UNSUPPORTED_FORMAT = "unsupported_format"
    GRABBED_FILE = "grabbed_file"
    NOT_TEXT = "not_text"
    EMPTY = "empty"
    ENCRYPTED = "encrypted"
    NESTED_TOO_DEEP = "nested_too_deep"
    SPLIT_ARCHIVE = "split_archive"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    DAMAGED = "damaged"
    LINK = "link"
    SPECIAL_FILE = "special_file"
    OVERLAPPING = "overlapping"
    TOO_MANY_ENTRIES = "too_many_entries"
    TOO_MUCH_DATA = "too_much_data"
    TOO_MUCH_MEMORY = "too_much_memory"
    SUSPICIOUS_RATIO = "suspicious_ratio"
    NO_SPACE = "no_space"
    READER_OUT_OF_MEMORY = "reader_out_of_memory"
    READER_OUT_OF_TIME = "reader_out_of_time"
    READER_STUCK = "reader_stuck"
    READER_CRASHED = "reader_crashed"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def is_loss(self) -> bool:
        """Whether credentials may have stood in what was not read."""
        return self not in _NO_LOSS


_NO_LOSS: Final = frozenset(
    {
        SkipReason.NOT_CREDENTIALS,
        SkipReason.COOKIES,
        SkipReason.UNSUPPORTED_FORMAT,
        SkipReason.GRABBED_FILE,
        SkipReason.NOT_TEXT,
        SkipReason.EMPTY,
        SkipReason.LINK,
        SkipReason.SPECIAL_FILE,
    }
)
_LABELS: Final = {
    SkipReason.NOT_CREDENTIALS: "By its name and place it holds no credentials",
    SkipReason.COOKIES: "It holds cookies and no logins",
    SkipReason.UNSUPPORTED_FORMAT: "Files of this kind are not read",
    SkipReason.GRABBED_FILE: "It was copied from the victim's own folders",
    SkipReason.NOT_TEXT: "It is not a text file",
    SkipReason.EMPTY: "It is empty",
    SkipReason.ENCRYPTED: "It needs a password",
    SkipReason.NESTED_TOO_DEEP: "It lies more than three archives deep; unpack the outer ones first",
    SkipReason.SPLIT_ARCHIVE: "It is one piece of a split archive; join the pieces first",
    SkipReason.UNSUPPORTED_COMPRESSION: "Its compression method is not supported",
    SkipReason.DAMAGED: "It is damaged from some point on and cannot be read beyond it",
    SkipReason.LINK: "It is a link",
    SkipReason.SPECIAL_FILE: "It is a device or another special file",
    SkipReason.OVERLAPPING: "Its data overlaps another file's, as in archives that are made to do harm",
    SkipReason.TOO_MANY_ENTRIES: "The archive holds more than 200,000 files; the rest was not read",
    SkipReason.TOO_MUCH_DATA: "The archive unpacks to more than 256 GiB; the rest was not read",
    SkipReason.TOO_MUCH_MEMORY: "Unpacking it would take more memory than is allowed",
    SkipReason.SUSPICIOUS_RATIO: "It unpacks to more than 200 times its size",
    SkipReason.NO_SPACE: "It is too large to be unpacked on the way to what lies inside",
    SkipReason.READER_OUT_OF_MEMORY: "The archive reader died of it: it took more memory than is allowed",
    SkipReason.READER_OUT_OF_TIME: "The archive reader died of it: it took more computing time than is allowed",
    SkipReason.READER_STUCK: "The archive reader was ended: it made no progress",
    SkipReason.READER_CRASHED: "The archive reader died of it: it crashed",
}


@dataclass(frozen=True, slots=True)
class SkippedPart:
    """Something that was not read, so that nothing is dropped in silence."""

    name: str
    reason: SkipReason


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
    """One readable file of a leak. Its lines can be read until the next part is asked for."""

    name: str
    """``archive.zip!inner/path`` inside a container."""
    kind: SourceKind
    """What its content looks like; the person who imports knows better."""
    machine: MachineFacts | None
    head: bytes
    """Its first bytes, to choose a parser by."""
    size: int
    """In bytes, unpacked; 0 when its container does not tell."""
    machine_key: str
    """The same for all parts of one machine within this leak, and empty without one."""
    holds_cookies: bool = field(default=False, kw_only=True)
    """Whether it holds cookies and no logins; they are no parser's, as they are no credentials."""
    _chunks: Callable[[], Iterator[bytes]] = field(repr=False)
    _choose: Callable[[], Parser] = field(repr=False)
    _parser: Parser | None = field(default=None, repr=False)
    cut: SkipReason | None = None
    """Set while reading, when the data ended before its end: what stood before was given."""
    bytes_read: int = 0
    _ends: int = 0
    _open: bool = False

    @property
    def parser(self) -> Parser:
        """The one that its content asks for; choosing takes time, so it is done once, and when it is asked."""
        self._parser = self._parser or self._choose()
        return self._parser

    def parser_for(self, forced: str | None) -> Parser:
        """The parser that was asked for by name, else the part's own."""
        return choose(self.head, self.name, forced) if forced else self.parser

    def lines(self) -> Iterator[bytes]:
        return split_lines(self.chunks())

    @property
    def lines_read(self) -> int:
        return self._ends + self._open

    def _note(self, chunk: bytes) -> None:
        if chunk:
            self.bytes_read += len(chunk)
            self._ends += chunk.count(b"\n")
            self._open = not chunk.endswith(b"\n")

    @property
    def damaged(self) -> bool:
        return self.cut is SkipReason.DAMAGED

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, up to where they can be had; ``cut`` then says why no further."""
        self.cut, self.bytes_read, self._ends, self._open = None, 0, 0, False
        try:
            for chunk in self._chunks():
                self._note(chunk)
                yield chunk
        except CutShort as error:
            self.cut = error.reason


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file's bytes from where it stands."""
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        raise Damaged(type(error).__name__) from None
