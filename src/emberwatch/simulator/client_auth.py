"""Which app asks, and can it prove it: client id, secret, certificate assertion or a foreign issuer's token."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import jwt

from emberwatch.simulator.apps import AppState
from emberwatch.simulator.certificates import Certificate
from emberwatch.simulator.codes import Failure
from emberwatch.simulator.federated import check_federated
from emberwatch.simulator.scenario import is_guid
from emberwatch.simulator.state import DirectoryState

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ZERO_ID: Final = "00000000-0000-0000-0000-000000000000"
_SKEW_SECONDS: Final = 300
_NO_CREDENTIAL: Final[Mapping[str, int]] = {"client_credentials": 7000216, "password": 7000218}

Form = Mapping[str, str]


def find_app(directory: DirectoryState, client_id: str) -> AppState | Failure:
    """The app of a client id, or why there is none."""
    values = {"client_id": client_id, "tenant": directory.id}
    if not is_guid(client_id) or client_id == _ZERO_ID:
        return Failure(700038, values)
    app = directory.apps.get(client_id.lower())
    if app is None:
        return Failure(700016, values)
    return Failure(7000112, values) if app.scenario.disabled else app


def authenticate(app: AppState, directory: DirectoryState, form: Form, audiences: set[str]) -> Failure | None:
    """Why the app's proof of itself is refused; None when it is accepted."""
    given = form.get("client_secret") or form.get("client_assertion")
    if app.scenario.public_client:
        return Failure(700025) if given else None
    if not given:
        return Failure(_NO_CREDENTIAL[form["grant_type"]])
    if form.get("client_assertion"):
        return _check_assertion(app, directory, form, audiences)
    return _check_secret(app, directory, form["client_secret"])


def _check_secret(app: AppState, directory: DirectoryState, value: str) -> Failure | None:
    digest = directory.world.hash(app.scenario.client_id, value)
    matches = [s for s in app.secrets if hmac.compare_digest(s.digest, digest)]
    if not matches:
        return Failure(7000215)
    valid = any(secret.is_valid(directory.world.clock()) for secret in matches)
    return None if valid else Failure(7000222, {"client_id": app.scenario.client_id})


def _check_assertion(
    app: AppState, directory: DirectoryState, form: Form, audiences: set[str]
) -> Failure | None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        return Failure(50013, {"reason": "the assertion type is not jwt-bearer"})
    token, now = form["client_assertion"], directory.world.clock()
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Failure(50013, {"reason": "it is not a JWT"})
    if _is_foreign(claims):
        fault = check_federated(token, app.scenario.federated, app.scenario.client_id)
        return fault or _outside_its_time(claims, now.timestamp())
    return _check_own(app, token, header, now) or next(_claim_faults(claims, app, audiences, now), None)


def _is_foreign(claims: Mapping[str, Any]) -> bool:
    """An app signs under its own id; an issuer that is named by an address is somebody else."""
    return "://" in str(claims.get("iss", ""))


def _check_own(app: AppState, token: str, header: Mapping[str, Any], now: datetime) -> Failure | None:
    # Some clients pad the thumbprint and some do not.
    named = {str(header.get(name, "")).rstrip("=") for name in ("x5t", "x5t#S256")} - {""}
    certificate = next((each for each in app.certificates if each.thumbprints & named), None)
    reason = _certificate_fault(certificate, token, now)
    if reason:
        return Failure(700027, {"reason": reason})
    if certificate is not None and certificate.answer is not None:
        return Failure(certificate.answer, {"client_id": app.scenario.client_id})
    return None


def _certificate_fault(certificate: Certificate | None, token: str, now: datetime) -> str:
    if certificate is None:
        return "the key was not found"
    if not certificate.is_valid(now):
        return "the certificate has expired or is not valid yet"
    return "" if certificate.verifies(token) else "the key was found, but the signature does not verify"


def _claim_faults(
    claims: Mapping[str, Any], app: AppState, audiences: set[str], now: datetime
) -> Iterator[Failure]:
    named = {str(claims.get("iss")).lower(), str(claims.get("sub")).lower()}
    if named != {app.scenario.client_id.lower()}:
        yield Failure(700021, {"client_id": app.scenario.client_id})
    if claims.get("aud") not in audiences:
        yield Failure(700023)
    outside = _outside_its_time(claims, now.timestamp())
    if outside:
        yield outside
    if not _first_use(app, claims.get("jti"), _seconds(claims.get("exp")), now.timestamp()):
        yield Failure(50013, {"reason": "its id is missing or was used before"})


def _outside_its_time(claims: Mapping[str, Any], now: float) -> Failure | None:
    end, begin = _seconds(claims.get("exp")), _seconds(claims.get("nbf", claims.get("iat", 0)))
    inside = begin - _SKEW_SECONDS <= now < end + _SKEW_SECONDS
    return None if inside else Failure(700024)


def _seconds(claim: object) -> float:
    return float(claim) if isinstance(claim, int | float) else 0.0


def _first_use(app: AppState, jti: object, end: float, now: float) -> bool:
    for old in [key for key, until in app.used_assertions.items() if until + _SKEW_SECONDS < now]:
        del app.used_assertions[old]
    if not isinstance(jti, str) or jti in app.used_assertions:
        return False
    app.used_assertions[jti] = end
    return True
