"""Cuts the file of an import into pieces: ranges of a large file of lines, and one piece for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from django.db import transaction

from emberwatch.core.clock import Clock
from emberwatch.engine.facts import announce
from emberwatch.ingestion.locations import opened
from emberwatch.ingestion.models import Import, Piece
from emberwatch.ingestion.ranges import Range, cut
from emberwatch.parsing.base import LineFormat
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.registry import choose
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.files import beginning
from emberwatch.sources.text import is_text

SMALLEST_RANGE: Final = 4 * 1024**2
LARGEST_RANGE: Final = 64 * 1024**2
_FEWEST_RANGES: Final = 16
"""Of a file that is worth sharing: as many workers can take part."""
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def plan(wanted: Import, *, clock: Clock, announces: bool) -> None:
    """Makes the pieces; each can be worked on as soon as it is made. Safe to repeat: pieces are made once."""
    with opened(wanted) as file:
        for number, piece in enumerate(_pieces(wanted, file)):
            with transaction.atomic():
                kept, is_new = Piece.objects.get_or_create(
                    whole=wanted, number=number, defaults=piece | {"updated_at": clock()}
                )
                if is_new and announces:
                    announce("import.piece_ready", piece_id=str(kept.pk))
    Import.objects.filter(pk=wanted.pk).update(is_planned=True)


def _pieces(wanted: Import, file: BinaryIO) -> Iterator[dict[str, object]]:
    head = beginning(file)
    if not _may_be_cut(wanted, head):
        yield _piece(wanted, Range(0, wanted.size, 1), is_range=False)
        return
    for found in cut(file, range_bytes(wanted.size)):
        yield _piece(wanted, found, is_range=True)


def range_bytes(size: int) -> int:
    return max(SMALLEST_RANGE, min(size // _FEWEST_RANGES, LARGEST_RANGE))


def _piece(wanted: Import, found: Range, *, is_range: bool) -> dict[str, object]:
    return {
        "tenant_id": wanted.tenant_id,
        "is_range": is_range,
        "start": found.start,
        "end": found.end,
        "first_line": found.first_line,
    }


def _may_be_cut(wanted: Import, head: bytes) -> bool:
    """Whether every line of the file can be read by itself, wherever in the file it stands."""
    if not head or container_kind(head) is not None or head.startswith(_UTF16) or not is_text(head):
        return False
    if not wanted.format and looks_like_cookies(head):
        return False
    return isinstance(choose(head, wanted.file_name, wanted.format or None), LineFormat)
