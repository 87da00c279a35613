"""What a scan looks for, as a person lists it: domains, single addresses and hosts, one a line.

::

    contoso.example                 logins of this domain and of every domain below it, and anybody's logins there
    mira@freemail.example           this one login
    host:login.contoso-apps.example anybody's logins at this host, or at a host below it
    # a comment
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from emberwatch.core.errors import BadInput
from emberwatch.matching.domains import (
    ascii_domain,
    canonical_login,
    login_domain,
    normalise_domain,
)

HOST_MARK: Final = "host:"
_MOST_FAULTS: Final = 5


class Watchlist:
    """Whose logins are ours, and which sites are: exact, on label boundaries."""

    __slots__ = ("addresses", "domains", "names")

    def __init__(
        self, domains: Iterable[str] = (), addresses: Iterable[str] = (), hosts: Iterable[str] = ()
    ) -> None:
        """From normalised forms, as :func:`parse_watchlist` makes them."""
        self.domains = frozenset(domains)
        self.addresses = frozenset(addresses)
        self.names = self.domains.union(hosts)
        """Domains and hosts together."""

    def __len__(self) -> int:
        return len(self.addresses) + len(self.names)

    def owns_login(self, login: str) -> bool:
        domain = login_domain(login)
        if domain and is_at_or_below(domain, self.domains):
            return True
        return bool(self.addresses) and canonical_login(login) in self.addresses

    def owns_host(self, host: str) -> bool:
        name = ascii_domain(host)
        return name is not None and is_at_or_below(name, self.names)


def is_at_or_below(name: str, listed: AbstractSet[str]) -> bool:
    """Whether the name, or one that it lies below, is listed; both in the form of :func:`ascii_domain`."""
    while name:
        if name in listed:
            return True
        name = name.partition(".")[2]
    return False


def parse_watchlist(entries: Iterable[str]) -> Watchlist:
    """From lines to what they list; ``BadInput`` names the number of each line that cannot be used."""
    domains, addresses, hosts = list[str](), list[str](), list[str]()
    faults = list[str]()
    for number, entry in _listed(entries):
        try:
            if entry.lower().startswith(HOST_MARK):
                hosts.append(normalise_host(entry[len(HOST_MARK) :]))
            elif "@" in entry[1:]:
                addresses.append(_normalise_address(entry))
            else:
                domains.append(normalise_domain(entry))
        except BadInput as error:
            faults.append(f"line {number}: {error.message}")
    if faults:
        raise BadInput(_told(faults), field="domains")
    if not (domains or addresses or hosts):
        raise BadInput("The list of domains is empty.", remedy="Write one domain a line.", field="domains")
    return Watchlist(domains, addresses, hosts)


def normalise_host(text: str) -> str:
    """The ASCII form of a host that a person typed: a domain name, or an IPv4 address."""
    typed = text.strip()
    if _is_ipv4(typed):
        return typed
    return normalise_domain(typed)


def _listed(entries: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(entries, start=1):
        entry = line.partition(" #")[0].strip().lstrip("\ufeff")
        if entry and not entry.startswith("#"):
            yield number, entry


def _normalise_address(text: str) -> str:
    typed = text.strip()
    if login_domain(typed) is None or " " in typed:
        raise BadInput("This is not an address.", remedy="Give it as name@domain.")
    return canonical_login(typed)


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts)


def _told(faults: list[str]) -> str:
    more = f" And {len(faults) - _MOST_FAULTS} more." if len(faults) > _MOST_FAULTS else ""
    return " ".join(fault[0].upper() + fault[1:] for fault in faults[:_MOST_FAULTS]) + more
