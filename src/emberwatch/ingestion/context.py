"""What an import's parser and reader are told: whose entries to keep, and what its importer has stated."""

from __future__ import annotations

from collections.abc import Sequence

from emberwatch.core.secret import Secret
from emberwatch.ingestion.models import Import
from emberwatch.matching.domains import DomainSet
from emberwatch.matching.watchlist import Watchlist
from emberwatch.parsing.base import ParseContext, Tabular
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.registry import choose
from emberwatch.sources.events import ReadRequest
from emberwatch.vault.services import tenant_vault


def parse_context(watchlist: Watchlist, wanted: Import, head: bytes) -> ParseContext:
    return ParseContext(
        is_ours=watchlist.owns_login,
        hints=_hints(watchlist),
        host_is_ours=watchlist.owns_host,
        columns=column_map(wanted, head),
    )


def read_request(watchlist: Watchlist, wanted: Import) -> ReadRequest:
    return ReadRequest(
        domains=tuple(sorted(watchlist.domains)),
        format=wanted.format,
        passwords=archive_passwords(wanted),
    )


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


def _hints(watchlist: Watchlist) -> tuple[bytes, ...]:
    """Literals of which every line of ours holds one: of logins, and of sites, whatever stands before them."""
    names = DomainSet(watchlist.domains).hints
    bare = {name.encode() for name in watchlist.names}
    addresses = {address.encode() for address in watchlist.addresses if address.isascii()}
    if len(addresses) < len(watchlist.addresses) or any(b"xn--" in name for name in bare - set(names)):
        # A name with other than ASCII letters is written in several ways: then every line is looked at.
        return ()
    return tuple(sorted({*bare, *addresses, *(hint for hint in names if not _covered(hint, bare))}))


def _covered(hint: bytes, bare: set[bytes]) -> bool:
    return hint.lstrip(b"@.") in bare
