"""App-only tokens for Microsoft Graph, by MSAL over our own HTTP client."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import jwt
import msal

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    ConnectionSettings,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnreachable,
)
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.faults import (
    FAILING,
    THROTTLED,
    TOKEN_FAULTS,
    UNREACHABLE,
    Fault,
    unknown_token_fault,
)
from emberwatch.directories.entra.waits import retry_after

_CODE: Final = re.compile(r"AADSTS(\d+)")


class AppTokens:
    """Gets and keeps the token of our own registration; MSAL caches it until shortly before it expires."""

    def __init__(
        self, cloud: Cloud, settings: ConnectionSettings, client: httpx.Client, clock: Clock
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._client = _TellingClient(client, clock)
        self._app: msal.ConfidentialClientApplication | None = None

    def token(self) -> str:
        """A bearer token. Raises :class:`DirectoryMisconfigured`, :class:`DirectoryBusy` or their base."""
        try:
            answer = self._application().acquire_token_for_client([f"{self._cloud.graph_url}/.default"])
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
        self._application().remove_tokens_for_client()

    def roles(self) -> tuple[str, ...]:
        """The application permissions that somebody consented to, read from our own token."""
        try:
            claims: dict[str, Any] = jwt.decode(self.token(), options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise DirectoryError("Entra ID issued a token that cannot be read.") from None
        return tuple(sorted(str(role) for role in claims.get("roles", [])))

    def _application(self) -> msal.ConfidentialClientApplication:
        if self._app is None:
            self._app = msal.ConfidentialClientApplication(
                str(self._settings.client_id),
                client_credential=self._settings.client_secret.expose(),
                authority=f"{self._cloud.login_url}/{self._settings.entra_tenant_id}",
                # The host is ours to name: asking Microsoft's global cloud about it would leave the premises.
                instance_discovery=False,
                http_client=self._client,
            )
        return self._app


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
