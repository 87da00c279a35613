"""Evidence: the facts that a verdict rests on, as the JSON that history, pages and the API share. Pure.

Every entry has ``method``, ``attempts``, ``because`` and ``why_not_more_certain``; the rule or the table of codes
that decided, with its version; and ``facts``, each with its value, its source, the time at which the source said
so, and the source's own id for that answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, DirectoryError, Lookup, SignInReply
from emberwatch.validation.budget import AlreadyWrong, Wait
from emberwatch.validation.policy import Hybrid
from emberwatch.validation.triage import RULES_VERSION, rule_named
from emberwatch.validation.triage_facts import CredentialFacts, Decision, Facts, SiblingFacts, domain_of

SIGN_IN = "one sign-in"
FACTS = "directory facts, no sign-in"
EARLIER_ANSWER = "an earlier answer, no sign-in"
BUDGET = "attempt budget, no sign-in"
NOTHING = "no answer"
WITHDRAWN = "withdrawn"
OPERATOR = "the operator's choice, no sign-in"


def of_decision(decision: Decision) -> dict[str, Any]:
    rule = rule_named(decision.rule)
    return {
        "method": FACTS,
        "attempts": 0,
        "rule": decision.rule,
        "rule_limits": rule.limits if rule else "",
        "rules_version": RULES_VERSION,
        "because": decision.because,
        "why_not_more_certain": decision.why_not_more_certain,
    }


def of_reply(reply: SignInReply, notes: tuple[str, ...], left: int) -> dict[str, Any]:
    """``left``: failed attempts that the account's budget still holds."""
    return {
        "method": SIGN_IN,
        "attempts": 1,
        "because": reply.meaning,
        "code": reply.code,
        "code_name": reply.code_name,
        "http_status": reply.http_status,
        "trace_id": reply.trace_id,
        "correlation_id": reply.correlation_id,
        "answered_at": reply.answered_at.isoformat(),
        "table_version": reply.table_version,
        "unknown_codes": list(reply.unknown_codes),
        "why_not_more_certain": reply.why_not_more_certain,
        "notes": list(notes),
        "attempts_left": left,
    }


def of_wait(wait: Wait) -> dict[str, Any]:
    return {
        "method": BUDGET,
        "attempts": 0,
        "because": wait.why,
        "next_slot_at": wait.until.isoformat() if wait.until else "",
        "why_not_more_certain": "Nothing was sent, so nothing is known about the password.",
    }


def of_earlier_answer(earlier: AlreadyWrong) -> dict[str, Any]:
    return {
        "method": EARLIER_ANSWER,
        "attempts": 0,
        "because": f"The directory answered on {earlier.at:%Y-%m-%d %H:%M} UTC that this password is wrong, and the "
        "account's password has not been changed since. A wrong password is never sent twice.",
        "earlier_attempt": earlier.attempt_id,
        "why_not_more_certain": "",
    }


def of_error(error: DirectoryError) -> dict[str, Any]:
    return {
        "method": NOTHING,
        "attempts": 0,
        "because": str(error),
        "code": error.code,
        "why_not_more_certain": "Without the directory's answer nothing is known.",
    }


def of_lost_attempt(reserved_at: datetime, request_id: str) -> dict[str, Any]:
    return {
        "method": NOTHING,
        "attempts": 1,
        "because": f"One sign-in was reserved on {reserved_at:%Y-%m-%d %H:%M:%S} UTC and the worker died before its "
        "answer was written down. It may have been sent, so it counts as failed and is not sent again.",
        "correlation_id": request_id,
        "why_not_more_certain": "The directory's sign-in log may hold the answer, under this correlation id.",
    }


def of_supersession(sibling: SiblingFacts) -> dict[str, Any]:
    """For the other leaked passwords of an account, in the moment in which one was confirmed."""
    because = (
        f"The directory accepted another leaked password of this account on {sibling.confirmed_at:%Y-%m-%d %H:%M} "
        f"UTC (credential {sibling.credential_id})."
    )
    decision = Decision("another password was confirmed", Verdict.SUPERSEDED, Certainty.PROVED, because)
    return of_decision(decision)


def of_withdrawal(before: str, changed_at: datetime) -> dict[str, Any]:
    """A verdict about a password that is no longer the account's."""
    return {
        "method": WITHDRAWN,
        "attempts": 0,
        "rules_version": RULES_VERSION,
        "because": f"The account's password was changed on {changed_at:%Y-%m-%d %H:%M} UTC, so the verdict "
        f"“{before}” no longer says anything about today.",
        "why_not_more_certain": "It is looked at again with the next validation.",
    }


def of_lost_ground(before: str) -> dict[str, Any]:
    """The facts that a verdict rested on do not hold any more."""
    return {
        "method": WITHDRAWN,
        "attempts": 0,
        "rules_version": RULES_VERSION,
        "because": f"The facts behind the verdict “{before}” no longer hold.",
        "why_not_more_certain": "Only a sign-in can tell now.",
    }


