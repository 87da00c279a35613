"""From what a caller watches to what a parser asks of each entry."""

from __future__ import annotations

from emberwatch.matching.domains import DomainSet, canonical_login
from emberwatch.parsing.base import ANYBODY, ParseContext
from emberwatch.sources.events import ReadRequest


def context_of(request: ReadRequest) -> ParseContext:
    if request.domains is None:
        return ParseContext(columns=request.columns) if request.columns else ANYBODY
    domains = DomainSet(request.domains)
    hosts = DomainSet(request.hosts or ())
    addresses = frozenset(map(canonical_login, request.addresses))

    def is_ours(login: str) -> bool:
        return domains.owns(login) or (bool(addresses) and canonical_login(login) in addresses)

    def host_is_ours(host: str) -> bool:
        return hosts.owns(f"x@{host}")

    return ParseContext(
        is_ours=is_ours,
        hints=_hints(request, domains, hosts),
        host_is_ours=None if request.hosts is None else host_is_ours,
        columns=request.columns,
    )


def _hints(request: ReadRequest, domains: DomainSet, hosts: DomainSet) -> tuple[bytes, ...]:
    addresses = DomainSet({address.rpartition("@")[2] for address in request.addresses})
    if request.hosts is None:
        return tuple(sorted({*domains.hints, *addresses.hints}))
    # A site stands in an address without any sign before it, so the bare name has to do.
    bare = {hint.lstrip(b".@") for hint in hosts.hints}
    return tuple(sorted({*domains.hints, *addresses.hints, *bare}))
