"""Sign-in codes as data: the HTTP status, the OAuth error and a plain message for each code.

A code that is not listed here is answered with the shape of a refused grant, so that a scenario can script
codes that nobody has seen yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Code:
    error: str
    message: str
    status: int = 400
    suberror: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a token was not issued. ``values`` fill the message; ``extra`` joins the reply's body."""

    code: int
    values: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    suberror: str = ""
    status: int | None = None
    extra_codes: tuple[int, ...] = ()


def _client(message: str) -> Code:
    return Code("invalid_client", message, status=401)


def _request(message: str) -> Code:
    return Code("invalid_request", message)


def _grant(message: str, suberror: str = "") -> Code:
    return Code("invalid_grant", message, suberror=suberror)


_UNKNOWN: Final = _grant("The sign-in was refused.")

CODES: Final[Mapping[int, Code]] = {
    # the authority
    90002: _request("Directory '{tenant}' is not known here. Check the directory id and the cloud."),
    90038: _request("Directory '{tenant}' belongs to another national cloud ({cloud})."),
    900432: _request("A confidential client may not cross over to another cloud ({cloud})."),
    900382: _request("A confidential client may not cross over to another cloud ({cloud})."),
    9001023: _request("This grant type needs a directory of its own in the address, not '{tenant}'."),
    50194: _request("Application '{client_id}' is single-tenant; '{tenant}' cannot be used for it."),
    50049: Code("invalid_instance", "The authority is not one of the known instances."),
    # the request
    900561: _request("The token endpoint takes POST requests only."),
    900144: _request("The request body has no parameter '{parameter}'."),
    90014: _request("The credential lacks the field '{parameter}'."),
    901002: _request("The parameter 'resource' is not supported."),
    70003: Code("unsupported_grant_type", "The grant type '{grant_type}' is not supported."),
    70011: Code("invalid_scope", "The scope '{scope}' is not valid."),
    1002012: Code("invalid_scope", "The scope '{scope}' does not end in /.default."),
    500011: Code("invalid_resource", "The resource '{resource}' has no principal in directory '{tenant}'."),
    # the client
    700016: Code("unauthorized_client", "No application '{client_id}' in directory '{tenant}'."),
    700038: Code("unauthorized_client", "'{client_id}' is not an application identifier."),
    7000112: Code("unauthorized_client", "Application '{client_id}' is disabled."),
    7000215: _client("The client secret is wrong; it must be the secret's value, not its id."),
    7000222: _client("The client secrets of '{client_id}' have expired."),
    7000216: _client("The client_credentials grant needs a client secret or a client assertion."),
    7000218: _client("The request body needs 'client_assertion' or 'client_secret'."),
    7000219: _client("The request body needs 'client_assertion' or 'client_secret'."),
    700025: _client("A public client must present neither a secret nor an assertion."),
    700021: _client("Issuer or subject of the client assertion is not the application '{client_id}'."),
    700023: _client("The audience of the client assertion is not this token endpoint."),
    700027: _client("The certificate of the client assertion is not valid for the application: {reason}."),
    700030: _client("The certificate's subject is not authorised for the application."),
    700024: _client("The client assertion is outside its time range."),
    50012: _client("The client could not be authenticated."),
    50013: _client("The client assertion is not valid: {reason}."),
    # a foreign issuer's token in place of a secret
    70025: _client("The application '{client_id}' trusts no foreign issuer."),
    700211: _client("No trusted issuer is '{issuer}'."),
    700212: _client("No trust for this issuer has the audience '{audience}'."),
    700213: _client("No trust for this issuer has the subject '{subject}'."),
    7000272: _client("The key '{key}' is not among the published ones of '{issuer}'."),
    50166: _request("The keys of the foreign issuer could not be fetched."),
    # the user
    50034: _grant("The user account does not exist in directory '{tenant}'.", "bad_token"),
    50059: _request("Nothing in the request or the user name points to a directory."),
    50128: _request("The domain of the user name belongs to no directory."),
    50020: _grant("The account comes from another identity provider and cannot sign in here."),
    500208: _grant("The domain is not a sign-in domain for this type of account."),
    500346: _grant("The guest signs in by a one-time code and has no password."),
    50053: Code("unauthorized_client", "The account is locked, or the sign-in came from a blocked address."),
    50052: _grant("The password is longer than passwords may be."),
    50126: _grant("The user name or the password is wrong."),
    50054: _grant("A previous password was used."),
    50056: _grant("The account has no password in this directory."),
    50057: _grant("The account is disabled."),
    50055: Code("user_password_expired", "The password has expired.", suberror="user_password_expired"),
    50105: _grant("The user is not assigned to application '{client_id}', which requires it."),
    65001: _grant("Neither user nor admin consented to application '{client_id}'.", "consent_required"),
    50076: _grant("A second factor is needed.", "basic_action"),
    50079: _grant("The user must enrol for a second factor.", "basic_action"),
    53003: _grant("Conditional Access blocked the token.", "message_only"),
    50158: _grant("An external security challenge is not satisfied.", "basic_action"),
    # pass-through agents
    80001: _grant("The authentication agent cannot reach its directory."),
    80002: _grant("The authentication agent's password check timed out."),
    80005: _grant("The authentication agent met an unexpected answer."),
    80007: _grant("The authentication agent could not check the password."),
    80010: _grant("The authentication agent could not decrypt the password."),
    80012: _grant("The account may not sign in at this hour."),
    80013: _grant("The authentication agent's clock is off."),
    80014: _grant("The authentication agent answered too late."),
    # the service
    90033: Code("temporarily_unavailable", "A service that is needed is not available.", status=503),
    90055: Code("temporarily_unavailable", "Too many requests came from this directory.", status=429),
}


def lookup(code: int) -> Code:
    """The row of a code; a code without a row has the shape of a refused grant."""
    return CODES.get(code, _UNKNOWN)


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def reason_of(failure: Failure) -> str:
    """The message of a code with its blanks filled."""
    return lookup(failure.code).message.format_map(_Values(failure.values))


def describe(failure: Failure) -> str:
    """``AADSTS50126: …``."""
    return f"AADSTS{failure.code}: {reason_of(failure)}"
