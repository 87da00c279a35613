"""Texts for a security operations centre: what finds our attempts, what leaves them out, what finds misuse. Pure.

Only ids and addresses go into a text, and only after they were read as such: nothing that somebody typed can
become a part of a query.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

# So many ids a query still holds; a reader is told when there were more.
MOST_IDS: Final = 5_000
DAYS_OFFERED: Final = (1, 7, 30)
PROTOCOL: Final = "ropc"
_WRITTEN: Final = date(2026, 11, 24)
# The public rule that reports every application with this kind of sign-in.
_RULE_ON_THE_PROTOCOL: Final = "55695bc0-c8cf-461f-a379-2535f563c854"


class Language(StrEnum):
    KQL = "kql"
    SIGMA = "sigma"


@dataclass(frozen=True, slots=True)
class SocFacts:
    """What our sign-ins look like from the directory. ``attempt_ids``: newest first."""

    client_id: UUID
    entra_tenant_id: UUID
    egress_addresses: tuple[str, ...]
    attempt_ids: tuple[UUID, ...]
    attempts: int
    """In the time that was asked for; may be more than the ids."""
    days: int

    def __post_init__(self) -> None:
        for each in (self.client_id, self.entra_tenant_id, *self.attempt_ids):
            if not isinstance(each, UUID):
                raise TypeError("an id is a UUID")
        for address in self.egress_addresses:
            ipaddress.ip_network(address)

    @property
    def ranges(self) -> tuple[str, ...]:
        """Every address as a range, as CIDR comparisons want it."""
        return tuple(str(ipaddress.ip_network(address)) for address in self.egress_addresses)


@dataclass(frozen=True, slots=True)
class SocText:
    name: str
    language: Language
    title: str
    purpose: str
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """What a sign-in of ours can set off on Microsoft's side."""

    name: str
    raised_by: str
    what_to_do: str


ALERTS: Final = (
    Alert(
        "passwordSpray",
        "A risk detection of Entra ID Protection. It fires only when a password was validated, so one that names "
        "our application and address stands for a leaked password that is right.",
        "Treat it as a second opinion on an Active verdict, never as noise: reset the password.",
    ),
    Alert(
        "Sign-in log",
        "One event for each attempt, under the application's name, from the worker's address, with the attempt's id "
        "as correlation id. It may stand in the interactive or the non-interactive log.",
        "Find or leave out exactly these events with the texts on this page.",
    ),
    Alert(
        "lastSignInDateTime",
        "Microsoft counts failed sign-ins too, so an attempt can make an unused account look used.",
        "Look for unused accounts by lastSuccessfulSignInDateTime.",
    ),
    Alert(
        "Risky sign-ins",
        "A sign-in from an address that is new to the account can count as unfamiliar, whatever the password.",
        "Compare its correlation id with the attempts; without a match it is not ours.",
    ),
    Alert(
        "Smart lockout",
        "Failed attempts count towards the lock of the account. Emberwatch sends at most two a day to one account.",
        "The ledger of attempts shows what was sent; a locked account without attempts there was locked by others.",
    ),
)


def texts(facts: SocFacts) -> tuple[SocText, ...]:
    """All texts, in the order in which a page shows them."""
    return tuple(
        SocText(row.name, row.language, row.title, row.purpose, row.write(facts).strip() + "\n")
        for row in _ROWS
    )


def _user_sign_ins() -> str:
    return "union isfuzzy=true SigninLogs, AADNonInteractiveUserSignInLogs"


def _ours(facts: SocFacts) -> str:
    return f'AppId =~ "{facts.client_id}" and AuthenticationProtocol =~ "{PROTOCOL}"'


def _columns() -> str:
    return (
        "| project TimeGenerated, UserPrincipalName, UserId, ResultType, ResultDescription, IPAddress, AppId, "
        "AuthenticationProtocol, CorrelationId"
    )


def _lines(*found: str) -> str:
    return "\n".join(line for line in found if line)


def _kql_find(facts: SocFacts) -> str:
    return _lines(
        "// Every sign-in that Emberwatch's application sent for a user.",
        _user_sign_ins(),
        f"| where TimeGenerated > ago({facts.days}d)",
        f"| where {_ours(facts)}",
        _columns(),
        "| order by TimeGenerated desc",
    )


