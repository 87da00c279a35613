"""What is sent to the simulated directories: every sign-in is noted, judged, and at times spoilt on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qs

import httpx

from emberwatch.simulator import FaultRule
from tests.faults.model.workers import Worker

if TYPE_CHECKING:
    from tests.faults.model.directory import Directories, SimulatedDirectory

WINDOW: Final = timedelta(hours=24)
LOCKED: Final = 50053
OURS_AT_FAULT: Final = frozenset({7000112, 7000215, 7000222})
RIGHT_PASSWORD: Final = frozenset({0, 50055, 50076, 50079, 53003, 50158, 65001, 50105})

Fate = Literal["request lost", "reply lost", "timeout before", "timeout after", "429", "503"]
Kind = Literal["sign-in", "domains", "users", "members", "other"]


class Violation(AssertionError):
    """Something happened that may never happen."""


@dataclass(slots=True)
class Sent:
    """One sign-in that left a worker."""

    step: int
    at: datetime
    """The directory's time."""
    directory_id: str
    account: str
    password: str = field(repr=False)
    client_id: str
    request_id: str
    code: int | None = None
    """What the directory answered; 0 is a token, ``None`` nothing."""
    acted: bool = False
    right: bool = False
    told: bool = False
    """The answer reached the worker, and the worker lived to write it down."""

    @property
    def known_right(self) -> bool:
        return self.told and self.code in RIGHT_PASSWORD

    @property
    def told_wrong(self) -> bool:
        return self.told and self.code == 50126


@dataclass
class Watched(httpx.BaseTransport):
    """The way of one worker to one directory, with one registration."""

    directories: Directories
    directory: SimulatedDirectory
    worker: Worker
    inner: httpx.BaseTransport
    read_at: dict[Kind, int] = field(default_factory=dict)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kind, form = _kind(request)
        if kind == "sign-in":
            return self._sign_in(request, form)
        self.worker.point()
        # What is read now is what the directory holds at this very step.
        self.read_at[kind] = self.directories.step
        fate = self.directories.next_fate(of_sign_in=False)
        reply = self._through(request, fate)
        self.worker.point()
        return reply

    def _sign_in(self, request: httpx.Request, form: dict[str, str]) -> httpx.Response:
        self.worker.point()
        sent = self._note(request, form)
        self.directory.in_flight.append(sent)
        try:
            return self._send(request, sent)
        finally:
            self.directory.in_flight.remove(sent)

    def _send(self, request: httpx.Request, sent: Sent) -> httpx.Response:
        self.directories.judge_before(sent, self)
        self.worker.point()
        sent.at = self.directories.clock()
        fate = self.directories.next_fate(of_sign_in=True)
        before = len(self.directories.entra.journal.entries())
        try:
            reply = self._through(request, fate)
        finally:
            self._outcome(sent, before, fate)
            self.directories.judge_after(sent)
            self.worker.point()
        reply.headers["Date"] = format_datetime(sent.at, usegmt=True)
        self.worker.answer = sent
        return reply

    def _note(self, request: httpx.Request, form: dict[str, str]) -> Sent:
        user = self.directory.state.find(form["username"])
        if user is None:
            # Gone since the facts were read.
            user = next(u for u in self.directory.state.users.values() if u.scenario.upn == form["username"])
        sent = Sent(
            step=self.directories.step,
            at=self.directories.clock(),
            directory_id=self.directory.id,
            account=user.id,
            password=form["password"],
            client_id=form["client_id"],
            request_id=request.headers["client-request-id"],
        )
        self.directories.sent.append(sent)
        return sent

    def _outcome(self, sent: Sent, before: int, fate: Fate | None) -> None:
        entries = self.directories.entra.journal.entries()[before:]
        sent.acted = bool(entries) and not entries[-1].fault
        sent.right = self.directory.password_of(sent.account) == sent.password
        if entries and fate not in ("reply lost", "timeout after"):
            sent.code = int(entries[-1].code) if entries[-1].code.isdigit() else 0

    def _through(self, request: httpx.Request, fate: Fate | None) -> httpx.Response:
        if fate == "request lost":
            raise httpx.ConnectError("lost", request=request)
        if fate == "timeout before":
            raise httpx.ConnectTimeout("too late", request=request)
        if fate in ("429", "503"):
            kind: Literal["429", "5xx"] = "429" if fate == "429" else "5xx"
            wait = self.directories.retry_after
            rule = FaultRule(where="any", kind=kind, count=1, retry_after=wait)
            self.directories.entra.faults.replace([rule])
        try:
            reply = self.inner.handle_request(request)
        finally:
            self.directories.entra.faults.clear()
        if fate == "timeout after":
            raise httpx.ReadTimeout("no reply", request=request)
        if fate == "reply lost":
            raise httpx.RemoteProtocolError("cut off", request=request)
        return reply


def _kind(request: httpx.Request) -> tuple[Kind, dict[str, str]]:
    path = request.url.path
    if path.endswith("/oauth2/v2.0/token"):
        form = {name: values[0] for name, values in parse_qs(request.read().decode()).items()}
        return ("sign-in", form) if form.get("grant_type") == "password" else ("other", form)
    asked = f"{path} {request.read().decode()}"
    marks: tuple[tuple[str, Kind], ...] = (
        ("transitiveMemberOf", "members"),
        ("/domains", "domains"),
        ("/users", "users"),
    )
    return next((kind for mark, kind in marks if mark in asked), "other"), {}
