"""Graph's answers about users, present and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import SIGN_IN_ACTIVITY, USER_BASIC, USER_DEFAULT_SELECT, Object
from emberwatch.simulator.graph_query import Query, context_of, next_link, pick, read_query, take_page
from emberwatch.simulator.graph_replies import GraphError, bad_request, graph_headers, not_found, object_reply
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import candidates, matches
from emberwatch.simulator.state import DirectoryState, UserState

BASIC_ROLE: Final = "User.ReadBasic.All"


def list_users(call: Call) -> Reply:
    """``GET /users``."""
    return _user_collection(call, "users", _matching(call.directory, read_query(call.request)))


def list_deleted_users(call: Call) -> Reply:
    """``GET /directory/deletedItems/microsoft.graph.user``."""
    query = read_query(call.request)
    wanted = [u for u in call.directory.gone() if query.filter is None or matches(query.filter, u.properties)]
    path = "directory/deletedItems/microsoft.graph.user"
    return _user_collection(call, path, wanted, also=("deletedDateTime",))


def _matching(directory: DirectoryState, query: Query) -> list[UserState]:
    users: Iterable[UserState] = directory.present()
    if query.filter is None:
        return list(users)
    ids = candidates(query.filter, directory.indexed)
    if ids is not None:
        users = sorted((directory.users[i] for i in ids), key=lambda user: user.number)
    return [user for user in users if matches(query.filter, user.properties)]


def _user_collection(call: Call, path: str, users: list[UserState], also: tuple[str, ...] = ()) -> Reply:
    query = read_query(call.request)
    _require_premium(call, query)
    names = query.select or (*USER_DEFAULT_SELECT, *also)
    numbered = [(user.number, user.properties) for user in users]
    page, following = take_page(query, numbered)
    by_id = {user.id: user for user in users} if SIGN_IN_ACTIVITY in names else {}
    body: Object = context_of(call.origin, "users", query.select)
    if query.count:
        body["@odata.count"] = len(users)
    if following is not None:
        body["@odata.nextLink"] = next_link(f"{call.origin}/v1.0/{path}", call.request.query, following)
    body["value"] = [_shown(call, row, names, by_id.get(row["id"])) for row in page]
    return object_reply(call.request, body)


def _require_premium(call: Call, query: Query) -> None:
    entitled = call.directory.scenario.premium and "AuditLog.Read.All" in call.roles
    if SIGN_IN_ACTIVITY in query.select and not entitled:
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "The property signInActivity needs a premium licence and AuditLog.Read.All.",
        )


def _shown(call: Call, properties: Object, names: Iterable[str], user: UserState | None) -> Object:
    # An app with nothing but the basic role sees the basic properties and no others.
    if not call.roles - {BASIC_ROLE}:
        names = [name for name in names if name in USER_BASIC]
    shown = pick(properties, names)
    if user is not None:
        shown[SIGN_IN_ACTIVITY] = _sign_in_activity(user)
    return shown


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
    query = read_query(call.request)
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    _require_premium(call, query)
    names = query.select or USER_DEFAULT_SELECT
    shown = _shown(call, user.properties, names, user if SIGN_IN_ACTIVITY in names else None)
    head = context_of(call.origin, "users", query.select, single=True)
    return object_reply(call.request, {**head, **shown})


def get_deleted_user(call: Call) -> Reply:
    """``GET /directory/deletedItems/{id}``."""
    query = read_query(call.request)
    wanted = call.params["id"].lower()
    user = next((user for user in call.directory.gone() if user.id == wanted), None)
    if user is None:
        raise not_found(call.params["id"])
    shown = _shown(call, user.properties, query.select or (*USER_DEFAULT_SELECT, "deletedDateTime"), None)
    head = context_of(call.origin, "directoryObjects", query.select, single=True)
    return object_reply(call.request, {**head, "@odata.type": "#microsoft.graph.user", **shown})


def count_users(call: Call) -> Reply:
    """``GET /users/$count``: a bare number, and only with the consistency header."""
    if call.request.headers.get("consistencylevel", "").lower() != "eventual":
        raise bad_request("$count is not currently supported.")
    total = len(_matching(call.directory, read_query(call.request)))
    headers = {**graph_headers(call.request), "Content-Type": "text/plain"}
    return Reply(200, str(total).encode(), headers)
