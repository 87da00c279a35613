"""Control of a server that runs as its own process: clock, faults, directories, journal.

The routes exist only when they were asked for, and every call needs the token of the ready line in the header
``X-Simulator-Control``.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from emberwatch.core.errors import BadInput
from emberwatch.simulator.clock import SimClock
from emberwatch.simulator.context import Context, Handler, Route, route
from emberwatch.simulator.control_directory import (
    add_group,
    add_user,
    apply_churn,
    change_delta,
    change_group,
    change_user,
    named_user,
    put_app,
    sync_accounts,
    tell_truth,
)
from emberwatch.simulator.faults import FaultPlan, FaultRule, turbulence
from emberwatch.simulator.loader import build
from emberwatch.simulator.messages import Reply, Request, json_reply
from emberwatch.simulator.others import sign_in_as_others
from emberwatch.simulator.state import LockRecord

CONTROL_HEADER: Final = "X-Simulator-Control"
Action = Callable[[Context, Mapping[str, Any]], Any]


def control_routes(token: str, clock: SimClock, faults: FaultPlan) -> Iterable[Route]:
    """The control routes of one server."""
    actions: Mapping[tuple[str, str], Action] = {
        ("GET", "journal"): lambda context, _: [e.as_json() for e in context.journal.entries()],
        ("DELETE", "journal"): lambda context, _: context.journal.clear(),
        ("GET", "state"): lambda context, _: _state(context),
        ("POST", "clock"): lambda _, body: _move_clock(clock, body),
        ("POST", "faults"): lambda _, body: faults.replace(
            build(tuple[FaultRule, ...], body["rules"], "rules")
        ),
        ("POST", "turbulence"): lambda _, body: faults.replace(_turbulence(body)),
        ("POST", "tokens"): lambda context, _: context.world.end_tokens(),
        ("POST", "block"): _block,
        ("POST", "noise"): _noise,
        ("POST", "user"): change_user,
        ("POST", "users"): add_user,
        ("POST", "group"): change_group,
        ("POST", "groups"): add_group,
        ("POST", "app"): put_app,
        ("POST", "delta"): change_delta,
        ("POST", "churn"): apply_churn,
        ("POST", "truth"): tell_truth,
        ("POST", "sync"): sync_accounts,
        ("GET", "writes"): lambda context, _: context.journal.write_counts(),
        ("GET", "requests"): lambda context, _: context.journal.counts(),
    }
    names = "|".join(sorted({name for _, name in actions}))
    yield route(
        "control", "GET POST DELETE", rf"/_simulator/(?P<name>{names})", "control", _guarded(token, actions)
    )


def _guarded(token: str, actions: Mapping[tuple[str, str], Action]) -> Handler:
    def handler(context: Context, request: Request, params: Mapping[str, str]) -> Reply:
        given = request.headers.get(CONTROL_HEADER.lower(), "")
        if not hmac.compare_digest(given.encode(), token.encode()):
            return json_reply(403, {"error": "the control token is missing or wrong"})
        action = actions.get((request.method, params["name"]))
        if action is None:
            return json_reply(405, {"error": "method not allowed"})
        try:
            with context.world.lock:
                result = action(context, json.loads(request.body or b"{}"))
        except (BadInput, KeyError, TypeError, ValueError) as error:
            return json_reply(400, {"error": f"{type(error).__name__}: {error}"})
        return json_reply(200, {"result": result})

    return handler


def _move_clock(clock: SimClock, body: Mapping[str, Any]) -> str:
    if "set" in body:
        return clock.set(datetime.fromisoformat(body["set"])).isoformat()
    return clock.advance(float(body.get("advance", 0))).isoformat()


def _turbulence(body: Mapping[str, Any]) -> tuple[FaultRule, ...]:
    where, wait = str(body.get("where", "graph")), body.get("retry_after")
    return turbulence(float(body["rate"]), where=where, retry_after=None if wait is None else int(wait))


def _block(context: Context, body: Mapping[str, Any]) -> bool:
    context.world.sources_blocked = bool(body["blocked"])
    return context.world.sources_blocked


def _noise(context: Context, body: Mapping[str, Any]) -> Any:
    directory, user = named_user(context, body)
    if "locked_seconds" in body:
        directory.lock_user(user, float(body["locked_seconds"]))
    directory.fail_as_others(user, int(body.get("failures", 0)))
    for password in body.get("passwords", ()):
        sign_in_as_others(directory, user.scenario.upn, str(password))
    return {"failures": user.lockout.failures, "locked": user.lockout.is_locked(context.world.clock())}


def _state(context: Context) -> dict[str, Any]:
    world = context.world
    return {
        "now": world.clock().isoformat(),
        "locked": [_lock_json(record) for record in world.locked_accounts()],
        "locks": [_lock_json(record) for record in world.locks],
        "sources_blocked": world.sources_blocked,
        "sign_ins": len(context.journal.sign_ins()),
        "server_seconds": context.journal.server_seconds(),
    }


def _lock_json(record: LockRecord) -> dict[str, Any]:
    lock = asdict(record.lock)
    times = {"at": record.lock.at.isoformat(), "until": record.lock.until.isoformat()}
    return {
        "directory_id": record.directory_id,
        "user_id": record.user_id,
        "upn": record.upn,
        **lock,
        **times,
    }
