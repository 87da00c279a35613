"""Opens a leak in this process: a plain file or a container, told apart by its first bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from emberwatch.core.errors import BadInput
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import HEAD, LeakPart, SkippedPart, SkipReason, read_chunks
from emberwatch.sources.containers.base import Source
from emberwatch.sources.containers.guards import DEFAULT_LIMITS, Limits
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.containers.scratch import Scratch
from emberwatch.sources.text import is_text
from emberwatch.sources.walk import Opened, Walk


def open_leak(
    source: Path | BinaryIO, name: str = "", *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Opened]:
    """Its parts, in order, each to be read before the next is asked for, or skipped with a reason.

    ``source`` is a path or a seekable binary file, which stays open and is the caller's to close; it must not
    be read elsewhere while parts of it are. Containers of unknown origin belong into the reader process:
    :class:`emberwatch.sources.leaks.LeakReader`.
    """
    with opened_source(source) as (found, own_name):
        kind = container_kind(beginning(found.file))
        if kind is None:
            yield plain_part(found, name or own_name)
            return
        with TemporaryDirectory(prefix="emberwatch-") as folder:
            walk = Walk(Scratch(Path(folder)), limits=limits)
            for _, opened in walk.parts(found, kind, name or own_name):
                yield opened


@contextmanager
def opened_source(source: Path | BinaryIO) -> Iterator[tuple[Source, str]]:
    """The bytes of a leak and the name that they bring along; a file that was opened here is closed again."""
    try:
        file = source.open("rb") if isinstance(source, Path) else source
        size = file.seek(0, 2)
        file.seek(0)
    except OSError as error:
        raise BadInput(
            "The file cannot be opened.", remedy=f"{error.strerror or 'It is not seekable'}."
        ) from None
    try:
        path = str(source) if isinstance(source, Path) else ""
        yield Source(file, size, path), Path(str(getattr(file, "name", "upload"))).name
    finally:
        if isinstance(source, Path):
            file.close()


def beginning(file: BinaryIO) -> bytes:
    """Its first bytes; the file is put back to its start."""
    file.seek(0)
    data = b""
    while len(data) < HEAD and (chunk := file.read(HEAD - len(data))):
        data += chunk
    file.seek(0)
    return data


def plain_part(source: Source, name: str, *, reads_cookies: bool = False) -> Opened:
    """A file that is no container, as the one part that it is."""
    head = beginning(source.file)
    if not head:
        return SkippedPart(name, SkipReason.EMPTY)
    if not is_text(head):
        return SkippedPart(name, SkipReason.NOT_TEXT)

    def chunks() -> Iterator[bytes]:
        if source.path:
            with Path(source.path).open("rb") as file:
                yield from read_chunks(file)
        else:
            source.file.seek(0)
            yield from read_chunks(source.file)

    parser = choose(head, name)
    return LeakPart(
        name=name,
        kind=parser.kind,
        machine=None,
        head=head,
        size=source.size,
        machine_key="",
        _chunks=chunks,
        holds_cookies=reads_cookies and looks_like_cookies(head),
        _choose=lambda: parser,
    )
