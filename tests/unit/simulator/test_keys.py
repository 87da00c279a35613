from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest

from emberwatch.simulator.keys import BadToken, TokenKey
from tests.unit.simulator.worlds import NOW

KEY, OTHER = TokenKey(), TokenKey()
CLAIMS = {"aud": "graph", "oid": "ann"}
AUDIENCES = frozenset({"graph"})
EITHER = pytest.mark.parametrize("issue", [TokenKey.sign, TokenKey.seal])
Issue = Callable[..., str]


@EITHER
def test_our_own_tokens_are_accepted_until_they_end(issue: Issue) -> None:
    token = issue(KEY, CLAIMS, NOW)
    assert KEY.verify(token, audiences=AUDIENCES, now=NOW)["oid"] == "ann"
    with pytest.raises(BadToken, match="expired"):
        KEY.verify(token, audiences=AUDIENCES, now=NOW + timedelta(hours=1))
    with pytest.raises(BadToken, match="audience"):
        KEY.verify(token, audiences=frozenset({"else"}), now=NOW)


@EITHER
def test_tokens_of_another_key_are_not(issue: Issue) -> None:
    token = issue(OTHER, CLAIMS, NOW)
    assert OTHER.verify(token, audiences=AUDIENCES, now=NOW)
    with pytest.raises(BadToken, match="InvalidSignatureError"):
        KEY.verify(token, audiences=AUDIENCES, now=NOW)


@EITHER
def test_a_changed_claim_is_noticed(issue: Issue) -> None:
    head, body, signature = issue(KEY, CLAIMS, NOW).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "oid": "eve"}).encode()).rstrip(b"=").decode()
    assert KEY.verify(f"{head}.{body}.{signature}", audiences=AUDIENCES, now=NOW)
    with pytest.raises(BadToken):
        KEY.verify(f"{head}.{forged}.{signature}", audiences=AUDIENCES, now=NOW)


def test_the_public_key_is_no_shared_secret_and_no_signature_is_none() -> None:
    start = int(NOW.timestamp())
    claims = {**CLAIMS, "nbf": start, "exp": start + 60}
    public = KEY.jwks("")["keys"][0]["n"]
    for token in (jwt.encode(claims, public, "HS256"), jwt.encode(claims, "", "none")):
        with pytest.raises(BadToken):
            KEY.verify(token, audiences=AUDIENCES, now=NOW)
