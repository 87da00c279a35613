"""Graph's answer about the accounts among a group's members, with any of their properties."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import context_of, next_link, pick, read_query, take_page
from emberwatch.simulator.graph_replies import bad_request, not_found, object_reply
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.user_properties import USER_DEFAULT_SELECT


def list_group_people(call: Call) -> Reply:
    """``GET /groups/{id}/transitiveMembers/microsoft.graph.user``, and the same of ``members``.

    The cast is an advanced query: without the header and the count it is refused.
    """
    query = read_query(call.request)
    if not query.count:
        raise bad_request(
            "The cast needs the ConsistencyLevel header and $count=true.", "Request_UnsupportedQuery"
        )
    found = filter(None, map(call.directory.find, _ids(call)))
    people = sorted(found, key=lambda user: user.number)
    page, following = take_page(query, [(user.number, user.properties) for user in people])
    body: Object = {**context_of(call.origin, "users", query.select), "@odata.count": len(people)}
    if following is not None:
        base = f"{call.origin}{quote(call.request.path)}"
        body["@odata.nextLink"] = next_link(base, call.request.query, following)
    names = query.select or USER_DEFAULT_SELECT
    return object_reply(call.request, {**body, "value": [pick(row, names) for row in page]})


def _ids(call: Call) -> Iterable[str]:
    known = call.directory.memberships
    group = known.groups.get(call.params["id"].lower())
    if group is None or group.deleted is not None:
        raise not_found(call.params["id"])
    if call.params["kind"] == "members":
        return group.people
    return dict.fromkeys(user_id for other in known.downwards(group) for user_id in other.people)