def of_choice(because: str) -> dict[str, Any]:
    """The operator has chosen that nothing is sent here."""
    return {
        "method": OPERATOR,
        "attempts": 0,
        "because": because,
        "why_not_more_certain": "The facts leave the question open, and no sign-in was sent.",
    }


def of_stopped_directory(sentence: str) -> dict[str, Any]:
    return {
        "method": NOTHING,
        "attempts": 0,
        "because": f"The directory connection is stopped: {sentence}",
        "why_not_more_certain": "Nothing was read and nothing was sent.",
    }


def of_internal_error(kind: str) -> dict[str, Any]:
    return {
        "method": NOTHING,
        "attempts": 0,
        "because": f"Emberwatch failed ({kind}); the log holds the details.",
        "why_not_more_certain": "Nothing is known about the password.",
    }


def account_section(facts: Facts) -> dict[str, Any]:
    """The account as the directory described it, and all facts in one list."""
    section: dict[str, Any] = {"facts": list(_facts(facts))}
    lookup = facts.lookup
    if lookup is None:
        return section
    account: dict[str, Any] = {
        "searched": list(lookup.searched),
        "read_at": lookup.read_at.isoformat(),
        "request_id": lookup.request_id,
    }
    if lookup.account:
        account |= _described(lookup.account)
    return section | {"account": account}


def _described(account: AccountFacts) -> dict[str, Any]:
    return {
        "object_id": str(account.object_id),
        "user_principal_name": account.user_principal_name,
        "found_by": account.found_by,
        "enabled": account.enabled,
        "user_type": account.user_type,
        "synced": account.synced,
        "last_password_change_at": _when(account.last_password_change_at),
    }


def _facts(facts: Facts) -> Iterator[dict[str, Any]]:
    yield from _leak_facts(facts.credential)
    if facts.lookup is not None:
        yield from _directory_facts(facts, facts.lookup)
    if facts.memberships is not None:
        names = [membership.name for membership in facts.memberships.memberships if membership.privileged]
        value = ", ".join(names) or "none"
        yield _fact(
            "Privileged roles and groups",
            value,
            "Microsoft Graph, transitiveMemberOf",
            facts.memberships.read_at,
            facts.memberships.request_id,
        )
    if facts.leak_detection is not None:
        found = facts.leak_detection
        yield _fact(
            "Microsoft's detection of a leaked password",
            "leakedCredentials",
            "Microsoft Graph, riskDetections",
            found.detected_at,
            found.detection_id,
        )


def _leak_facts(credential: CredentialFacts) -> Iterator[dict[str, Any]]:
    if credential.leaked_at is not None:
        value = f"{credential.leaked_at.isoformat()} ({credential.leak_date.words})"
        yield _fact("Date of the leak", value, "the leak", credential.leaked_at)
    sibling = credential.confirmed_sibling
    if sibling is not None:
        yield _fact(
            "Confirmed password of the account",
            f"credential {sibling.credential_id}",
            "an earlier sign-in",
            sibling.confirmed_at,
        )


def _directory_facts(facts: Facts, lookup: Lookup) -> Iterator[dict[str, Any]]:
    source, at, request = "Microsoft Graph, users", lookup.read_at, lookup.request_id
    account = lookup.account
    for each in lookup.candidates:
        value = f"{each.user_principal_name} ({each.object_id}), by {each.found_by}"
        yield _fact("May be the account", value, source, each.read_at, request)
    if lookup.candidates:
        return
    if account is None:
        yield _fact("Account", "not found", source, at, request)
        if lookup.deleted_at is not None:
            yield _fact(
                "Deleted", lookup.deleted_at.isoformat(), "Microsoft Graph, deletedItems", at, request
            )
        return
    yield _fact("Account", str(account.object_id), source, at, request)
    yield _fact("Enabled", _yes_or_no(account.enabled), source, at, request)
    yield _fact("Type", account.user_type or "not said", source, at, request)
    yield _fact("Synced from on premises", _yes_or_no(account.synced), source, at, request)
    changed = _when(account.last_password_change_at) or "not said"
    yield _fact("Password last changed", changed, source, at, request)
    domain = domain_of(account.user_principal_name.rpartition("@")[2], facts.domains)
    if domain is not None:
        yield _fact(f"Sign-ins of {domain.name}", domain.authentication.value, "Microsoft Graph, domains", at)
    if account.synced:
        hybrid = facts.statement.hybrid
        said = "nobody has stated it" if hybrid is Hybrid.UNSTATED else hybrid.label
        yield _fact("Where synced passwords are checked", said, "the operator", at)


def _fact(name: str, value: str, source: str, at: datetime, request_id: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "source": source, "at": at.isoformat(), "request_id": request_id}


def _yes_or_no(value: bool | None) -> str:
    return "not said" if value is None else "yes" if value else "no"


def _when(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
