"""Opens a leak: a plain file or a zip archive, told apart by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from emberwatch.core.errors import BadInput
from emberwatch.parsing.base import SourceKind
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import HEAD, Damaged, LeakPart, Member, SkippedPart, SkipReason, read_chunks
from emberwatch.sources.victims import Victims
from emberwatch.sources.zip_archive import MAX_UNPACKED, SIGNATURES, open_zip

Opened: TypeAlias = LeakPart | SkippedPart

_OTHER_ARCHIVES: Final = (
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
)
_TAR_MARK: Final = (257, b"ustar")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS: Final = bytes(i for i in range(32) if i not in b"\t\n\r\x0b\x0c\x1b")
_MOST_CONTROLS: Final = 0.05


@dataclass(frozen=True, slots=True)
class _PlainFile:
    file: Path | BinaryIO
    path: str
    size: int
    refusal: SkipReason | None = None

    def chunks(self) -> Iterator[bytes]:
        try:
            if isinstance(self.file, Path):
                with self.file.open("rb") as opened:
                    yield from read_chunks(opened)
            else:
                self.file.seek(0)
                yield from read_chunks(self.file)
        except OSError as error:
            raise Damaged(type(error).__name__) from None


def open_leak(source: Path | BinaryIO, name: str = "") -> Iterator[Opened]:
    """Its parts, in order, each to be read or skipped with a reason.

    ``source`` is a path or a seekable binary file, which stays open and is the caller's to close; it must not
    be read elsewhere while parts of it are.
    """
    plain = _plain_file(source, name)
    head, _ = _head(plain)
    if head.startswith(SIGNATURES):
        yield from _archive(source, plain.path)
    else:
        yield _single(plain, head)


def _plain_file(source: Path | BinaryIO, name: str) -> _PlainFile:
    try:
        if isinstance(source, Path):
            with source.open("rb") as opened:
                return _PlainFile(source, name or source.name, opened.seek(0, 2))
        return _PlainFile(source, name or str(getattr(source, "name", "upload")), source.seek(0, 2))
    except OSError as error:
        raise BadInput(
            "The file cannot be opened.", remedy=f"{error.strerror or 'It is not seekable'}."
        ) from None


def _head(member: Member) -> tuple[bytes, bool]:
    """Its first bytes, and whether they are all of it and sound."""
    data = b""
    try:
        for chunk in member.chunks():
            data += chunk
            if len(data) > HEAD:
                return data[:HEAD], False
    except Damaged:
        return data, False
    return data, True


def _single(plain: _PlainFile, head: bytes) -> Opened:
    if reason := _why_unreadable(head, SkipReason.UNSUPPORTED_ARCHIVE):
        return SkippedPart(plain.path, reason)
    return LeakPart(
        name=plain.path,
        kind=choose(head, plain.path).kind,
        machine=None,
        head=head,
        size=plain.size,
        machine_key="",
        _chunks=plain.chunks,
    )


def _archive(source: Path | BinaryIO, name: str) -> Iterator[Opened]:
    members = open_zip(source)
    if isinstance(members, SkipReason):
        yield SkippedPart(name, members)
    elif not members:
        yield SkippedPart(name, SkipReason.EMPTY)
    else:
        yield from _parts(name, members)


def _parts(container: str, members: Sequence[Member]) -> Iterator[Opened]:
    victims = Victims(members)
    unpacked = 0
    for member in members:
        reason = victims.why_not(member.path) or member.refusal
        if reason is None and unpacked + member.size > MAX_UNPACKED:
            reason = SkipReason.TOO_MUCH_DATA
        if reason is not None:
            yield SkippedPart(f"{container}!{member.path}", reason)
            continue
        unpacked += member.size
        yield _part(container, member, victims)


def _part(container: str, member: Member, victims: Victims) -> Opened:
    name = f"{container}!{member.path}"
    head, whole = _head(member)
    if not head and not whole:
        return SkippedPart(name, SkipReason.DAMAGED)
    if reason := _why_unreadable(head, SkipReason.NESTED_ARCHIVE):
        return SkippedPart(name, reason)
    kind = choose(head, member.path).kind
    folder = victims.folder_of(member.path)
    described = folder is not None and (kind is SourceKind.STEALER_LOG or victims.describes(folder))
    return LeakPart(
        name=name,
        kind=SourceKind.STEALER_LOG if described else kind,
        machine=victims.machine(folder) if described and folder is not None else None,
        head=head,
        size=member.size,
        machine_key=f"{container}!{folder}" if described else "",
        _chunks=_kept(head) if whole else member.chunks,
    )


def _kept(whole: bytes) -> Callable[[], Iterator[bytes]]:
    """Most members of stealer archives are small: what was read to look at them is all there is."""
    return lambda: iter((whole,))


def _why_unreadable(head: bytes, archive: SkipReason) -> SkipReason | None:
    if not head:
        return SkipReason.EMPTY
    at, mark = _TAR_MARK
    if head.startswith(SIGNATURES + _OTHER_ARCHIVES) or head[at : at + len(mark)] == mark:
        return archive
    return None if _is_text(head) else SkipReason.NOT_TEXT


def _is_text(head: bytes) -> bool:
    # NULs are common dirt, so they alone make no file binary; a whole page of control bytes does.
    if head.startswith(_UTF16):
        return True
    bare = head.replace(b"\0", b"")
    return bool(bare) and len(bare) - len(bare.translate(None, _CONTROLS)) <= _MOST_CONTROLS * len(bare)
