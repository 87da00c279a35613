"""The application proves who it is: for its own token and for sign-ins, with each kind of key and with two of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import (
    AccountFacts,
    AppKey,
    ClientCertificate,
    ClientSecret,
    ConnectionSettings,
    DirectoryMisconfigured,
    FederatedToken,
    Proof,
    SignInReply,
)
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.certificates import read_certificate
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.tokens import token_url
from emberwatch.simulator import CertificateScenario, SecretScenario, SimClock
from tests.simulated import InProcessEntra
from tests.unit.directories.desk import Desk, collection
from tests.unit.directories.keys import Keys, make_keys, rsa_key
from tests.unit.simulator.issuers import Issuer
from tests.unit.simulator.worlds import (
    CLIENT_ID,
    DIRECTORY_ID,
    PASSWORD,
    SECRET,
    UPN,
    app,
    directory,
    scenario,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
KEYS = make_keys(now=NOW)
GOOD_SECRET = ClientSecret(Secret(SECRET))
WRONG_SECRET = ClientSecret(Secret("Wrong~secret-value-of-the-application.00"))


def certificate(keys: Keys = KEYS) -> ClientCertificate:
    return ClientCertificate(read_certificate(keys.pfx(), Secret(""), NOW).pem)


class Place:
    """A simulated directory whose application has a secret and a certificate, and what reached it."""

    def __init__(self, *, secrets: tuple[str, ...] = (SECRET,), keys: tuple[Keys, ...] = (KEYS,)) -> None:
        ours = app(
            secrets=tuple(SecretScenario(value=value) for value in secrets),
            certificates=tuple(CertificateScenario(pem=each.public_pem) for each in keys),
        )
        self.entra = InProcessEntra(scenario(directory(apps=(ours,))), SimClock(NOW, frozen=True))
        self.posted: list[dict[str, str]] = []

    def connect(self, *keys: AppKey | Proof) -> EntraDirectory:
        tried = tuple(key if isinstance(key, AppKey) else AppKey(key) for key in keys)
        cloud = Cloud("test", "Test", self.entra.url, self.entra.graph_url, self.entra.portal_url)
        settings = ConnectionSettings("test", UUID(DIRECTORY_ID), UUID(CLIENT_ID), tried)
        transport = self.entra.transport(before=self._note)
        return EntraDirectory(
            cloud, settings, httpx.Client(transport=transport, trust_env=False), self.entra.clock
        )

    def _note(self, request: httpx.Request) -> None:
        if request.method == "POST":
            form = parse_qs(request.read().decode())
            self.posted.append({name: values[0] for name, values in form.items()})


def account(directory: EntraDirectory) -> AccountFacts:
    found = directory.find_account(UPN).account
    assert found is not None
    return found


def sign_in(directory: EntraDirectory, password: str = PASSWORD) -> SignInReply:
    return directory.sign_in(account(directory), Secret(password), uuid4())


@pytest.mark.parametrize("proof", [GOOD_SECRET, certificate()], ids=["secret", "certificate"])
def test_reads_and_sign_ins_work_with_each_kind(proof: Proof) -> None:
    place = Place()
    connected = place.connect(proof)
    assert sign_in(connected).verdict is Verdict.ACTIVE
    assert sign_in(connected, "Wrong-1").verdict is Verdict.INACTIVE
    app_token, right, wrong = place.posted
    assert (app_token["grant_type"], right["grant_type"]) == ("client_credentials", "password")
    is_secret = isinstance(proof, ClientSecret)
    for form in place.posted:
        assert ("client_secret" in form) is is_secret
        assert ("client_assertion" in form) is not is_secret
    if not is_secret:
        assert len({form["client_assertion"] for form in (app_token, right, wrong)}) == 3


def test_an_assertion_says_what_it_must_and_nothing_more() -> None:
    place = Place()
    sign_in(place.connect(certificate()))
    told = place.posted[-1]["client_assertion"]
    cloud = Cloud("test", "Test", place.entra.url, place.entra.graph_url, "")
    claims = jwt.decode(
        told,
        KEYS.key.public_key(),
        algorithms=["PS256"],
        audience=token_url(cloud, UUID(DIRECTORY_ID)),
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert set(claims) == {"aud", "iss", "sub", "jti", "iat", "nbf", "exp"}
    assert claims["iss"] == claims["sub"] == CLIENT_ID
    assert claims["exp"] - NOW.timestamp() == 600
    assert PASSWORD not in told


def test_a_token_that_has_ended_is_asked_for_with_a_fresh_assertion() -> None:
    place = Place()
    connected = place.connect(certificate())
    connected.find_account(UPN)
    place.entra.clock.advance(2 * 3600)
    connected.find_account(UPN)
    assert len({form["client_assertion"] for form in place.posted}) == 2


def test_a_certificate_that_is_not_registered_is_refused() -> None:
    other = make_keys(key=rsa_key(2048, 1), now=NOW)
    with pytest.raises(DirectoryMisconfigured, match="certificate or signature") as caught:
        Place().connect(certificate(other)).find_account(UPN)
    assert caught.value.code == "AADSTS700027"


@pytest.mark.parametrize(
    ("first", "second", "registered"),
    [
        (WRONG_SECRET, GOOD_SECRET, ()),
        (WRONG_SECRET, certificate(), (KEYS,)),
        (certificate(), GOOD_SECRET, ()),
    ],
)
def test_the_next_key_takes_over_when_one_is_refused(
    first: Proof, second: Proof, registered: tuple[Keys, ...]
) -> None:
    place = Place(keys=registered)
    connected = place.connect(first, second)
    assert sign_in(connected).verdict is Verdict.ACTIVE
    # The one that was refused is not tried again.
    place.posted.clear()
    place.entra.clock.advance(2 * 3600)
    sign_in(connected)
    assert len(place.posted) == 2


def test_when_no_key_works_the_first_ones_fault_is_told() -> None:
    connected = Place().connect(WRONG_SECRET, certificate(make_keys(key=rsa_key(2048, 1), now=NOW)))
    for _ in range(2):
        with pytest.raises(DirectoryMisconfigured) as caught:
            connected.find_account(UPN)
        assert caught.value.code == "AADSTS7000215"


def test_a_fault_that_is_not_the_keys_is_not_tried_with_another() -> None:
    place = Place()
    place.entra.directory(DIRECTORY_ID).put_app(app(disabled=True))
    with pytest.raises(DirectoryMisconfigured, match="disabled"):
        place.connect(GOOD_SECRET, certificate()).find_account(UPN)
    assert len(place.posted) == 1


def test_a_key_that_ended_is_left_before_it_is_refused() -> None:
    place = Place()
    ended = AppKey(WRONG_SECRET, ends_at=NOW - timedelta(seconds=1))
    assert sign_in(place.connect(ended, certificate())).verdict is Verdict.ACTIVE
    assert all("client_secret" not in form for form in place.posted)


def test_a_key_that_is_taken_away_between_two_sign_ins_stops_nothing() -> None:
    place = Place()
    connected = place.connect(GOOD_SECRET, certificate())
    known = account(connected)
    place.entra.directory(DIRECTORY_ID).put_app(
        app(secrets=(), certificates=(CertificateScenario(pem=KEYS.public_pem),))
    )
    refused = connected.sign_in(known, Secret(PASSWORD), uuid4())
    assert (refused.verdict, refused.halts_directory) == (Verdict.INCONCLUSIVE, False)
    assert connected.sign_in(known, Secret(PASSWORD), uuid4()).verdict is Verdict.ACTIVE


def test_the_only_key_that_is_taken_away_stops_the_directory() -> None:
    place = Place()
    connected = place.connect(GOOD_SECRET)
    known = account(connected)
    place.entra.directory(DIRECTORY_ID).put_app(
        app(secrets=(), certificates=(CertificateScenario(pem=KEYS.public_pem),))
    )
    refused = connected.sign_in(known, Secret(PASSWORD), uuid4())
    assert (refused.verdict, refused.halts_directory) == (Verdict.INCONCLUSIVE, True)


def test_a_federated_token_is_read_anew_for_every_request(tmp_path: Path) -> None:
    token, sent = tmp_path / "token", list[dict[str, str]]()
    desk = Desk(lambda asked: collection())

    def note(request: httpx.Request) -> None:
        if request.method == "POST":
            sent.append({name: values[0] for name, values in parse_qs(request.read().decode()).items()})

    connected = desk.directory(AppKey(FederatedToken(token)), on_request=note)
    known = _anybody()
    for text in ("first.of.platform", "second.of.platform"):
        token.write_text(text + "\n")
        connected.sign_in(known, Secret("x"), uuid4())
    assert [form["client_assertion"] for form in sent] == ["first.of.platform", "second.of.platform"]
    assert all("client_secret" not in form for form in sent)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_without_the_platforms_token_nothing_is_sent(tmp_path: Path, content: bytes | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    place = Place()
    connected = place.connect(FederatedToken(token))
    with pytest.raises(DirectoryMisconfigured, match="federated token cannot be read"):
        connected.find_account(UPN)
    reply = connected.sign_in(_anybody(), Secret(PASSWORD), uuid4())
    assert (reply.verdict, reply.http_status, reply.counts_as_failed) == (Verdict.INCONCLUSIVE, None, False)
    assert reply.halts_directory
    assert place.posted == []
    # With a secret beside it the work goes on.
    assert sign_in(place.connect(FederatedToken(token), GOOD_SECRET)).verdict is Verdict.ACTIVE


def _anybody() -> AccountFacts:
    return replace(account(Place().connect(GOOD_SECRET)), user_principal_name="ann@contoso.example")


@pytest.mark.parametrize("claims", [{}, {"sub": "system:serviceaccount:watch:another"}])
def test_the_platforms_token_opens_the_directory_that_trusts_it(
    tmp_path: Path, claims: dict[str, str]
) -> None:
    issuer, token = Issuer(), tmp_path / "token"
    place = Place()
    place.entra.directory(DIRECTORY_ID).put_app(app(secrets=(), federated=(issuer.trust(),)))
    token.write_text(issuer.token(NOW, **claims))
    connected = place.connect(FederatedToken(token))
    if claims:
        with pytest.raises(DirectoryMisconfigured, match="trusts no federated credential") as caught:
            connected.find_account(UPN)
        assert caught.value.code == "AADSTS700213"
        refused = connected.sign_in(_anybody(), Secret(PASSWORD), uuid4())
        assert (refused.code, refused.halts_directory) == ("AADSTS700213", True)
        return
    assert sign_in(connected).verdict is Verdict.ACTIVE
    assert sign_in(connected, "Wrong-1").verdict is Verdict.INACTIVE
    # The platform's tokens end; it puts a new one in the same place.
    place.entra.clock.advance(2 * 3600)
    token.write_text(issuer.token(place.entra.clock()))
    assert sign_in(connected).verdict is Verdict.ACTIVE
