"""Turns the reading of an answer into the reply that callers get: the verdict and why it is not more certain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import SignInReply
from emberwatch.directories.entra.codes import TABLE_VERSION, Effect, Outcome, Reading

_WHY_LIKELY: Final[Mapping[Verdict, str]] = {
    Verdict.ACTIVE: "Microsoft does not document that assignment is checked after the password.",
    Verdict.ACTIVE_CHALLENGED: "Microsoft does not document that this check comes after the password.",
    Verdict.ACTIVE_EXPIRED: "Microsoft does not document that this check comes after the password.",
    Verdict.ACCOUNT_NOT_FOUND: "The directory's account list names this account, its sign-in service does not.",
    Verdict.ACCOUNT_DISABLED: "The sign-in service says so in words that also cover other states.",
}
_WHY_NOTHING: Final[Mapping[Verdict, str]] = {
    Verdict.LOCKED: "A locked account and a blocked address give the same code, whatever the password.",
    Verdict.NOT_TESTABLE: "The directory does not check this account's password itself.",
}
_NO_ANSWER: Final = "No answer arrived. The directory may have counted the attempt, so it counts as failed."


def answered(
    reading: Reading,
    status: int,
    *,
    request_id: UUID,
    at: datetime,
    directory_at: datetime | None = None,
    trace_id: str = "",
    retry_after: float | None = None,
) -> SignInReply:
    """The reply to an attempt that an answer came back for."""
    outcome = reading.outcome
    return SignInReply(
        verdict=outcome.verdict,
        certainty=outcome.certainty,
        code=f"AADSTS{outcome.code}" if outcome.code.isdigit() and status != 200 else outcome.code,
        code_name=outcome.name,
        meaning=outcome.meaning,
        why_not_more_certain=_why(outcome),
        table_version=TABLE_VERSION,
        http_status=status,
        trace_id=trace_id,
        correlation_id=str(request_id),
        answered_at=at,
        directory_at=directory_at,
        halts_directory=outcome.effect is Effect.HALT,
        counts_as_failed=not outcome.password_was_right,
        retry_after=retry_after,
        unknown_codes=reading.unknown_codes,
    )


def _why(outcome: Outcome) -> str:
    if outcome.certainty is Certainty.PROVED:
        return ""
    if outcome.certainty is Certainty.LIKELY:
        return _WHY_LIKELY.get(outcome.verdict, "Microsoft does not document what this code proves.")
    return _WHY_NOTHING.get(outcome.verdict, "This answer says nothing reliable about the password.")


def unsent(meaning: str, why_not_more_certain: str, *, request_id: UUID, at: datetime) -> SignInReply:
    """The reply for a value that no sign-in can carry: nothing left, so nothing counts."""
    return SignInReply(
        verdict=Verdict.NOT_TESTABLE,
        certainty=None,
        code="",
        code_name="",
        meaning=meaning,
        why_not_more_certain=why_not_more_certain,
        table_version=TABLE_VERSION,
        http_status=None,
        trace_id="",
        correlation_id=str(request_id),
        answered_at=at,
        counts_as_failed=False,
    )


def unproved(meaning: str, *, request_id: UUID, at: datetime) -> SignInReply:
    """The reply when we could not even say who we are: nothing left, and nothing can until somebody mends it."""
    return SignInReply(
        verdict=Verdict.INCONCLUSIVE,
        certainty=None,
        code="",
        code_name="",
        meaning=meaning,
        why_not_more_certain="Nothing was sent, so nothing is known about the password.",
        table_version=TABLE_VERSION,
        http_status=None,
        trace_id="",
        correlation_id=str(request_id),
        answered_at=at,
        halts_directory=True,
        counts_as_failed=False,
    )


def unanswered(kind: str, *, request_id: UUID, at: datetime) -> SignInReply:
    """The reply when nothing came back: the directory may have counted the attempt."""
    return SignInReply(
        verdict=Verdict.INCONCLUSIVE,
        certainty=None,
        code="",
        code_name=kind,
        meaning=_NO_ANSWER,
        why_not_more_certain="Without an answer nothing is known about the password.",
        table_version=TABLE_VERSION,
        http_status=None,
        trace_id="",
        correlation_id=str(request_id),
        answered_at=at,
    )
