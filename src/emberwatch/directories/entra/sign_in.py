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
from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import AccountFacts, DirectoryError, SignInReply
from emberwatch.directories.entra.codes import ACCEPTED, Effect, Outcome, Reading, read_codes
from emberwatch.directories.entra.proofs import Prover
from emberwatch.directories.entra.replies import answered, unanswered, unproved, unsent
from emberwatch.directories.entra.waits import directory_time
from emberwatch.http.waits import retry_after

# The smallest scope that a password grant accepts; no refresh token can come of it.
SCOPE: Final = "openid"
_MAX_REPLY_BYTES: Final = 64 * 1024
_NOT_TEXT: Final = "The leaked value holds bytes that are no text, which no sign-in can carry."
_NOT_TEXT_WHY: Final = "Nothing was sent. The file that it was found in may have been damaged or misread."


def sign_in(
    client: httpx.Client,
    prover: Prover,
    account: AccountFacts,
    password: Secret,
    request_id: UUID,
    clock: Clock,
) -> SignInReply:
    """Sends the attempt and reads the answer. ``request_id`` is the id under which the directory logs it."""
    try:
        proof = prover.form_fields()
    except DirectoryError as error:
        return unproved(error.message, request_id=request_id, at=clock())
    form = proof | {
        "grant_type": "password",
        "client_id": str(prover.client_id),
        "username": account.user_principal_name,
        "password": password.expose(),
        "scope": SCOPE,
    }
    headers = {"client-request-id": str(request_id), "return-client-request-id": "true"}
    try:
        request = client.build_request("POST", prover.audience, data=form, headers=headers)
    except UnicodeError:
        # The error would carry the password: it ends here.
        return unsent(_NOT_TEXT, _NOT_TEXT_WHY, request_id=request_id, at=clock())
    try:
        reply = client.send(request, stream=True)
        try:
            body = _read(reply)
        finally:
            reply.close()
    except httpx.HTTPError as error:
        return unanswered(type(error).__name__, request_id=request_id, at=clock())
    return _accepted(reply, body, request_id, clock) or _refused(reply, body, request_id, clock)


def _read(reply: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in reply.iter_bytes():
        body += chunk
        if len(body) > _MAX_REPLY_BYTES:
            return b""
    return bytes(body)


def _accepted(reply: httpx.Response, body: bytes, request_id: UUID, clock: Clock) -> SignInReply | None:
    # Only the presence of a token is looked at: a captive portal answers 200 too. Its value is never read.
    if reply.status_code != 200 or b'"token_type"' not in body or b'"access_token"' not in body:
        return None
    told = directory_time(reply.headers)
    return answered(Reading(ACCEPTED), 200, request_id=request_id, at=clock(), directory_at=told)


def _refused(reply: httpx.Response, body: bytes, request_id: UUID, clock: Clock) -> SignInReply:
    error = _error_object(reply, body)
    reading = read_codes(_codes(error)) if error else Reading(_not_entra(reply.status_code))
    trace_id, at = str(error.get("trace_id", ""))[:64], clock()
    return answered(
        reading,
        reply.status_code,
        request_id=request_id,
        at=at,
        directory_at=directory_time(reply.headers),
        trace_id=trace_id,
        retry_after=retry_after(reply.headers, at),
    )


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
