"""How far a request gets on its way to a host: its name, the connection, TLS, an answer; and what time the host has."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from emberwatch.core.clock import Clock
from emberwatch.directories.base import CheckItem, CheckState
from emberwatch.directories.entra.waits import directory_time
from emberwatch.http.guard import AddressNotAllowed, NameUnknown

# A connection that is dropped once in a while is no fault of the network.
TRIES: Final = 3
# Assertions and tokens allow five minutes; the dates of leaks and passwords are compared to the minute.
CLOCK_TOLERANCE_SECONDS: Final = 60
_TLS_DONE: Final = "connection.start_tls.complete"
_TCP_DONE: Final = "connection.connect_tcp.complete"
_FIREWALL: Final = "Open it in the firewall, or set the proxy in EMBERWATCH_PROXY_URL."


@dataclass(frozen=True, slots=True)
class Reached:
    """``fault`` is empty when the host answered. ``ahead``: seconds that our clock is ahead of the host's."""

    host: str
    fault: str = ""
    remedy: str = ""
    code: str = ""
    ahead: float | None = None


def reach(client: httpx.Client, url: str, clock: Clock) -> Reached:
    """Asks for an address that needs no rights; any answer at all means that the host is there."""
    for _ in range(TRIES):
        found = _once(client, url, clock)
        if not found.fault:
            break
    return found


def _once(client: httpx.Client, url: str, clock: Clock) -> Reached:
    host, passed = urlsplit(url).netloc, set[str]()

    def trace(event: str, _info: dict[str, Any]) -> None:
        passed.add(event)

    began = clock()
    try:
        reply = client.get(url, extensions={"trace": trace})
    except httpx.HTTPError as error:
        sentence, remedy = _told(host, error, passed)
        return Reached(host, sentence, remedy, type(error).__name__)
    return Reached(host, ahead=_ahead(directory_time(reply.headers), began, clock()))


def _ahead(told: datetime | None, began: datetime, ended: datetime) -> float | None:
    """Zero while the told second fits between question and answer; the header has whole seconds."""
    if told is None:
        return None
    early, late = (began - told).total_seconds() - 1, (ended - told).total_seconds()
    return max(early, 0.0) if early > 0 else min(late, 0.0)


def _told(host: str, error: httpx.HTTPError, passed: set[str]) -> tuple[str, str]:
    causes = list(_causes(error))
    if isinstance(error, httpx.ProxyError):
        return (
            f"The proxy does not lead to {host}.",
            "Allow the host in the proxy; check EMBERWATCH_PROXY_URL.",
        )
    if any(isinstance(cause, NameUnknown | socket.gaierror) for cause in causes):
        return f"The name {host} does not resolve.", "Check the name server that this machine uses."
    if any(isinstance(cause, AddressNotAllowed) for cause in causes):
        return (
            f"The name {host} leads into a private network.",
            "Check the name server that this machine uses.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            f"The certificate of {host} is not trusted.",
            "Something on the way may be opening TLS: trust its authority on this machine, or leave the host out.",
        )
    if _TLS_DONE in passed:
        return f"{host} takes the connection, but does not answer.", "Check what inspects traffic on the way."
    if _TCP_DONE in passed:
        return f"{host} takes the connection, but TLS fails.", "Check what inspects traffic on the way."
    return f"No connection to {host}.", _FIREWALL


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reach_item(what: str, found: Reached) -> CheckItem:
    name = f"Way to {what}"
    if found.fault:
        return CheckItem(name, CheckState.FAULT, found.fault, found.remedy, found.code)
    return CheckItem(name, CheckState.OK, f"{found.host} answers: name, connection and TLS are in order.")


def clock_item(ahead: float | None) -> CheckItem | None:
    """``None`` when the directory told no time."""
    if ahead is None:
        return None
    if abs(ahead) <= CLOCK_TOLERANCE_SECONDS:
        return CheckItem("Clock", CheckState.OK, "The clock of this machine agrees with the directory's.")
    side = "ahead of" if ahead > 0 else "behind"
    return CheckItem(
        "Clock",
        CheckState.WARNING,
        f"The clock of this machine is {_length(abs(ahead))} {side} the directory's.",
        "Let the machine set its clock by the network (NTP): certificates and dates of leaks depend on it.",
    )


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
