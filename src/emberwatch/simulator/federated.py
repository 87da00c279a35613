"""Tokens of another issuer that stand in for a secret: workload identity federation.

Issuer, audience and subject have to equal a registered trust to the letter; only then the issuer's keys are
fetched, and the signature decides.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jwt

from emberwatch.simulator.codes import Failure
from emberwatch.simulator.keys import SIGNATURE_ONLY
from emberwatch.simulator.scenario import FederatedScenario

_ALGORITHMS: Final = ["RS256", "PS256", "ES256"]
_SECONDS: Final = 5.0
_DISCOVERY: Final = "/.well-known/openid-configuration"


class _Unreachable(Exception):
    """The issuer's keys could not be fetched."""


def check_federated(token: str, trusted: Sequence[FederatedScenario], client_id: str) -> Failure | None:
    """Why a foreign token does not speak for the app; None when it does. Its times are checked elsewhere."""
    if not trusted:
        return Failure(70025, {"client_id": client_id})
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Failure(50013, {"reason": "it is not a JWT"})
    match = _matching(trusted, claims)
    return match if isinstance(match, Failure) else _check_signature(token, match)


def _matching(trusted: Sequence[FederatedScenario], claims: Mapping[str, Any]) -> FederatedScenario | Failure:
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    named = claims.get("aud", "")
    audiences = set(named if isinstance(named, list) else [named])
    by_issuer = [each for each in trusted if each.issuer == issuer]
    if not by_issuer:
        return Failure(700211, {"issuer": issuer})
    by_audience = [each for each in by_issuer if audiences.intersection(each.audiences)]
    if not by_audience:
        return Failure(700212, {"audience": ", ".join(sorted(map(str, audiences)))})
    found = next((each for each in by_audience if each.subject == subject), None)
    return found or Failure(700213, {"subject": subject})


def _check_signature(token: str, trusted: FederatedScenario) -> Failure | None:
    try:
        keys = list(_keys(trusted))
    except _Unreachable:
        return Failure(50166)
    named = str(jwt.get_unverified_header(token).get("kid", ""))
    key = next((each for each in keys if each.key_id == named), None)
    if key is None:
        return Failure(7000272, {"key": named, "issuer": trusted.issuer})
    try:
        jwt.decode(token, key, algorithms=_ALGORITHMS, options=SIGNATURE_ONLY)
    except jwt.InvalidTokenError:
        return Failure(50013, {"reason": "the signature does not verify"})
    return None


def _keys(trusted: FederatedScenario) -> Iterator[jwt.PyJWK]:
    document = trusted.jwks or _fetched(trusted)
    try:
        yield from jwt.PyJWKSet.from_dict(dict(document)).keys
    except jwt.PyJWTError:
        raise _Unreachable from None


def _fetched(trusted: FederatedScenario) -> Mapping[str, Any]:
    configuration = _get(f"{trusted.issuer.rstrip('/')}{_DISCOVERY}", trusted.ca_file)
    return _get(str(configuration.get("jwks_uri", "")), trusted.ca_file)


def _get(url: str, ca_file: str) -> Mapping[str, Any]:
    if not url.startswith("https://"):
        raise _Unreachable
    context = ssl.create_default_context(cafile=ca_file or None)
    # A test's issuer stands on this machine: whatever proxy the machine uses has no part in it.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=_SECONDS) as reply:
            document = json.load(reply)
    except (OSError, ValueError):
        raise _Unreachable from None
    if not isinstance(document, dict):
        raise _Unreachable
    return document
