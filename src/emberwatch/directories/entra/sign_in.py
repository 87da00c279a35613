"""The one place that sends a leaked password anywhere: one form post to the directory's token endpoint.

MSAL is never used here: it may hand the password of a federated account to a server of the customer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import httpx

from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, ConnectionSettings, SignInReply
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.codes import ACCEPTED, TABLE_VERSION, Effect, Outcome, Reading, read_codes
from emberwatch.directories.entra.graph import retry_after

# The smallest scope that a password grant accepts; no refresh token can come of it.
SCOPE: Final = "openid"
_MAX_REPLY_BYTES: Final = 64 * 1024

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


def sign_in(
    client: httpx.Client,
    cloud: Cloud,
    settings: ConnectionSettings,
    account: AccountFacts,
    password: Secret,
    request_id: UUID,
    clock: Clock,
) -> SignInReply:
    """Sends the attempt and reads the answer. ``request_id`` is the id under which the directory logs it."""
    request = client.build_request(
        "POST",
        f"{cloud.login_url}/{settings.entra_tenant_id}/oauth2/v2.0/token",
        data={
            "grant_type": "password",
            "client_id": str(settings.client_id),
            "client_secret": settings.client_secret.expose(),
            "username": account.user_principal_name,
            "password": password.expose(),
            "scope": SCOPE,
        },
        headers={"client-request-id": str(request_id), "return-client-request-id": "true"},
    )
    try:
        reply = client.send(request, stream=True)
        try:
            status, body = reply.status_code, _read(reply)
        finally:
            reply.close()
    except httpx.HTTPError as error:
        return _no_answer(type(error).__name__, request_id, clock)
    return _accepted(status, body, request_id, clock) or _refused(reply, body, request_id, clock)


def _read(reply: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in reply.iter_bytes():
        body += chunk
        if len(body) > _MAX_REPLY_BYTES:
            return b""
    return bytes(body)


def _accepted(status: int, body: bytes, request_id: UUID, clock: Clock) -> SignInReply | None:
    # Only the presence of a token is looked at: a captive portal answers 200 too. Its value is never read.
    if status != 200 or b'"token_type"' not in body or b'"access_token"' not in body:
        return None
    return _reply(Reading(ACCEPTED), status, "", request_id, clock, None)


def _refused(reply: httpx.Response, body: bytes, request_id: UUID, clock: Clock) -> SignInReply:
    error = _error_object(reply, body)
    reading = read_codes(_codes(error)) if error else Reading(_not_entra(reply.status_code))
    trace_id = str(error.get("trace_id", ""))[:64]
    return _reply(reading, reply.status_code, trace_id, request_id, clock, retry_after(reply))


def _error_object(reply: httpx.Response, body: bytes) -> Mapping[str, Any]:
    if reply.status_code == 200:
        return {}
    try:
        parsed = httpx.Response(reply.status_code, content=body).json()
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) and "error" in parsed else {}


def _codes(error: Mapping[str, Any]) -> Sequence[int]:
    codes = error.get("error_codes")
    if not isinstance(codes, list):
        return []
    return [code for code in codes if isinstance(code, int) and not isinstance(code, bool)]


def _not_entra(status: int) -> Outcome:
    effect = Effect.RETRY_LATER if status == 429 or status >= 500 else Effect.NONE
    return Outcome(
        f"HTTP {status}",
        "",
        Verdict.INCONCLUSIVE,
        None,
        effect,
        "The answer did not come from the sign-in service.",
    )


def _reply(
    reading: Reading, status: int, trace_id: str, request_id: UUID, clock: Clock, wait: float | None
) -> SignInReply:
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
        answered_at=clock(),
        halts_directory=outcome.effect is Effect.HALT,
        counts_as_failed=not outcome.password_was_right,
        retry_after=wait,
        unknown_codes=reading.unknown_codes,
    )


def _why(outcome: Outcome) -> str:
    if outcome.certainty is Certainty.PROVED:
        return ""
    if outcome.certainty is Certainty.LIKELY:
        return _WHY_LIKELY.get(outcome.verdict, "Microsoft does not document what this code proves.")
    return _WHY_NOTHING.get(outcome.verdict, "This answer says nothing reliable about the password.")


def _no_answer(kind: str, request_id: UUID, clock: Clock) -> SignInReply:
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
        answered_at=clock(),
    )
