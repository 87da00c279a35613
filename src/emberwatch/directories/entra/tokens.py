"""App-only tokens for Microsoft Graph, by MSAL over our own HTTP client."""

from __future__ import annotations

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final
from uuid import UUID

import httpx
import jwt
import msal

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    AppKey,
    ConnectionSettings,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnreachable,
)
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.faults import (
    FAILING,
    NO_FEDERATED_TOKEN,
    NO_KEY,
    THROTTLED,
    TOKEN_FAULTS,
    UNREACHABLE,
    Fault,
    is_about_the_key,
    unknown_token_fault,
)
from emberwatch.directories.entra.proofs import Prover
from emberwatch.http.waits import retry_after

_CODE: Final = re.compile(r"AADSTS(\d+)")


class AppTokens:
    """Gets and keeps the token of our own registration; MSAL caches it until shortly before it expires.

    The keys are tried in their order. One that Entra ID refuses makes way for the next, for as long as this object
    lives: a key that ended in the middle of a rotation stops nothing.
    """

    def __init__(
        self, cloud: Cloud, settings: ConnectionSettings, client: httpx.Client, clock: Clock
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._client = _TellingClient(client, clock)
        self._clock = clock
        self._apps: dict[int, msal.ConfidentialClientApplication] = {}
        self._provers = [self._prover(key) for key in settings.keys]
        self._place = 0
        self._moving = Lock()

    @property
    def prover(self) -> Prover:
        """The key in use; one whose end has passed is left behind."""
        if not self._provers:
            raise DirectoryMisconfigured(NO_KEY.sentence, remedy=NO_KEY.remedy)
        while True:
            prover = self._provers[self._place]
            if not self._has_ended(prover) or not self.leave(prover):
                return prover

    def leave(self, prover: Prover) -> bool:
        """Goes on to the key after this one; false when there is none."""
        with self._moving:
            place = self._provers.index(prover)
            if place + 1 >= len(self._provers):
                return False
            # Another thread may have gone on already.
            self._place = max(self._place, place + 1)
            return True

    def token(self) -> str:
        """A bearer token. Raises :class:`DirectoryMisconfigured`, :class:`DirectoryBusy` or their base."""
        first: DirectoryError | None = None
        while True:
            prover = self.prover
            try:
                return self.token_with(prover)
            except DirectoryMisconfigured as error:
                first = first or error
                if not is_key_error(error) or not self.leave(prover):
                    self._place = 0
                    raise first from None

    def token_with(self, prover: Prover) -> str:
        """A bearer token got with this key and no other."""
        try:
            answer = self._application(prover).acquire_token_for_client([f"{self._cloud.graph_url}/.default"])
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        except (ValueError, KeyError, RuntimeError) as error:
            # Discovery failed: MSAL hides the directory's own answer one exception below.
            raise _token_error(_codes_in(f"{error} {error.__context__}")) from None
        if "access_token" not in answer:
            codes = answer.get("error_codes") or _codes_in(str(answer.get("error_description", "")))
            raise _token_error([int(code) for code in codes])
        return str(answer["access_token"])

    def forget(self) -> None:
        """Drops the kept token, so that the next read gets a fresh one."""
        self._application(self.prover).remove_tokens_for_client()

    def roles(self) -> tuple[str, ...]:
        """The application permissions that somebody consented to, read from our own token."""
        try:
            claims: dict[str, Any] = jwt.decode(self.token(), options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise DirectoryError("Entra ID issued a token that cannot be read.") from None
        return tuple(sorted(str(role) for role in claims.get("roles", [])))

    @property
    def provers(self) -> Sequence[Prover]:
        return self._provers

    def _prover(self, key: AppKey) -> Prover:
        audience = token_url(self._cloud, self._settings.entra_tenant_id)
        return Prover(key, self._settings.client_id, audience, self._clock)

    def _has_ended(self, prover: Prover) -> bool:
        ends_at = prover.key.ends_at
        return ends_at is not None and ends_at <= self._clock()

    def _application(self, prover: Prover) -> msal.ConfidentialClientApplication:
        place = self._provers.index(prover)
        if place not in self._apps:
            self._apps[place] = msal.ConfidentialClientApplication(
                str(self._settings.client_id),
                client_credential=prover.msal_credential(),
                authority=f"{self._cloud.login_url}/{self._settings.entra_tenant_id}",
                # The host is ours to name: asking Microsoft's global cloud about it would leave the premises.
                instance_discovery=False,
                http_client=self._client,
            )
        return self._apps[place]


def token_url(cloud: Cloud, entra_tenant_id: UUID) -> str:
    return f"{cloud.login_url}/{entra_tenant_id}/oauth2/v2.0/token"


def is_key_error(error: DirectoryError) -> bool:
    """Whether one key alone is at fault, so that another one may do."""
    return is_about_the_key(error.code) or error.message == NO_FEDERATED_TOKEN.sentence


class _TellingClient:
    """What MSAL sends through: an answer that asks us to wait becomes an error here, since MSAL would drop the wait."""

    def __init__(self, client: httpx.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self._checked(self._client.get(url, **options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self._checked(self._client.post(url, **options))

    def close(self) -> None:
        """The client belongs to the adapter, which closes it."""

    def _checked(self, reply: httpx.Response) -> httpx.Response:
        codes = _codes_in(reply.text) if reply.is_error else []
        # A fault of ours stays one, whatever else the answer says.
        ours = any(TOKEN_FAULTS.get(code, THROTTLED) is not THROTTLED for code in codes)
        asks_to_wait = reply.is_error and "Retry-After" in reply.headers and not ours
        if not asks_to_wait and not is_busy(reply.status_code):
            return reply
        raise busy(
            reply.status_code,
            code=f"AADSTS{codes[0]}" if codes else "",
            wait=retry_after(reply.headers, self._clock()),
        )


def is_busy(status: int) -> bool:
    """Whether a status says "not now": throttled, or the service's own failure."""
    return status == 429 or (status >= 500 and status != 501)


def busy(status: int, *, wait: float | None, code: str = "") -> DirectoryBusy:
    fault = FAILING if status >= 500 else THROTTLED
    return DirectoryBusy(fault.sentence, remedy=fault.remedy, code=code or str(status), retry_after=wait)


def unreachable(error: httpx.HTTPError) -> DirectoryUnreachable:
    return DirectoryUnreachable(
        f"{UNREACHABLE.sentence} ({_kind(error)})", remedy=UNREACHABLE.remedy, code=type(error).__name__
    )


def _kind(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no reply in time"
    text = str(error)
    return "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in text else "no connection"


def _codes_in(text: str) -> list[int]:
    return [int(code) for code in _CODE.findall(text)]


def _token_error(codes: list[int]) -> DirectoryError:
    code = next((code for code in codes if code in TOKEN_FAULTS), codes[0] if codes else None)
    fault: Fault = TOKEN_FAULTS.get(code or 0) or unknown_token_fault(code)
    kind = DirectoryBusy if fault is THROTTLED else DirectoryMisconfigured
    return kind(fault.sentence, remedy=fault.remedy, code=f"AADSTS{code}" if code else "")