def _kql_find_by_id(facts: SocFacts) -> str:
    return _lines(
        _told_ids(facts),
        _let_ids(facts),
        _user_sign_ins(),
        f"| where TimeGenerated > ago({facts.days + 1}d)",
        f"| where {_ours(facts)}",
        "| where CorrelationId in~ (attempts)",
        _columns(),
        "| order by TimeGenerated desc",
    )


def _kql_without_ours(facts: SocFacts) -> str:
    return _lines(
        _told_ids(facts),
        "// Put this in front of a detection of yours: it leaves out these attempts and nothing else.",
        _let_ids(facts),
        _user_sign_ins(),
        f"| where TimeGenerated > ago({facts.days}d)",
        f"| where not({_ours(facts)} and CorrelationId in~ (attempts))",
    )


def _kql_without_ours_for_good(facts: SocFacts) -> str:
    bound = f" and {_from_ours(facts)}" if facts.egress_addresses else ""
    return _lines(
        "// For a detection that runs for good: no list of ids that grows old.",
        "" if bound else _NO_ADDRESSES.format(mark="//"),
        _user_sign_ins(),
        f"| where not({_ours(facts)}{bound})",
    )


def _kql_misuse(facts: SocFacts) -> str:
    elsewhere = f"not({_from_ours(facts)})" if facts.egress_addresses else "false"
    return _lines(
        "// Emberwatch's client id used from another address, or for another kind of sign-in: a stolen secret.",
        "" if facts.egress_addresses else _NO_ADDRESSES.format(mark="//"),
        "union isfuzzy=true",
        f'    (SigninLogs | extend IsForeign = not(AuthenticationProtocol =~ "{PROTOCOL}")),',
        f'    (AADNonInteractiveUserSignInLogs | extend IsForeign = not(AuthenticationProtocol =~ "{PROTOCOL}")),',
        "    (AADServicePrincipalSignInLogs | extend IsForeign = false)",
        "| where TimeGenerated > ago(1d)",
        f'| where AppId =~ "{facts.client_id}"',
        f"| where IsForeign or {elsewhere}",
        "| project TimeGenerated, Type, IPAddress, AppId, UserPrincipalName, ServicePrincipalName, "
        "AuthenticationProtocol, ResultType, CorrelationId",
        "| order by TimeGenerated desc",
    )


def _from_ours(facts: SocFacts) -> str:
    """A condition on IPAddress. A comparison of the other kind of address answers null, hence the coalesce."""
    parts = []
    for version in (4, 6):
        found = [each for each in facts.ranges if ipaddress.ip_network(each).version == version]
        if found:
            listed = ", ".join(f'"{each}"' for each in found)
            parts.append(f"coalesce(ipv{version}_is_in_any_range(IPAddress, dynamic([{listed}])), false)")
    return f"({' or '.join(parts)})"


_NO_ADDRESSES: Final = (
    "{mark} No egress address is stated, so addresses are not compared. State them under Validation choices."
)


def _told_ids(facts: SocFacts) -> str:
    shown = len(facts.attempt_ids)
    more = "" if shown == facts.attempts else f": the newest {shown} of {facts.attempts}"
    return f"// The attempts of the last {facts.days} days{more}. Make this text anew when there are further ones."


def _let_ids(facts: SocFacts) -> str:
    if not facts.attempt_ids:
        return "let attempts = dynamic([]);"
    listed = ",\n".join(f'    "{each}"' for each in facts.attempt_ids)
    return f"let attempts = dynamic([\n{listed}\n]);"


def _sigma_find(facts: SocFacts) -> str:
    return _sigma_rule(
        facts,
        "Sign-in sent by Emberwatch",
        "A leaked password was tried by the organisation's own Emberwatch, or by somebody who holds its secret.",
        ["detection:", *_selection("selection", facts), "    condition: selection"],
        level="informational",
        told="",
    )


def _sigma_misuse(facts: SocFacts) -> str:
    detection = ["detection:", "    application:", f"        AppId: '{facts.client_id}'"]
    detection += ["    protocol:", f"        AuthenticationProtocol: '{PROTOCOL}'"]
    condition = "application and not protocol"
    if facts.egress_addresses:
        detection += ["    address:", *_cidr(facts, "        ")]
        condition = "application and not (protocol and address)"
    return _sigma_rule(
        facts,
        "Client ID of Emberwatch used from elsewhere or in another way",
        "The application's client secret may be stolen: it is used from an address or for a kind of sign-in that "
        "is not Emberwatch's.",
        [*detection, f"    condition: {condition}"],
        level="high",
        told=_told_addresses(facts),
    )


