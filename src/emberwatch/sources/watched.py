"""From what a caller watches to what a parser asks of each entry."""

from __future__ import annotations

from collections.abc import Iterable

from emberwatch.matching.domains import DomainSet, canonical_login
from emberwatch.parsing.base import ANYBODY, ParseContext
from emberwatch.sources.events import ReadRequest

HOST_MARK = "host:"


def context_of(request: ReadRequest) -> ParseContext:
    if request.watched is None:
        return ParseContext(columns=request.columns) if request.columns else ANYBODY
    hosts = {entry[len(HOST_MARK) :] for entry in request.watched if entry.startswith(HOST_MARK)}
    addresses = {entry for entry in request.watched if "@" in entry}
    domains = {entry for entry in request.watched if "@" not in entry and not entry.startswith(HOST_MARK)}
    logins, sites = DomainSet(domains), DomainSet(domains | hosts)
    single = frozenset(map(canonical_login, addresses))

    def is_ours(login: str) -> bool:
        return logins.owns(login) or (bool(single) and canonical_login(login) in single)

    def host_is_ours(host: str) -> bool:
        return sites.owns(f"x@{host}")

    return ParseContext(is_ours, _hints(sites, addresses), host_is_ours, request.columns)


def _hints(sites: DomainSet, addresses: Iterable[str]) -> tuple[bytes, ...]:
    beside = DomainSet({address.rpartition("@")[2] for address in addresses})
    # A site stands in its address without any sign before it, so the bare name has to do.
    return tuple(sorted({*beside.hints, *(hint.lstrip(b".@") for hint in sites.hints)}))
