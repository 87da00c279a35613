from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from emberwatch.simulator import SecretScenario
from tests.unit.simulator.issuers import Issuer, a_key, published
from tests.unit.simulator.worlds import NOW, SECRET, Answer, Lab, app, lab

ISSUER = Issuer()
STRANGER = Issuer(key=a_key())
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def trusting(*trusted: Any, **changes: Any) -> Lab:
    return lab(apps=[app(secrets=(), federated=trusted or (ISSUER.trust(),), **changes)])


def ask(world: Lab, token: str) -> Answer:
    return world.app_token(client_secret=None, client_assertion=token, client_assertion_type=TYPE)


def test_a_foreign_token_stands_in_for_a_secret_as_often_as_it_is_valid() -> None:
    world, token = trusting(), ISSUER.token(NOW)
    for _ in range(2):
        answer = ask(world, token)
        assert answer.code == 0
    claims = jwt.decode(answer.body["access_token"], options={"verify_signature": False})
    assert claims["appidacr"] == "2"
    assert world.graph("/users", token=answer.body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({}, 0, 200),
        ({"iss": "https://elsewhere.example"}, 700211, 401),
        ({"iss": f"{ISSUER.url}/"}, 700211, 401),
        ({"aud": "api://other"}, 700212, 401),
        ({"aud": ["api://other", "api://AzureADTokenExchange"]}, 0, 200),
        ({"sub": "system:serviceaccount:watch:Worker"}, 700213, 401),
        ({"exp": int(NOW.timestamp()) - 301}, 700024, 401),
        ({"nbf": int(NOW.timestamp()) + 301}, 700024, 401),
        ({"kid": "second"}, 7000272, 401),
    ],
)
def test_what_has_to_be_equal_to_the_letter(changes: dict[str, Any], code: int, status: int) -> None:
    answer = ask(trusting(), ISSUER.token(NOW, **changes))
    assert (answer.code, answer.status) == (code, status)


def test_another_key_under_the_same_name_is_noticed() -> None:
    assert ask(trusting(), STRANGER.token(NOW)).code == 50013
    assert ask(trusting(STRANGER.trust()), STRANGER.token(NOW)).code == 0


def test_an_app_that_trusts_nobody_says_so() -> None:
    assert ask(lab(), ISSUER.token(NOW)).code == 70025


def test_one_of_several_trusts_is_enough() -> None:
    others = (ISSUER.trust(name="a", subject="x"), ISSUER.trust(name="b", issuer="https://b.example"))
    assert ask(trusting(*others, ISSUER.trust()), ISSUER.token(NOW)).code == 0
    assert ask(trusting(*others), ISSUER.token(NOW)).code == 700213


def test_keys_are_fetched_from_the_issuer(tmp_path: Path) -> None:
    with published(tmp_path) as issuer:
        world, token = trusting(issuer.fetched_trust()), issuer.token(NOW)
        assert ask(world, token).code == 0
        untrusted = replace(issuer.fetched_trust(), ca_file="")
        assert ask(trusting(untrusted), token).code == 50166
    assert ask(world, token).code == 50166


def test_an_issuer_without_tls_is_not_asked() -> None:
    plain = replace(ISSUER.trust(jwks={}), issuer="http://127.0.0.1:9")
    answer = ask(trusting(plain), ISSUER.token(NOW, iss="http://127.0.0.1:9"))
    assert (answer.code, answer.body["error"]) == (50166, "invalid_request")


def test_two_secrets_side_by_side_end_one_after_the_other() -> None:
    ends = (NOW + timedelta(days=1), NOW + timedelta(days=2))
    held = tuple(SecretScenario(value=f"{SECRET}{n}", expires=end) for n, end in enumerate(ends))
    world = lab(apps=[app(secrets=held)])

    def codes() -> list[int]:
        return [world.app_token(client_secret=f"{SECRET}{n}").code for n in range(2)]

    assert codes() == [0, 0]
    world.clock.advance(24 * 3600)
    assert codes() == [7000222, 0]
    world.clock.advance(24 * 3600)
    assert codes() == [7000222, 7000222]
    assert world.app_token(client_secret="wrong").code == 7000215


def test_a_secret_that_was_renewed_under_its_old_value_is_valid() -> None:
    held = (
        SecretScenario(value=SECRET, expires=NOW - timedelta(days=1)),
        SecretScenario(value=SECRET, expires=NOW + timedelta(days=1)),
    )
    assert lab(apps=[app(secrets=held)]).app_token().code == 0
