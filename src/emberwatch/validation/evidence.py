"""Evidence: the facts that a verdict rests on, as the JSON that history, pages and the API share. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emberwatch.directories.base import AccountFacts, DirectoryError, Lookup, SignInReply
from emberwatch.validation.budget import AlreadyWrong, Wait
from emberwatch.validation.triage import Decision

SIGN_IN = "one sign-in"
FACTS = "directory facts, no sign-in"
EARLIER_ANSWER = "an earlier answer, no sign-in"
BUDGET = "attempt budget, no sign-in"
NOTHING = "no answer"


def of_decision(decision: Decision) -> dict[str, Any]:
    return {
        "method": FACTS,
        "attempts": 0,
        "rule": decision.rule,
        "because": decision.because,
        "why_not_more_certain": decision.why_not_more_certain,
    }


def of_reply(reply: SignInReply, notes: tuple[str, ...], left: int) -> dict[str, Any]:
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


def account_section(lookup: Lookup) -> dict[str, Any]:
    account = lookup.account
    section: dict[str, Any] = {
        "searched": list(lookup.searched),
        "read_at": lookup.read_at.isoformat(),
        "request_id": lookup.request_id,
    }
    return section | (_described(account) if account else {})


def _described(account: AccountFacts) -> dict[str, Any]:
    changed = account.last_password_change_at
    return {
        "object_id": str(account.object_id),
        "user_principal_name": account.user_principal_name,
        "found_by": account.found_by,
        "enabled": account.enabled,
        "user_type": account.user_type,
        "synced": account.synced,
        "last_password_change_at": changed.isoformat() if changed else "",
    }
