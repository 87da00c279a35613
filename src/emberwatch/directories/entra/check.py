"""Checks a connection from the outside in and says in sentences what is wrong and where to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    Authentication,
    CheckItem,
    CheckReport,
    CheckState,
    DirectoryError,
    DomainFacts,
    PasswordPolicy,
)
from emberwatch.directories.entra.abilities import ABILITIES, Ability
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.faults import MISSING_PERMISSION, NO_PERMISSIONS
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.tokens import AppTokens

# The template of the directory setting that holds the lockout values; fixed by Microsoft for all tenants.
PASSWORD_RULES_TEMPLATE: Final = "5cf42378-d67d-4f36-ba46-e8b86229381d"  # noqa: S105 - a template's id
DEFAULT_LOCKOUT_SECONDS: Final = 60
_NO_TOKENS: Final = "No tokens for users"
_ASSIGNMENT_REMEDY: Final = (
    "Entra admin center → Enterprise applications → your app → Properties → Assignment required → Yes; "
    "assign nobody."
)
# Any one of these lets us read users and domains.
_READS_DIRECTORY: Final = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})


@dataclass(slots=True)
class _Findings:
    items: list[CheckItem] = field(default_factory=list)
    roles: tuple[str, ...] = ()
    domains: tuple[DomainFacts, ...] = ()
    organisation: str = ""
    policy: PasswordPolicy | None = None


def check(
    cloud: Cloud,
    tokens: AppTokens,
    graph: Graph,
    client_id: UUID,
    monitored: Sequence[str],
    clock: Clock,
) -> CheckReport:
    """Runs the checks in order; the first fault ends them, since what follows would only repeat it."""
    found = _Findings()
    for item in _steps(cloud, tokens, graph, client_id, monitored, found):
        found.items.append(item)
        if item.state is CheckState.FAULT:
            break
    return CheckReport(
        items=tuple(found.items),
        checked_at=clock(),
        permissions=found.roles,
        domains=found.domains,
        organisation_name=found.organisation,
        policy=found.policy,
    )


def _steps(
    cloud: Cloud, tokens: AppTokens, graph: Graph, client_id: UUID, monitored: Sequence[str], found: _Findings
) -> Iterator[CheckItem]:
    try:
        found.roles = tokens.roles()
        yield CheckItem(
            "Sign-in of the application", CheckState.OK, "Entra ID accepts the client ID and secret."
        )
        yield _permissions(found.roles)
        found.organisation = _organisation(graph)
        yield CheckItem("Microsoft Graph", CheckState.OK, f"Connected to {found.organisation}.")
        found.domains = read_domains(graph)
        yield from _domain_items(found.domains, monitored)
        found.policy = read_policy(graph, cloud)
        yield _policy_item(found.policy)
        yield from (_ability_item(ability, found.roles) for ability in ABILITIES)
        yield _assignment_item(graph, client_id)
    except DirectoryError as error:
        yield CheckItem("Connection", CheckState.FAULT, error.message, error.remedy, error.code)


def _permissions(roles: Sequence[str]) -> CheckItem:
    name = "Permissions"
    if not roles:
        return CheckItem(name, CheckState.FAULT, NO_PERMISSIONS.sentence, NO_PERMISSIONS.remedy)
    if not _READS_DIRECTORY.intersection(roles):
        sentence = f"{MISSING_PERMISSION.sentence} Granted: {', '.join(roles)}."
        return CheckItem(name, CheckState.FAULT, sentence, MISSING_PERMISSION.remedy)
    return CheckItem(name, CheckState.OK, f"Granted: {', '.join(roles)}.")


def _ability_item(ability: Ability, roles: Sequence[str]) -> CheckItem:
    """Advice only: Emberwatch does its work without these."""
    if ability.is_granted(roles):
        return CheckItem(ability.name, CheckState.OK, f"May be read: {ability.use}.")
    sentence = f"Not granted: with {ability.permission} {ability.use}."
    return CheckItem(ability.name, CheckState.WARNING, sentence, ability.remedy)


def _organisation(graph: Graph) -> str:
    found = graph.get("/organization", {"$select": "id,displayName"}).body.get("value", [])
    return str(found[0].get("displayName") or "the directory") if found else "the directory"


def read_domains(graph: Graph) -> tuple[DomainFacts, ...]:
    return tuple(_domain(item) for item in graph.pages("/domains"))


def _domain(item: Any) -> DomainFacts:
    federated = str(item.get("authenticationType", "")).lower() != "managed"
    return DomainFacts(
        name=str(item.get("id", "")).lower(),
        is_verified=item.get("isVerified") is True,
        authentication=Authentication.FEDERATED if federated else Authentication.MANAGED,
    )


def _domain_items(domains: Sequence[DomainFacts], monitored: Sequence[str]) -> Iterator[CheckItem]:
    verified = {domain.name for domain in domains if domain.is_verified}
    foreign = [name for name in monitored if name not in verified and not _below(name, verified)]
    if foreign:
        yield CheckItem(
            "Domains",
            CheckState.WARNING,
            f"Not a verified domain of this directory: {', '.join(foreign)}.",
            "Credentials of these domains can be collected but not validated here.",
        )
    else:
        yield CheckItem(
            "Domains", CheckState.OK, f"Every monitored domain is verified here: {', '.join(monitored)}."
        )
    federated = [domain.name for domain in domains if domain.authentication is Authentication.FEDERATED]
    if federated:
        yield CheckItem(
            "Federation",
            CheckState.WARNING,
            f"Sign-ins are federated for {', '.join(federated)}.",
            "Entra ID does not check these passwords itself, so their credentials are not testable.",
        )


def _below(name: str, parents: set[str]) -> bool:
    return any(name.endswith("." + parent) for parent in parents)


def read_policy(graph: Graph, cloud: Cloud) -> PasswordPolicy:
    """The lockout threshold and duration that the directory states, or its cloud's default."""
    for setting in graph.pages("/groupSettings"):
        if str(setting.get("templateId", "")).lower() == PASSWORD_RULES_TEMPLATE:
            values = {str(pair.get("name")): str(pair.get("value")) for pair in setting.get("values", [])}
            return PasswordPolicy(
                lockout_threshold=_number(values.get("LockoutThreshold"), cloud.lockout_threshold),
                lockout_seconds=_number(values.get("LockoutDurationInSeconds"), DEFAULT_LOCKOUT_SECONDS),
                stated=True,
            )
    return PasswordPolicy(cloud.lockout_threshold, DEFAULT_LOCKOUT_SECONDS, stated=False)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def _policy_item(policy: PasswordPolicy) -> CheckItem:
    origin = "the directory's own setting" if policy.stated else "Microsoft's default for this cloud"
    return CheckItem(
        "Smart lockout",
        CheckState.OK,
        f"An account locks after {policy.lockout_threshold} failed tries ({origin}).",
    )


def _assignment_item(graph: Graph, client_id: UUID) -> CheckItem:
    """What would make a right password end without a token: assignment required, and nobody assigned."""
    required = _assignment_required(graph, client_id)
    if required:
        sentence = "A right password ends without a token: the application requires assignment."
        return CheckItem(_NO_TOKENS, CheckState.OK, sentence)
    if required is None:
        sentence = "Whether the application requires assignment could not be read."
    else:
        sentence = (
            "A right password brings a token, which Emberwatch discards unread: assignment is not required."
        )
    return CheckItem(_NO_TOKENS, CheckState.WARNING, sentence, _ASSIGNMENT_REMEDY)


def _assignment_required(graph: Graph, client_id: UUID) -> bool | None:
    query = {"$filter": f"appId eq '{client_id}'", "$select": "id,appId,appRoleAssignmentRequired"}
    try:
        found = graph.get("/servicePrincipals", query).body.get("value", [])
    except DirectoryError:
        # Advice only: a connection that cannot tell is still a good one.
        return None
    return found[0].get("appRoleAssignmentRequired") is True if found else None
