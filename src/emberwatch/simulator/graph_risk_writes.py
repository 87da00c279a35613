"""Graph's writes to what Identity Protection makes of accounts, under its licence and limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_replies import bad_request, no_content
from emberwatch.simulator.graph_risk import admit
from emberwatch.simulator.graph_write_bodies import user_ids
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.scenario import RiskScenario
from emberwatch.simulator.writes import write_account

_MOST: Final = 60


def confirm_compromised(call: Call) -> Reply:
    """``POST /identityProtection/riskyUsers/confirmCompromised``."""
    return _rate(
        call,
        RiskScenario(level="high", state="confirmedCompromised", detail="adminConfirmedUserCompromised"),
    )


def dismiss(call: Call) -> Reply:
    """``POST /identityProtection/riskyUsers/dismiss``."""
    return _rate(call, RiskScenario(level="none", state="dismissed", detail="adminDismissedAllRiskForUser"))


def _rate(call: Call, risk: RiskScenario) -> Reply:
    admit(call)
    ids = user_ids(call.request)
    if not 0 < len(ids) <= _MOST:
        raise bad_request(f"The list 'userIds' must hold 1 to {_MOST} ids.", "BadRequest")
    users = [call.directory.users.get(each) for each in ids]
    known = [user for user in users if user is not None and not user.deleted]
    if len(known) < len(users):
        raise bad_request("The list 'userIds' holds an id that no user has.", "BadRequest")
    rated = replace(risk, updated=call.directory.world.clock().replace(microsecond=0))
    for user in known:
        write_account(call.directory, user, risk=rated)
    return no_content(call.request)
