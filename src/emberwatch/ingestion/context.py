"""What the reader of an import is told: whose entries to keep, and what its importer has stated."""

from __future__ import annotations

from collections.abc import Sequence

from emberwatch.core.secret import Secret
from emberwatch.ingestion.models import Import
from emberwatch.matching.watchlist import HOST_MARK, Watchlist
from emberwatch.parsing.base import Tabular
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.registry import choose
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.events import ReadRequest
from emberwatch.sources.text import is_text
from emberwatch.vault.services import tenant_vault


def read_request(watchlist: Watchlist, wanted: Import, head: bytes) -> ReadRequest:
    return ReadRequest(
        watched=watched_lines(watchlist),
        format=wanted.format,
        columns=column_map(wanted, head),
        passwords=archive_passwords(wanted),
        cookies=True,
    )


def watched_lines(watchlist: Watchlist) -> tuple[str, ...]:
    """The watchlist as its own lines."""
    hosts = (f"{HOST_MARK}{name}" for name in watchlist.names - watchlist.domains)
    return tuple(sorted({*watchlist.domains, *watchlist.addresses, *hosts}))


def column_map(wanted: Import, head: bytes) -> ColumnMap | None:
    """The map as a person corrected it; ``None`` lets the parser go by its own, which may learn on the way."""
    if not wanted.columns:
        return None
    found = guessed_columns(wanted, head)
    return found.corrected(wanted.columns) if found is not None else None


def guessed_columns(wanted: Import, head: bytes) -> ColumnMap | None:
    """What the columns of the file are taken for; ``None`` when it is no table."""
    if container_kind(head) is not None or not is_text(head):
        return None
    parser = choose(head, wanted.file_name, wanted.format or None)
    return parser.columns(head) if isinstance(parser, Tabular) else None


def sealed_passwords(wanted: Import, passwords: Sequence[Secret]) -> bytes | None:
    if not passwords:
        return None
    joined = Secret("\n".join(password.expose() for password in passwords))
    return tenant_vault(wanted.tenant_id).seal(joined, _context(wanted))


def archive_passwords(wanted: Import) -> tuple[Secret, ...]:
    if wanted.sealed_passwords is None:
        return ()
    text = tenant_vault(wanted.tenant_id).open(bytes(wanted.sealed_passwords), _context(wanted))
    return tuple(Secret(line) for line in text.expose().split("\n"))


def _context(wanted: Import) -> str:
    return f"import:{wanted.pk}:passwords"