def _sigma_without_ours(facts: SocFacts) -> str:
    lines = [
        "title: Leave out sign-ins sent by Emberwatch",
        f"id: {_stable_id(facts, 'without_ours')}",
        "description: Attempts of Emberwatch's application, from its own addresses.",
        f"date: {_WRITTEN.isoformat()}",
        *_logsource(),
        "filter:",
        "    rules: # add the ids of your own rules",
        f"        - {_RULE_ON_THE_PROTOCOL} # Applications That Are Using ROPC Authentication Flow",
        *_selection("selection", facts, addresses=True),
        "    condition: not selection",
    ]
    return _told_addresses(facts) + "\n".join(lines)


def _told_addresses(facts: SocFacts) -> str:
    return "" if facts.egress_addresses else _NO_ADDRESSES.format(mark="#") + "\n"


def _sigma_rule(
    facts: SocFacts, title: str, description: str, detection: Sequence[str], *, level: str, told: str
) -> str:
    lines = [
        f"title: {title}",
        f"id: {_stable_id(facts, title)}",
        "status: experimental",
        f'description: "{description}"',
        f"date: {_WRITTEN.isoformat()}",
        "tags:",
        "    - attack.initial-access",
        "    - attack.t1078.004",
        *_logsource(),
        *detection,
        "falsepositives:",
        "    - A new egress address that nobody has stated yet",
        f"level: {level}",
    ]
    return told + "\n".join(lines)


def _stable_id(facts: SocFacts, name: str) -> UUID:
    """The same for one application and purpose, however often the text is made."""
    return uuid5(facts.client_id, name)


def _logsource() -> list[str]:
    return ["logsource:", "    product: azure", "    service: signinlogs"]


def _selection(name: str, facts: SocFacts, *, addresses: bool = False) -> list[str]:
    lines = [
        f"    {name}:",
        f"        AppId: '{facts.client_id}'",
        f"        AuthenticationProtocol: '{PROTOCOL}'",
    ]
    return lines + (_cidr(facts, "        ") if addresses and facts.egress_addresses else [])


def _cidr(facts: SocFacts, indent: str) -> list[str]:
    return [f"{indent}IPAddress|cidr:", *(f"{indent}    - '{each}'" for each in facts.ranges)]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    language: Language
    title: str
    purpose: str
    write: Callable[[SocFacts], str]


_ROWS: Final = (
    _Row(
        "find",
        Language.KQL,
        "Find our attempts",
        "All sign-ins that the application sent for users.",
        _kql_find,
    ),
    _Row(
        "find_by_id",
        Language.KQL,
        "Find exactly our attempts, by their ids",
        "What Emberwatch has on record as sent. What the text above finds beside it was not sent by Emberwatch.",
        _kql_find_by_id,
    ),
    _Row(
        "without_ours_by_id",
        Language.KQL,
        "Leave out exactly our attempts, by their ids",
        "For looking into an alert: everything but what Emberwatch has on record.",
        _kql_without_ours,
    ),
    _Row(
        "without_ours",
        Language.KQL,
        "Leave out our attempts in a standing detection",
        "Application, kind of sign-in and address together; sign-ins with a stolen secret still show.",
        _kql_without_ours_for_good,
    ),
    _Row(
        "misuse",
        Language.KQL,
        "Find misuse of our application",
        "The client id from any other address, or for any other kind of sign-in. Make an alert of it.",
        _kql_misuse,
    ),
    _Row(
        "sigma_find",
        Language.SIGMA,
        "Find our attempts",
        "A rule for any system that Sigma is converted for.",
        _sigma_find,
    ),
    _Row(
        "sigma_without_ours",
        Language.SIGMA,
        "Leave out our attempts",
        "A Sigma filter: it is applied to the rules that it names.",
        _sigma_without_ours,
    ),
    _Row(
        "sigma_misuse",
        Language.SIGMA,
        "Find misuse of our application",
        "The client id from any other address, or for any other kind of sign-in of a user.",
        _sigma_misuse,
    ),
)

BY_LANGUAGE: Final[Mapping[Language, str]] = {
    Language.KQL: "Microsoft Sentinel and Log Analytics (KQL)",
    Language.SIGMA: "Other systems (Sigma)",
}
