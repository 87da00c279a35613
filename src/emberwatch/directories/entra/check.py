"""Checks a connection from the outside in and says in sentences what is wrong and where to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    AppKey,
    Authentication,
    CapabilityFinding,
    CheckItem,
    CheckReport,
    CheckState,
    ConnectionSettings,
    DirectoryError,
    DirectoryMisconfigured,
    DomainFacts,
    FederatedToken,
    KeyFinding,
    PasswordPolicy,
    SurplusPermission,
)
from emberwatch.directories.entra.abilities import ABILITIES, Ability
from emberwatch.directories.entra.capabilities import judge, surplus_of
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.faults import MISSING_PERMISSION, NO_PERMISSIONS
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.proofs import Prover
from emberwatch.directories.entra.reach import clock_item, reach, reach_item
from emberwatch.directories.entra.registration import (
    assignment_item,
    capital,
    consent_item,
    end_items,
    end_of,
    read_registration,
)
from emberwatch.directories.entra.tokens import AppTokens, is_key_error
from emberwatch.matching.watchlist import is_at_or_below

# The template of the directory setting that holds the lockout values; fixed by Microsoft for all tenants.
PASSWORD_RULES_TEMPLATE: Final = "5cf42378-d67d-4f36-ba46-e8b86229381d"  # noqa: S105 - a template's id
DEFAULT_LOCKOUT_SECONDS: Final = 60
SIGN_IN_OF_APP: Final = "Sign-in of the application"
# Any one of these lets us read users and domains.
_READS_DIRECTORY: Final = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
# Identity Protection takes one request a second and does not tell so.
_BETWEEN_PROBES: Final = 1.0
_REMOVE: Final = (
    "Entra admin center → App registrations → your app → API permissions: remove what is not needed."
)


@dataclass(slots=True)
class _Findings:
    items: list[CheckItem] = field(default_factory=list)
    roles: tuple[str, ...] = ()
    domains: tuple[DomainFacts, ...] = ()
    organisation: str = ""
    policy: PasswordPolicy | None = None
    keys: list[tuple[AppKey, KeyFinding]] = field(default_factory=list)
    capabilities: tuple[CapabilityFinding, ...] = ()
    surplus: tuple[SurplusPermission, ...] = ()
    clock_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check goes through."""

    cloud: Cloud
    settings: ConnectionSettings
    tokens: AppTokens
    graph: Graph
    client: httpx.Client
    clock: Clock


def check(on: Checked, monitored: Sequence[str]) -> CheckReport:
    """Runs the checks in order; the first fault ends them, since what follows would only repeat it."""
    found = _Findings()
    for item in _steps(on, monitored, found):
        found.items.append(item)
        if item.state is CheckState.FAULT:
            break
    return CheckReport(
        items=tuple(found.items),
        checked_at=on.clock(),
        permissions=found.roles,
        domains=found.domains,
        organisation_name=found.organisation,
        policy=found.policy,
        capabilities=found.capabilities,
        surplus=found.surplus,
        keys=tuple(finding for _, finding in found.keys),
        clock_seconds=found.clock_seconds,
    )


def _steps(on: Checked, monitored: Sequence[str], found: _Findings) -> Iterator[CheckItem]:
    graph = on.graph
    try:
        yield from _network(on, found)
        yield from _keys(on, found)
        found.roles = on.tokens.roles()
        found.capabilities, found.surplus = judge(found.roles, {}), surplus_of(found.roles)
        yield _permissions(found.roles)
        found.organisation = _organisation(graph)
        yield CheckItem("Microsoft Graph", CheckState.OK, f"Connected to {found.organisation}.")
        found.domains = read_domains(graph)
        yield from _domain_items(found.domains, monitored)
        found.policy = read_policy(graph, on.cloud)
        yield _policy_item(found.policy)
        refusals = _refusals(graph, found.roles)
        found.capabilities = judge(found.roles, refusals)
        yield from (_ability_item(ability, found.roles, refusals) for ability in ABILITIES)
        yield from _surplus_items(found.surplus)
        yield from _registration(on, found)
    except DirectoryError as error:
        yield CheckItem("Connection", CheckState.FAULT, error.message, error.remedy, error.code)


def _network(on: Checked, found: _Findings) -> Iterator[CheckItem]:
    """Both hosts of the cloud, by addresses that anybody may ask for."""
    discovery = f"/{on.settings.entra_tenant_id}/v2.0/.well-known/openid-configuration"
    login = reach(on.client, on.cloud.login_url + discovery, on.clock)
    yield reach_item("the sign-in service", login)
    yield reach_item("Microsoft Graph", reach(on.client, f"{on.cloud.graph_url}/", on.clock))
    found.clock_seconds = login.ahead
    clock = clock_item(login.ahead)
    if clock is not None:
        yield clock


