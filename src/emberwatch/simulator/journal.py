"""What the server was asked and what it answered, without any password or secret."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from emberwatch.simulator.messages import Write

_LONGEST: Final = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    method: str
    path: str
    """Without the query: a careless client may put a secret there."""
    route: str
    client_id: str
    username: str
    code: str
    """The directory's own code; empty when the request succeeded."""
    status: int
    """0: a fault cut the connection before anything was decided."""
    correlation_id: str
    trace_id: str
    seconds: float
    """Time the server took, its own faults and delays included."""
    fault: str
    """The kind of the fault that struck, or empty."""
    source: str
    writes: tuple[Write, ...] = ()
    """What it was to do to which accounts, whether it came to that or not."""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


class Journal:
    """The requests in the order in which they were finished; the oldest fall off the end."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_LONGEST)
        self._guard = threading.Lock()

    def add(self, entry: Entry) -> None:
        with self._guard:
            self._entries.append(entry)

    def clear(self) -> None:
        with self._guard:
            self._entries.clear()

    def entries(self, wanted: Callable[[Entry], bool] = lambda _: True) -> list[Entry]:
        with self._guard:
            return [entry for entry in self._entries if wanted(entry)]

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each route was asked, by status; 0 stands for a cut connection."""
        counts: dict[str, dict[str, int]] = {}
        for entry in self.entries():
            by_status = counts.setdefault(entry.route, {})
            by_status[str(entry.status)] = by_status.get(str(entry.status), 0) + 1
        return counts

    def writes(self, account_id: str | None = None) -> list[Entry]:
        """All writes to accounts that reached Graph, or those to one account; refused ones and cut ones too."""
        entries = self.entries(lambda entry: bool(entry.writes))
        if account_id is None:
            return entries
        return [entry for entry in entries if any(w.account == account_id.lower() for w in entry.writes)]

    def write_counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """How often each kind of write arrived, by account id, kind and status; 0 stands for a cut connection.

        A write with a status below 300 took effect, even when its reply was then lost.
        """
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for entry in self.writes():
            for account, kind in entry.writes:
                by_status = counts.setdefault(account, {}).setdefault(kind, {})
                by_status[str(entry.status)] = by_status.get(str(entry.status), 0) + 1
        return counts

    def sign_ins(self) -> list[Entry]:
        """All password sign-ins that reached the token endpoint, refused ones and cut ones too."""
        return self.entries(lambda entry: entry.route == "token:password")

    def attempts_for(self, upn: str) -> list[Entry]:
        """The password sign-ins for one user name."""
        wanted = upn.casefold()
        return [entry for entry in self.sign_ins() if entry.username.casefold() == wanted]

    def server_seconds(self, wanted: Callable[[Entry], bool] = lambda _: True) -> float:
        """Time the server itself took over the wanted requests."""
        return sum(entry.seconds for entry in self.entries(wanted))
