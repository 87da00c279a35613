"""Graph's answers about the directory itself: domains, organization, group settings."""

from __future__ import annotations

import re
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import (
    DOMAIN_PROPERTIES,
    SERVICE_PRINCIPAL_PROPERTIES,
    Object,
    domain_object,
    group_settings,
    organization_object,
    service_principal,
)
from emberwatch.simulator.graph_query import context_of, pick
from emberwatch.simulator.graph_replies import bad_request, not_found, object_reply
from emberwatch.simulator.messages import Reply

_BY_APP_ID: Final = re.compile(r"appId eq '([^']*)'")


def list_domains(call: Call) -> Reply:
    """``GET /domains``."""
    scenario = call.directory.scenario
    rows = [domain_object(domain, scenario) for domain in call.directory.domains.values()]
    return whole_collection(call, "domains", rows, DOMAIN_PROPERTIES)


def get_domain(call: Call) -> Reply:
    """``GET /domains/{id}``."""
    domain = call.directory.domains.get(call.params["id"].casefold())
    if domain is None:
        raise not_found(call.params["id"])
    head = context_of(call.origin, "domains", (), single=True)
    return object_reply(call.request, {**head, **domain_object(domain, call.directory.scenario)})


def list_organization(call: Call) -> Reply:
    """``GET /organization``: always one."""
    row = organization_object(call.directory.scenario)
    return whole_collection(call, "organization", [row], frozenset(row))


def list_group_settings(call: Call) -> Reply:
    """``GET /groupSettings``: the password rules, when they were changed."""
    directory, own = call.directory, call.directory.scenario
    # A directory that kept the defaults has no settings object at all.
    changed = own.lockout_threshold is not None or own.lockout_seconds is not None
    rules = group_settings(directory.id, directory.lockout_threshold, directory.lockout_seconds)
    rows = rules if changed else []
    return whole_collection(
        call, "groupSettings", rows, frozenset({"id", "displayName", "templateId", "values"})
    )


def list_service_principals(call: Call) -> Reply:
    """``GET /servicePrincipals``: all of them, or the one that ``$filter=appId eq '…'`` names."""
    text = call.request.query.get("$filter", "")
    named = _BY_APP_ID.fullmatch(text)
    if text and named is None:
        raise bad_request("Only appId can be filtered for.", "Request_UnsupportedQuery")
    apps = [state.scenario for state in call.directory.apps.values()]
    rows = [
        service_principal(app) for app in apps if named is None or app.client_id.lower() == named[1].lower()
    ]
    return whole_collection(call, "servicePrincipals", rows, SERVICE_PRINCIPAL_PROPERTIES)


def whole_collection(
    call: Call, entity_set: str, rows: list[Object], known: frozenset[str], link: Object | None = None
) -> Reply:
    """These rows in one reply, with ``$select``, and a link to further ones if there are any."""
    select = selected(call, entity_set, known)
    body = context_of(call.origin, entity_set, select)
    body.update(link or {})
    body["value"] = [pick(row, ("@odata.type", *select)) if select else row for row in rows]
    return object_reply(call.request, body)


def entity(call: Call, entity_set: str, row: Object, known: frozenset[str]) -> Reply:
    """One object, with ``$select``."""
    select = selected(call, entity_set, known)
    head = context_of(call.origin, entity_set, select, single=True)
    return object_reply(call.request, {**head, **(pick(row, ("@odata.type", *select)) if select else row)})


def selected(call: Call, entity_set: str, known: frozenset[str]) -> tuple[str, ...]:
    """The names of ``$select``, or a 400 that says which one is unknown."""
    select = tuple(name for name in call.request.query.get("$select", "").split(",") if name)
    for name in select:
        if name not in known:
            raise bad_request(f"'{name}' is not a property of '{entity_set}'.", "BadRequest")
    return select
