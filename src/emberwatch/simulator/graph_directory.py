"""Graph's answers about the directory itself: domains, organization, group settings."""

from __future__ import annotations

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_collections import entity, whole_collection
from emberwatch.simulator.graph_objects import (
    DOMAIN_PROPERTIES,
    domain_object,
    group_settings,
    organization_object,
)
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.messages import Reply


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
    row = domain_object(domain, call.directory.scenario)
    return entity(call, "domains", row, DOMAIN_PROPERTIES)


def list_organization(call: Call) -> Reply:
    """``GET /organization``: always one."""
    row = organization_object(call.directory.scenario)
    return whole_collection(call, "organization", [row], frozenset(row))


def get_organization(call: Call) -> Reply:
    """``GET /organization/{id}``."""
    row = organization_object(call.directory.scenario)
    if call.params["id"].lower() != call.directory.id.lower():
        raise not_found(call.params["id"])
    return entity(call, "organization", row, frozenset(row))


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
