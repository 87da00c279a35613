"""Reading a directory of 100,000 accounts, then a day's changes, beside Microsoft's own client on the same server.

The simulated directory has a process of its own, so that time and memory here are the readers' alone.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bench.place import installation, peak_megabytes

ACCOUNTS: Final = 100_000
CHANGES: Final = 1_000
PAGE: Final = 999
MOST_MEGABYTES: Final = 300.0
MOST_REQUESTS: Final = 1.05
SHARE_OF_PEER: Final = 1 / 3
PEERS_PAGE: Final = 999


@dataclass(frozen=True, slots=True)
class Spent:
    wall: float
    cpu: float


def directory_sync() -> None:
    print(f"directory-sync: {ACCOUNTS:,} accounts, then {CHANGES:,} changes")
    with _Server() as server:
        installation(**server.settings)
        ours = _Ours(server)
        first = ours.read("first reading")
        ours.compare()
        server.tell("churn", changes=CHANGES)
        ours.read("changes")
        ours.compare()
        memory = peak_megabytes()
        _judge("peak memory", memory <= MOST_MEGABYTES, f"{memory:,.0f} MB, at most {MOST_MEGABYTES:,.0f}")
        _beside_the_peer(server, first)


def _judge(what: str, good: bool, told: str) -> None:
    print(f"  {what:<16} {told:<58} {'reached' if good else 'NOT reached'}")


def _timed(work: Callable[[], Any]) -> Spent:
    wall, cpu = time.monotonic(), _cpu()
    work()
    return Spent(time.monotonic() - wall, _cpu() - cpu)


def _cpu() -> float:
    """Of this process and of the database's process that works for it."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + _cpu_of_the_database()


def _cpu_of_the_database() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Server:
    """The simulated directory in a process of its own, told what to do by lines of JSON."""

    def __enter__(self) -> _Server:
        command = [sys.executable, "-m", "bench.directory_server", str(ACCOUNTS), str(PAGE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the simulated directory has no pipes")
        self._asked, self._told = self._process.stdin, self._process.stdout
        self._about = self._line()
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close()
        self._process.wait(timeout=30)

    @property
    def settings(self) -> dict[str, str]:
        names = ("LOGIN_URL", "GRAPH_URL", "PORTAL_URL", "CA_FILE")
        return {f"EMBERWATCH_CUSTOM_CLOUD_{name}": self._about[name] for name in names}

    def __getitem__(self, name: str) -> str:
        return str(self._about[name])

    def tell(self, what: str, **more: object) -> dict[str, Any]:
        self._asked.write(json.dumps({"what": what, **more}) + "\n")
        self._asked.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._told.readline())
        return answer


class _Ours:
    def __init__(self, server: _Server) -> None:
        from emberwatch.accounts.actor import SYSTEM
        from emberwatch.core.clock import utc_now
        from emberwatch.core.secret import Secret
        from emberwatch.directories.services import ConnectionForm, save_connection
        from emberwatch.tenants.services import create_tenant

        self._server = server
        self.tenant = create_tenant("Bench", ["contoso.example"], actor=SYSTEM, now=utc_now())
        form = ConnectionForm(server["client_id"], server["directory"], "custom", Secret(server["secret"]))
        self.connection, _ = save_connection(self.tenant, form, actor=SYSTEM, now=utc_now())

    def read(self, what: str) -> Spent:
        from emberwatch.accounts.actor import SYSTEM
        from emberwatch.core.clock import utc_now
        from emberwatch.identities.services import request_sync
        from emberwatch.identities.syncing import sync_directory

        sync = request_sync(self.tenant, actor=SYSTEM, now=utc_now())
        self._server.tell("forget requests")

        def work() -> None:
            while sync_directory(sync.id, for_at_most=None) is not None:
                time.sleep(1)

        spent = _timed(work)
        asked = self._server.tell("requests")
        least, sent = int(asked["least"]), int(asked["sent"])
        told = (
            f"{sent:,} requests, the least possible {least:,}; {spent.wall:.1f} s, {spent.cpu:.1f} s of CPU"
        )
        _judge(what, sent <= math.ceil(least * MOST_REQUESTS), told)
        return spent

    def compare(self) -> None:
        from emberwatch.identities.models import GroupMember, Identity

        truth = self._server.tell("truth")
        rows = Identity.objects.filter(tenant=self.tenant, deleted_at=None, removed_at=None)
        names = sorted(rows.values_list("user_principal_name", "department", "enabled"))
        stored = [len(names), _digest(names), GroupMember.objects.filter(tenant=self.tenant).count()]
        wanted = [truth["accounts"], truth["digest"], truth["memberships"]]
        _judge("equal to truth", stored == wanted, f"{stored[0]:,} accounts, {stored[2]:,} memberships")


def _digest(rows: list[tuple[Any, ...]]) -> str:
    from bench.directory_server import digest

    return digest(rows)


# The peer


def _beside_the_peer(server: _Server, ours: Spent) -> None:
    if importlib.util.find_spec("msgraph") is None:
        print(
            "  msgraph-sdk      NOT INSTALLED, so there is no comparison: pip install msgraph-sdk azure-identity"
        )
        return
    command = [sys.executable, "-m", "bench.directory_peer", server["GRAPH_URL"], server["CA_FILE"]]
    done = subprocess.run(
        [*command, str(PEERS_PAGE)], input=_token(server), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        print(f"  msgraph-sdk      ended with {done.returncode}, so there is no comparison: {last}")
        return
    told = json.loads(done.stdout)
    share = ours.cpu / told["cpu"]
    print(
        f"  msgraph-sdk      {told['accounts']:,} accounts by its page iterator, nothing stored: "
        f"{told['wall']:.1f} s, {told['cpu']:.1f} s of CPU, {told['megabytes']:,.0f} MB"
    )
    what = f"ours with storing takes {share:.0%} of its CPU, {ours.wall / told['wall']:.0%} of its time"
    _judge("beside it", share <= SHARE_OF_PEER, what)


def _token(server: _Server) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": server["client_id"],
        "client_secret": server["secret"],
        "scope": f"{server['GRAPH_URL']}/.default",
    }
    place = f"{server['LOGIN_URL']}/{server['directory']}/oauth2/v2.0/token"
    reply = httpx.post(place, data=form, verify=server["CA_FILE"])
    return str(reply.json()["access_token"])
