"""Graph's answers about managers: ``/users/{id}/manager`` and ``$expand=manager``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import context_of, pick, read_query
from emberwatch.simulator.graph_replies import GraphError, bad_request, not_found, object_reply
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.state import DirectoryState
from emberwatch.simulator.user_properties import USER_DEFAULT_SELECT, USER_PROPERTIES

_EXPAND: Final = re.compile(r"manager(\(\$select=(?P<names>[A-Za-z,]+)\))?")


def get_manager(call: Call) -> Reply:
    """``GET /users/{id}/manager``."""
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    select = read_query(call.request).select
    shown = manager_of(call.directory, user.id, select)
    if shown is None:
        raise GraphError(404, "Request_ResourceNotFound", "The user has no manager.")
    head = context_of(call.origin, "directoryObjects", select, single=True)
    return object_reply(call.request, {**head, **shown})


def manager_of(directory: DirectoryState, user_id: str, select: Sequence[str]) -> Object | None:
    """The manager of an account as Graph shows it; None without one."""
    manager = directory.managers.of(user_id)
    if manager is None:
        return None
    shown = pick(directory.users[manager].properties, select or USER_DEFAULT_SELECT)
    return {"@odata.type": "#microsoft.graph.user", **shown}


def read_expand(text: str | None) -> tuple[str, ...] | None:
    """The properties of the manager that ``$expand`` asks for; None when it asks for nothing."""
    if text is None:
        return None
    found = _EXPAND.fullmatch(text.strip())
    if found is None:
        raise bad_request(f"'$expand={text}' is not supported here.", "Request_UnsupportedQuery")
    names = tuple(name for name in (found["names"] or "").split(",") if name)
    unknown = [name for name in names if name not in USER_PROPERTIES]
    if unknown:
        raise bad_request(f"'{unknown[0]}' is not a property of 'microsoft.graph.user'.", "BadRequest")
    return names or USER_DEFAULT_SELECT
