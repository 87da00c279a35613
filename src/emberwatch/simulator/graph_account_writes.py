"""Graph's writes to one account: end its sessions, enable or disable it, change its password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emberwatch.simulator.directory_roles import may_change
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_replies import bad_request, denied, no_content, not_found, object_reply
from emberwatch.simulator.graph_write_bodies import json_object
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.password_rules import complies
from emberwatch.simulator.scenario import DirectoryScenario
from emberwatch.simulator.state import UserState
from emberwatch.simulator.writes import write_account

MASTERED_ELSEWHERE: Final = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects "
    "or objects currently undergoing migration."
)
_WEAK: Final = (
    "The specified password does not comply with password complexity requirements. "
    "Please provide a different password."
)
_FLAGS: Final[Mapping[str, str]] = {
    "forceChangePasswordNextSignIn": "force_change",
    "forceChangePasswordNextSignInWithMfa": "force_change_with_mfa",
}
Grants = tuple[frozenset[str], ...]


def _read_enabled(value: object, _user: UserState) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise bad_request("A value of the property 'accountEnabled' must be true or false.")
    return {"enabled": value}


def _read_password_profile(value: object, user: UserState) -> dict[str, Any]:
    profile = value if isinstance(value, dict) else {}
    given = {k: v for k, v in profile.items() if v is not None and not k.startswith("@odata.")}
    password = given.pop("password", None)
    flags = {_FLAGS[name]: flag for name, flag in given.items() if name in _FLAGS and isinstance(flag, bool)}
    if len(flags) < len(given) or not (given or password is not None):
        raise bad_request("The property 'passwordProfile' has an unknown part or one of a wrong type.")
    if password is None:
        return flags
    if not isinstance(password, str):
        raise bad_request("A value of the property 'password' must be a text.")
    if not complies(password, user.scenario.upn):
        raise bad_request(_WEAK)
    return {"password": password, "password_expired": False, **flags}


@dataclass(frozen=True, slots=True)
class _Writable:
    """A property that can be written."""

    grants: Grants
    """All the permissions of one of these are needed."""
    read: Callable[[object, UserState], dict[str, Any]]
    """From the value of the body to the changed fields of the account."""
    on_synced: Callable[[DirectoryScenario], bool]
    """Whether the directory lets it be written to accounts that are mastered on premises."""


_WRITABLE: Final[Mapping[str, _Writable]] = {
    "accountEnabled": _Writable(
        (
            frozenset({"User.EnableDisableAccount.All", "User.Read.All"}),
            frozenset({"User.ReadWrite.All"}),
            frozenset({"Directory.ReadWrite.All"}),
        ),
        _read_enabled,
        lambda scenario: scenario.synced_writes,
    ),
    "passwordProfile": _Writable(
        (frozenset({"User-PasswordProfile.ReadWrite.All"}),),
        _read_password_profile,
        lambda scenario: scenario.password_writeback,
    ),
}


def revoke_sessions(call: Call) -> Reply:
    """``POST /users/{id}/revokeSignInSessions``; the sessions of an external account are not held here."""
    user = _user(call)
    if user.scenario.user_type != "Guest":
        now = call.directory.world.clock().replace(microsecond=0)
        write_account(call.directory, user, sessions_valid_from=now)
    context = {"@odata.context": f"{call.origin}/v1.0/$metadata#Edm.Boolean"}
    return object_reply(call.request, {**context, "value": True})


def change_account(call: Call) -> Reply:
    """``PATCH /users/{id}``: all that the body asks for, or nothing."""
    body = json_object(call.request)
    wanted = {name: _writable(name) for name in body}
    if not wanted:
        raise bad_request("The request body names no property to update.")
    if not all(any(grant <= call.roles for grant in own.grants) for own in wanted.values()):
        raise denied()
    user, known = _user(call), call.directory.memberships
    if not may_change(known.roles_of(call.principal_id), known.roles_of(user.id)):
        raise denied()
    scenario = call.directory.scenario
    if user.scenario.synced and not all(own.on_synced(scenario) for own in wanted.values()):
        raise bad_request(MASTERED_ELSEWHERE)
    changes: dict[str, Any] = {}
    for name, own in wanted.items():
        changes.update(own.read(body[name], user))
    _write(call, user, changes)
    return no_content(call.request)


def _writable(name: str) -> _Writable:
    found = _WRITABLE.get(name)
    if found is None:
        raise bad_request(
            f"The property '{name}' does not exist on type 'microsoft.graph.user' or cannot be set."
        )
    return found


def _write(call: Call, user: UserState, changes: dict[str, Any]) -> None:
    there = user.scenario.enabled if user.enabled_there is None else user.enabled_there
    write_account(call.directory, user, **changes)
    if user.scenario.synced and "enabled" in changes:
        user.enabled_there = there if there != changes["enabled"] else None


def _user(call: Call) -> UserState:
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    return user
