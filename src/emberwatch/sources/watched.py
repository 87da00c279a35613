"""From what a caller watches to what a parser asks of each entry."""

from __future__ import annotations

from emberwatch.matching.domains import DomainSet
from emberwatch.matching.watchlist import Watchlist, parse_watchlist
from emberwatch.parsing.base import ANYBODY, ParseContext
from emberwatch.sources.events import ReadRequest


def context_of(request: ReadRequest) -> ParseContext:
    if request.watched is None:
        return ParseContext(columns=request.columns) if request.columns else ANYBODY
    watchlist = parse_watchlist(request.watched)
    return ParseContext(
        watchlist.owns_login, hints_of(watchlist), watchlist.owns_host, columns=request.columns
    )


def hints_of(watchlist: Watchlist) -> tuple[bytes, ...]:
    """A site stands in its address without any sign before it, so the bare names have to do."""
    addresses = {address.rpartition("@")[2] for address in watchlist.addresses}
    numeric = {name for name in watchlist.names if name.replace(".", "").isdigit()}
    spelled = DomainSet({*watchlist.names, *addresses} - numeric).hints
    return tuple(sorted({*(hint.lstrip(b".@") for hint in spelled), *(name.encode() for name in numeric)}))
