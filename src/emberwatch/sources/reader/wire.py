"""What crosses the pipe between a service and its archive reader, and how it is written.

Frames are a length, a tag and MessagePack. Everything is decoded into the types it must have: a reader that was
taken over can send wrong facts, but nothing that is not a fact. This is the one place where a secret leaves a
process, and it goes to our own child over an unnamed socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Any, Final

import msgspec

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import ParsedCredential, Reject
from emberwatch.parsing.cookies import ParsedCookie
from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import (
    LeakEvent,
    PartFinished,
    PartProgress,
    PartSkipped,
    PartStarted,
    ReadRequest,
)


class Tag(IntEnum):
    """What a frame holds."""

    SETUP = 1
    OPEN = 2
    DATA = 3
    NEED = 10
    ALIVE = 11
    DONE = 12
    STARTED = 20
    CREDENTIALS = 21
    REJECTS = 22
    PROGRESS = 23
    FINISHED = 24
    SKIPPED = 25
    COOKIES = 26


@dataclass(frozen=True, slots=True)
class Setup:
    """What the reader is told once, before the first archive."""

    request: ReadRequest
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Order:
    """One archive to read. With ``by_handle`` its file follows over the socket, else it is asked for in pieces."""

    name: str
    size: int
    by_handle: bool
    skip_parts: int
    avoid: dict[int, SkipReason]


@dataclass(frozen=True, slots=True)
class Need:
    """Some bytes of the archive that is being read."""

    at: int
    length: int


_TAGS: Final[Mapping[type, Tag]] = {
    PartStarted: Tag.STARTED,
    ParsedCredential: Tag.CREDENTIALS,
    ParsedCookie: Tag.COOKIES,
    Reject: Tag.REJECTS,
    PartProgress: Tag.PROGRESS,
    PartFinished: Tag.FINISHED,
    PartSkipped: Tag.SKIPPED,
}


def _written(value: object) -> object:
    if isinstance(value, Secret):
        return value.expose()
    raise NotImplementedError(type(value).__name__)


def _read(wanted: type, value: object) -> object:
    if wanted is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(wanted.__name__)


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_written)


def _decoder(wanted: Any) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(wanted, dec_hook=_read).decode


_EVENTS: Final[Mapping[Tag, Callable[[bytes], list[LeakEvent]]]] = {
    tag: _decoder(list[kind])  # type: ignore[valid-type]
    for kind, tag in _TAGS.items()
}
decode_setup: Final[Callable[[bytes], Setup]] = _decoder(Setup)
decode_order: Final[Callable[[bytes], Order]] = _decoder(Order)
decode_need: Final[Callable[[bytes], Need]] = _decoder(Need)


class BadFrame(Exception):
    """The other side sent what it must not send."""


def encode(value: Setup | Order | Need) -> bytes:
    return _encoder.encode(value)


def encode_events(events: Iterable[LeakEvent]) -> Iterator[tuple[Tag, bytes]]:
    """Frames in order; neighbours of one type share a frame."""
    for kind, group in groupby(events, type):
        yield _TAGS[kind], _encoder.encode(list(group))


def decode_events(tag: Tag, payload: bytes) -> list[LeakEvent]:
    try:
        return _EVENTS[tag](payload)
    except (KeyError, msgspec.MsgspecError):
        raise BadFrame(tag.name) from None