def _keys(on: Checked, found: _Findings) -> Iterator[CheckItem]:
    """Each key by itself. One that works is enough; another one's fault is a warning then."""
    found.keys = [(prover.key, _try(on.tokens, prover)) for prover in on.tokens.provers]
    good = [key for key, finding in found.keys if finding.works]
    if good or not found.keys:
        # Without any key this raises what has to be said.
        on.tokens.token()
        yield CheckItem(SIGN_IN_OF_APP, CheckState.OK, f"Entra ID accepts the client ID{_together(good)}.")
    state = CheckState.WARNING if good else CheckState.FAULT
    for key, finding in found.keys:
        if not finding.works:
            named = f"{capital(key.label)}: " if len(found.keys) > 1 else ""
            yield CheckItem(SIGN_IN_OF_APP, state, named + finding.sentence, finding.remedy, finding.code)


def _try(tokens: AppTokens, prover: Prover) -> KeyFinding:
    """Raises what is not about this key: an application that is not there, or no answer."""
    try:
        tokens.token_with(prover)
    except DirectoryMisconfigured as error:
        if not is_key_error(error):
            raise
        return KeyFinding(prover.key.id, False, error.message, error.remedy, error.code)
    return KeyFinding(prover.key.id, True)


def _together(keys: Sequence[AppKey]) -> str:
    words = [key.proof.word for key in keys]
    if len(words) > len(set(words)):
        return f" and both {words[0]}s"
    return ", ".join(["", *words[:-1]]) + f" and {words[-1]}"


def _permissions(roles: Sequence[str]) -> CheckItem:
    name = "Permissions"
    if not roles:
        return CheckItem(name, CheckState.FAULT, NO_PERMISSIONS.sentence, NO_PERMISSIONS.remedy)
    if not _READS_DIRECTORY.intersection(roles):
        sentence = f"{MISSING_PERMISSION.sentence} Granted: {', '.join(roles)}."
        return CheckItem(name, CheckState.FAULT, sentence, MISSING_PERMISSION.remedy)
    return CheckItem(name, CheckState.OK, f"Granted: {', '.join(roles)}.")


def _refusals(graph: Graph, roles: Sequence[str]) -> dict[str, DirectoryError]:
    """A granted permission is not enough: the licence or the cloud may leave an ability out."""
    refused: dict[str, DirectoryError] = {}
    for ability in ABILITIES:
        # What only changes things cannot be tried by reading: its permission has to do.
        if not ability.is_granted(roles) or not ability.path:
            continue
        try:
            graph.ask(ability.probe, untold_wait=_BETWEEN_PROBES)
        except DirectoryError as error:
            refused[ability.name] = ability.refusal(error, roles)
    return refused


def _ability_item(
    ability: Ability, roles: Sequence[str], refusals: Mapping[str, DirectoryError]
) -> CheckItem:
    """Advice only: Emberwatch does its work without these."""
    refused = refusals.get(ability.name)
    if refused is not None:
        return CheckItem(ability.name, CheckState.WARNING, refused.message, refused.remedy, refused.code)
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
    foreign = [name for name in monitored if not is_at_or_below(name, verified)]
    if not monitored:
        yield CheckItem(
            "Domains", CheckState.OK, "The monitored domains are those of other directories of this tenant."
        )
    elif foreign:
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


def _surplus_items(surplus: Sequence[SurplusPermission]) -> Iterator[CheckItem]:
    if surplus:
        named = "; ".join(f"{each.permission}, {each.risk}" for each in surplus)
        sentence = f"The application holds what Emberwatch does not use: {named}."
        yield CheckItem("More than needed", CheckState.WARNING, sentence, _REMOVE)


def _registration(on: Checked, found: _Findings) -> Iterator[CheckItem]:
    settings = on.settings
    known = read_registration(on.graph, settings.client_id)
    found.keys = [(key, replace(each, ends_at=end_of(key, known))) for key, each in found.keys]
    ends = [
        (key.label, each.ends_at) for key, each in found.keys if not isinstance(key.proof, FederatedToken)
    ]
    yield from end_items(ends, on.clock())
    yield assignment_item(known)
    yield consent_item(known, on.cloud, settings.entra_tenant_id, settings.client_id)
