from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from emberwatch.simulator import CertificateScenario, ScenarioError
from emberwatch.simulator.keys import b64url
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, NOW, ORIGIN, Answer, Lab, a_guid, app, lab

ENDPOINT = f"{ORIGIN}/{DIRECTORY_ID}/oauth2/v2.0/token"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 30) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emberwatch")])
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    dated = draft.not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=days))
    return dated.serial_number(x509.random_serial_number()).sign(KEY, hashes.SHA256())


CERTIFICATE = certificate()
DER = CERTIFICATE.public_bytes(Encoding.DER)
SHA256 = {"x5t#S256": b64url(hashlib.sha256(DER).digest())}
SHA1 = {"x5t": b64url(hashlib.sha1(DER, usedforsecurity=False).digest())}


def registered(cert: x509.Certificate = CERTIFICATE, **changes: Any) -> CertificateScenario:
    return CertificateScenario(pem=cert.public_bytes(Encoding.PEM).decode(), **changes)


def with_certificate(entry: CertificateScenario | None = None) -> Lab:
    return lab(apps=[app(secrets=(), certificates=(entry or registered(),))])


def assertion(
    *, key: Any = KEY, headers: Mapping[str, str] = SHA256, algorithm: str = "PS256", **changes: Any
) -> str:
    start = int(NOW.timestamp())
    claims = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": ENDPOINT,
        "jti": a_guid(),
        "nbf": start,
        "exp": start + 600,
        **changes,
    }
    return jwt.encode(claims, key, algorithm, headers=dict(headers))


def ask(world: Lab, token: str, **changes: str) -> Answer:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    fields = {"client_assertion": token, "client_assertion_type": kind, **changes}
    return world.app_token(client_secret=None, **fields)


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [(SHA256, "PS256"), (SHA256, "RS256"), (SHA1, "RS256"), ({"x5t": SHA1["x5t"] + "="}, "RS256")],
)
def test_a_signed_assertion_is_accepted(headers: Mapping[str, str], algorithm: str) -> None:
    answer = ask(with_certificate(), assertion(headers=headers, algorithm=algorithm))
    assert answer.code == 0
    claims = jwt.decode(answer.body["access_token"], options={"verify_signature": False})
    assert claims["appidacr"] == "2"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": OTHER_KEY}, 700027),
        ({"headers": {"x5t": "unknown"}}, 700027),
        ({"headers": {}}, 700027),
        ({"aud": f"{ORIGIN}/elsewhere/oauth2/v2.0/token"}, 700023),
        ({"iss": a_guid()}, 700021),
        ({"sub": a_guid()}, 700021),
        ({"jti": None}, 50013),
        ({"exp": "soon"}, 700024),
        ({"exp": int(NOW.timestamp()) - 301}, 700024),
        ({"nbf": int(NOW.timestamp()) + 301}, 700024),
        # Five minutes of clock difference are forgiven.
        ({"exp": int(NOW.timestamp()) - 299}, 0),
    ],
)
def test_assertions_at_fault(changes: dict[str, Any], code: int) -> None:
    answer = ask(with_certificate(), assertion(**changes))
    assert answer.code == code
    assert answer.status == (401 if code else 200)


def test_an_assertion_works_once() -> None:
    world, token = with_certificate(), assertion()
    assert [ask(world, token).code for _ in range(2)] == [0, 50013]
    assert ask(world, assertion()).code == 0


def test_an_assertion_after_the_clock_moved_is_out_of_time() -> None:
    world, token = with_certificate(), assertion()
    world.clock.advance(3600)
    assert ask(world, token).code == 700024


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (registered(answer=700030), 700030),
        (registered(), 0),
    ],
)
def test_a_certificate_may_have_an_answer_of_its_own(entry: CertificateScenario, code: int) -> None:
    assert ask(with_certificate(entry), assertion()).code == code


def test_an_expired_certificate_is_not_accepted() -> None:
    old = certificate(days=-1)
    thumbprint = {"x5t#S256": b64url(hashlib.sha256(old.public_bytes(Encoding.DER)).digest())}
    refused = ask(with_certificate(registered(old)), assertion(headers=thumbprint))
    assert refused.code == 700027
    assert "has expired" in refused.body["error_description"]


def test_an_old_and_a_new_certificate_side_by_side() -> None:
    new = certificate(days=60)
    world = lab(apps=[app(certificates=(registered(), registered(new)))])
    thumbprint = {"x5t#S256": b64url(hashlib.sha256(new.public_bytes(Encoding.DER)).digest())}
    for headers in (SHA256, thumbprint):
        assert ask(world, assertion(headers=headers)).code == 0
    world.clock.advance(31 * 24 * 3600)
    later: Any = {"nbf": int(world.clock().timestamp()), "exp": int(world.clock().timestamp()) + 60}
    codes = [ask(world, assertion(headers=headers, **later)).code for headers in (SHA256, thumbprint)]
    assert codes == [700027, 0]


@pytest.mark.parametrize("changes", [{"client_assertion": "not a token"}, {"client_assertion_type": "saml"}])
def test_what_is_no_assertion(changes: dict[str, str]) -> None:
    assert ask(with_certificate(), assertion(), **changes).code == 50013


def test_a_certificate_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(ScenarioError, match="pem cannot be read"):
        with_certificate(CertificateScenario(pem="rubbish"))
