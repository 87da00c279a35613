"""What the reader of an import is told: whose entries to keep, and what its importer has stated."""

from __future__ import annotations

from collections.abc import Sequence

from emberwatch.core.secret import Secret
from emberwatch.ingestion.models import Import
from emberwatch.matching.watchlist import HOST_MARK, Watchlist
from emberwatch.parsing.base import Tabular
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.registry import choose
from emberwatch.sources.events import ReadRequest
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
    """The map as a person corrected it, on top of what the file's own beginning says."""
    parser = choose(head, wanted.file_name, wanted.format or None)
    found = parser.columns(head) if isinstance(parser, Tabular) else None
    return found.corrected(wanted.columns) if found is not None and wanted.columns else found


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
