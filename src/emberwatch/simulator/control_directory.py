"""Control of what is in a directory: accounts, groups, apps, delta rules, random changes and the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from emberwatch.simulator.churn import churn, truth
from emberwatch.simulator.context import Context
from emberwatch.simulator.loader import build
from emberwatch.simulator.on_premises import put_back, sync
from emberwatch.simulator.scenario import (
    AppScenario,
    DeltaScenario,
    GroupScenario,
    ScriptedAnswer,
    UserScenario,
)
from emberwatch.simulator.state import DirectoryState, UserState

Body = Mapping[str, Any]
_CHANGES: Final = frozenset(
    {
        "upn",
        "display_name",
        "mail",
        "other_mails",
        "proxy_addresses",
        "enabled",
        "password",
        "manager",
        "licences",
        "methods",
        "properties",
        "mfa",
        "password_expired",
        "external_challenge",
        "deleted",
    }
)
_TUPLES: Final = frozenset({"other_mails", "proxy_addresses", "licences", "methods"})


def named_directory(context: Context, body: Body) -> DirectoryState:
    """The directory of ``directory``: its GUID or a domain; without it the only one."""
    known = context.world.directories
    name = str(body.get("directory", next(iter(known)) if len(known) == 1 else ""))
    found = context.world.directory(name)
    if found is None:
        raise ValueError(f"no directory {name!r}")
    return found


def named_user(context: Context, body: Body) -> tuple[DirectoryState, UserState]:
    """The present account of ``upn``, or the account of ``id``, deleted or not."""
    directory: DirectoryState | None
    if "id" in body:
        directory = named_directory(context, body)
        user = directory.users.get(str(body["id"]).lower())
    else:
        upn = str(body["upn"])
        directory = context.world.directory_with_domain(upn.rpartition("@")[2])
        user = directory.find(upn) if directory else None
    if directory is None or user is None:
        raise ValueError(f"no user {body.get('upn', body.get('id'))!r}")
    return directory, user


def change_user(context: Context, body: Body) -> str:
    """Change, delete, restore (``deleted: null``) or with ``purge`` remove an account."""
    directory, user = named_user(context, body)
    if body.get("purge"):
        directory.purge_user(user.id)
        return user.id
    changes = dict(body["changes"])
    unknown = sorted(set(changes) - _CHANGES - {"answer"})
    if unknown:
        raise ValueError(f"cannot change {', '.join(unknown)}")
    if changes.get("answer"):
        changes["answer"] = build(ScriptedAnswer, changes["answer"], "answer")
    if changes.get("deleted"):
        changes["deleted"] = datetime.fromisoformat(changes["deleted"])
    lists = {name: tuple(changes[name]) for name in _TUPLES.intersection(changes)}
    return directory.change_user(user.id, **{**changes, **lists}).id


def sync_accounts(context: Context, body: Body) -> list[str]:
    """Put back what was written over, or enable the one account of ``upn`` or ``id``; the accounts' ids."""
    if "upn" in body or "id" in body:
        return put_back(*named_user(context, body))
    return sync(named_directory(context, body))


def add_user(context: Context, body: Body) -> str:
    """Create an account from a scenario's fields."""
    return named_directory(context, body).add_user(build(UserScenario, body["user"], "user")).id


def change_group(context: Context, body: Body) -> list[str]:
    """``join``, ``part``, ``rename``, ``delete`` or ``restore`` a group of ``id``; its members afterwards."""
    directory = named_directory(context, body)
    known, group_id = directory.memberships, str(body["id"]).lower()
    if group_id not in known.groups:
        raise ValueError(f"no group {group_id!r}")
    for member in body.get("join", ()):
        known.join(group_id, str(member).lower())
    for member in body.get("part", ()):
        known.part(group_id, str(member).lower())
    if "rename" in body:
        known.change_group(group_id, display_name=str(body["rename"]))
    if body.get("delete"):
        known.delete_group(group_id, directory.world.clock())
    if body.get("restore"):
        known.restore_group(group_id)
    return [member for member, _ in known.members(group_id)]


def add_group(context: Context, body: Body) -> str:
    """Create a group from a scenario's fields; members join by ``group``."""
    return (
        named_directory(context, body).memberships.add_group(build(GroupScenario, body["group"], "group")).id
    )


def put_app(context: Context, body: Body) -> str:
    """Add an app registration, or replace the one with its client id: other secrets, other permissions."""
    app = build(AppScenario, body["app"], "app")
    return named_directory(context, body).put_app(app).scenario.client_id


def change_delta(context: Context, body: Body) -> dict[str, Any]:
    """Change the rules of delta queries; ``reset`` makes every token worthless."""
    directory = named_directory(context, body)
    rules = dict(body.get("rules", {}))
    checked = build(DeltaScenario, rules, "rules")
    directory.delta = replace(directory.delta, **{name: getattr(checked, name) for name in rules})
    if body.get("reset"):
        directory.reset_delta()
    return {name: getattr(directory.delta, name) for name in DeltaScenario.__dataclass_fields__}


def apply_churn(context: Context, body: Body) -> dict[str, Any]:
    """Apply ``count`` random changes; what was done, and with ``select`` the truth afterwards."""
    directory = named_directory(context, body)
    done = churn(directory, int(body["count"]), seed=int(body.get("seed", 0))).as_json()
    return {**done, "truth": truth(directory, body["select"])} if "select" in body else done


def tell_truth(context: Context, body: Body) -> dict[str, Any]:
    """What a complete copy of the directory holds at this moment."""
    return truth(named_directory(context, body), body.get("select", ()))
