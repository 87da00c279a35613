"""The bodies of writes: how they are read, and which accounts a write is about, whatever becomes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from emberwatch.simulator.graph_replies import GraphError, bad_request
from emberwatch.simulator.messages import Request, Write

Aim = Callable[[Request, Mapping[str, str]], tuple[Write, ...]]
_REFERENCE: Final = re.compile(
    r"https://[^/?#]+/v1\.0/(directoryObjects|users|groups)/(?P<id>[0-9A-Fa-f-]{36})"
)


def json_object(request: Request) -> dict[str, Any]:
    """The body as an object, without the annotations that clients add."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise bad_request("Unable to read JSON request payload.") from None
    if not isinstance(body, dict):
        raise bad_request("The request body must be an object.")
    return {name: value for name, value in body.items() if name == "@odata.id" or name[:7] != "@odata."}


def user_ids(request: Request) -> list[str]:
    """The ids of ``userIds``, in lower case."""
    body = json_object(request)
    ids = body.get("userIds")
    if body.keys() - {"userIds"} or not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise bad_request("The request body needs the list 'userIds' and nothing else.", "BadRequest")
    return [each.lower() for each in ids]


def referenced_id(request: Request) -> str:
    """The object id that ``@odata.id`` refers to."""
    body = json_object(request)
    reference = body.get("@odata.id")
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None or len(body) > 1:
        raise bad_request("The request body needs a valid '@odata.id' and nothing else.")
    return found["id"].lower()


def on_account(kind: str) -> Aim:
    """A write about the account in the path."""
    return lambda _, params: (Write(params["id"], kind),)


def on_user_ids(kind: str) -> Aim:
    """A write about the accounts of ``userIds``."""

    def aim(request: Request, _params: Mapping[str, str]) -> tuple[Write, ...]:
        try:
            return tuple(Write(each, kind) for each in dict.fromkeys(user_ids(request)))
        except GraphError:
            return ()

    return aim


def on_reference(request: Request, _params: Mapping[str, str]) -> tuple[Write, ...]:
    """A write about the account that is to join."""
    try:
        return (Write(referenced_id(request), "add member"),)
    except GraphError:
        return ()


def on_member(_request: Request, params: Mapping[str, str]) -> tuple[Write, ...]:
    """A write about the member in the path."""
    return (Write(params["member"], "remove member"),)


def on_changes(request: Request, params: Mapping[str, str]) -> tuple[Write, ...]:
    """A change of an account: one write for each property."""
    try:
        body = json_object(request)
    except GraphError:
        body = {}
    return tuple(Write(params["id"], _kind(name, value)) for name, value in body.items())


def _kind(name: str, value: object) -> str:
    if name == "accountEnabled":
        return "disable" if value is False else "enable"
    if name == "passwordProfile":
        return "set password" if isinstance(value, dict) and "password" in value else "force change"
    return name
