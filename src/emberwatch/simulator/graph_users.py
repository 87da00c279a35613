"""Graph's answers about users, present and deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_managers import manager_of, read_expand
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import Query, context_of, next_link, pick, read_query, take_page
from emberwatch.simulator.graph_replies import GraphError, bad_request, graph_headers, not_found, object_reply
from emberwatch.simulator.managers import MANAGER
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import candidates, matches
from emberwatch.simulator.state import DirectoryState, UserState
from emberwatch.simulator.user_properties import SIGN_IN_ACTIVITY, USER_BASIC, USER_DEFAULT_SELECT

BASIC_ROLE: Final = "User.ReadBasic.All"
_MOST_WITH_ACTIVITY: Final = 120
"""The largest page when sign-in activity is asked for; a larger one is made smaller, not refused."""


def list_users(call: Call) -> Reply:
    """``GET /users``."""
    query = read_query(call.request, also={"$expand"})
    require_premium(call, query.select)
    if SIGN_IN_ACTIVITY in query.select:
        query = replace(query, top=min(query.top, _MOST_WITH_ACTIVITY))
    total = sum(1 for _ in _matching(call.directory, query)) if query.count else 0
    return _user_page(call, query, "users", *_take(call.directory, query), total=total)


def list_deleted_users(call: Call) -> Reply:
    """``GET /directory/deletedItems/microsoft.graph.user``."""
    query = read_query(call.request)
    require_premium(call, query.select)
    wanted = [u for u in call.directory.gone() if query.filter is None or matches(query.filter, u.properties)]
    path = "directory/deletedItems/microsoft.graph.user"
    page, following = _ordered_page(query, wanted)
    return _user_page(call, query, path, page, following, total=len(wanted), also=("deletedDateTime",))


def _matching(directory: DirectoryState, query: Query, after: int = 0) -> Iterator[UserState]:
    """The present users that the filter means, in order of number, from behind a number on."""
    wanted = query.filter
    if wanted is None:
        return directory.present_after(after)
    ids = candidates(wanted, directory.indexed)
    users: Iterable[UserState] = directory.present_after(after)
    if ids is not None:
        named = sorted((directory.users[i] for i in ids), key=lambda user: user.number)
        users = (user for user in named if user.number > after)
    return (user for user in users if matches(wanted, user.properties))


def _take(directory: DirectoryState, query: Query) -> tuple[list[UserState], int | None]:
    if query.order:
        return _ordered_page(query, list(_matching(directory, query)))
    # One more than the page tells whether there is another page; the rest of a large directory stays unread.
    found = list(islice(_matching(directory, query, query.after), query.top + 1))
    page = found[: query.top]
    return page, page[-1].number if len(found) > query.top else None


def _ordered_page(query: Query, users: list[UserState]) -> tuple[list[UserState], int | None]:
    page, following = take_page(query, [(user.number, user.properties) for user in users])
    by_id = {user.id: user for user in users}
    return [by_id[row["id"]] for row in page], following


def _user_page(
    call: Call,
    query: Query,
    path: str,
    page: list[UserState],
    following: int | None,
    *,
    total: int,
    also: tuple[str, ...] = (),
) -> Reply:
    names = query.select or (*USER_DEFAULT_SELECT, *also)
    body: Object = context_of(call.origin, "users", query.select)
    if query.count:
        body["@odata.count"] = total
    if following is not None:
        body["@odata.nextLink"] = next_link(f"{call.origin}/v1.0/{path}", call.request.query, following)
    body["value"] = [_shown(call, user, names) for user in page]
    return object_reply(call.request, body)


def require_premium(call: Call, select: Sequence[str]) -> None:
    """Refuse ``signInActivity`` without the licence and the permission that it needs."""
    entitled = call.directory.scenario.premium and "AuditLog.Read.All" in call.roles
    if SIGN_IN_ACTIVITY in select and not entitled:
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "The property signInActivity needs a premium licence and AuditLog.Read.All.",
        )


def _shown(call: Call, user: UserState, names: Sequence[str]) -> Object:
    # An app with nothing but the basic role sees the basic properties and no others.
    basic = not call.roles - {BASIC_ROLE}
    properties = user.properties
    shown = pick(properties, [name for name in names if name in USER_BASIC] if basic else names)
    if SIGN_IN_ACTIVITY in names:
        shown[SIGN_IN_ACTIVITY] = _sign_in_activity(user)
    expand = read_expand(call.request.query.get("$expand"))
    manager = None if expand is None or basic else manager_of(call.directory, user.id, expand)
    return shown if manager is None else {**shown, MANAGER: manager}


def _sign_in_activity(user: UserState) -> Object:
    return {
        "lastSignInDateTime": graph_time(user.last_sign_in),
        "lastSignInRequestId": None,
        "lastNonInteractiveSignInDateTime": None,
        "lastNonInteractiveSignInRequestId": None,
        "lastSuccessfulSignInDateTime": graph_time(user.last_successful_sign_in),
        "lastSuccessfulSignInRequestId": None,
    }


def get_user(call: Call) -> Reply:
    """``GET /users/{id or UPN}``."""
    query = read_query(call.request, also={"$expand"})
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    require_premium(call, query.select)
    shown = _shown(call, user, query.select or USER_DEFAULT_SELECT)
    head = context_of(call.origin, "users", query.select, single=True)
    return object_reply(call.request, {**head, **shown})


def get_deleted_user(call: Call) -> Reply:
    """``GET /directory/deletedItems/{id}``."""
    query = read_query(call.request)
    wanted = call.params["id"].lower()
    user = call.directory.users.get(wanted)
    if user is None or not user.deleted:
        raise not_found(call.params["id"])
    require_premium(call, query.select)
    shown = _shown(call, user, query.select or (*USER_DEFAULT_SELECT, "deletedDateTime"))
    head = context_of(call.origin, "directoryObjects", query.select, single=True)
    return object_reply(call.request, {**head, "@odata.type": "#microsoft.graph.user", **shown})


def count_users(call: Call) -> Reply:
    """``GET /users/$count``: a bare number, and only with the consistency header."""
    if call.request.headers.get("consistencylevel", "").lower() != "eventual":
        raise bad_request("$count is not currently supported.")
    total = sum(1 for _ in _matching(call.directory, read_query(call.request)))
    headers = {**graph_headers(call.request), "Content-Type": "text/plain"}
    return Reply(200, str(total).encode(), headers)
