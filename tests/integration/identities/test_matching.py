"""Credentials and accounts find each other, whichever came first; who it is cannot always be told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.verdict import Verdict
from emberwatch.directories.services import open_directory
from emberwatch.exposures.linking import link_waiting
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.identities.queries import bearers_of
from emberwatch.simulator import UserScenario
from emberwatch.validation.driving import drive
from emberwatch.validation.models import Attempt, ValidationPolicy
from emberwatch.validation.runs import start_run
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import make_credential
from tests.integration.identities.conftest import World
from tests.world import DIRECTORY, RIGHT

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]

ANN = UserScenario(
    upn="ann@contoso.example",
    password=RIGHT,
    mail="ann.smith@contoso.example",
    proxy_addresses=("smtp:as@contoso.example",),
    other_mails=("ann.private@contoso.example",),
    synced=True,
    properties={
        "onPremisesSamAccountName": "asmith",
        "onPremisesDomainName": "corp.contoso.example",
        "onPremisesUserPrincipalName": "asmith@corp.contoso.example",
    },
)
BOB = UserScenario(upn="bob@contoso.example", password="Bobs-Right-Passw0rd", mail="shared@contoso.example")
CID = UserScenario(upn="cid@contoso.example", password="Cids-Right-Passw0rd", mail="shared@contoso.example")
REASONS = {
    "ann@contoso.example": "userPrincipalName",
    "ann.smith@contoso.example": "mail",
    "AS@contoso.example": "proxyAddresses",
    "ann.private@contoso.example": "otherMails",
    "asmith@corp.contoso.example": "onPremisesUserPrincipalName",
    "ann+news@contoso.example": "userPrincipalName+",
}


@pytest.fixture
def world(begin: Begin) -> World:
    return begin(users=(ANN, BOB, CID), groups=(), roles=())


def link() -> None:
    while link_waiting(utc_now()):
        pass


def reasons() -> dict[str, str]:
    rows = Credential.objects.filter(identity__user_principal_name="ann@contoso.example")
    return dict(rows.values_list("login", "matched_by"))


@pytest.mark.parametrize("account_first", [True, False])
def test_whichever_comes_first(world: World, account_first: bool) -> None:
    for step in ("read", "leak") if account_first else ("leak", "read"):
        if step == "read":
            world.read()
        else:
            for login in REASONS:
                make_credential(world.tenant, login)
        link()
    assert reasons() == REASONS
    assert not Credential.objects.filter(matched_at=None).exists()


def test_an_account_that_gets_a_name_gets_its_credentials(world: World) -> None:
    credential = make_credential(world.tenant, "newcomer@contoso.example")
    sub = make_credential(world.tenant, "newcomer+shop@contoso.example")
    world.read()
    link()
    credential.refresh_from_db()
    assert (credential.identity, credential.matched_by) == (None, "")
    directory = world.entra.directory(DIRECTORY)
    directory.change_user("bob@contoso.example", proxy_addresses=("smtp:newcomer@contoso.example",))
    world.read()
    link()
    for each, reason in ((credential, "proxyAddresses"), (sub, "proxyAddresses+")):
        each.refresh_from_db()
        assert each.identity is not None
        assert (each.identity.user_principal_name, each.matched_by) == ("bob@contoso.example", reason)
    directory.change_user("bob@contoso.example", proxy_addresses=())
    world.read()
    link()
    credential.refresh_from_db()
    assert credential.matched_by == "formerAddress"


def test_a_renamed_account_keeps_what_leaked_before(world: World) -> None:
    credential = make_credential(world.tenant, "ann@contoso.example")
    world.read()
    world.entra.directory(DIRECTORY).change_user(
        "ann@contoso.example", upn="ann.b@contoso.example", mail=None
    )
    world.read()
    link()
    credential.refresh_from_db()
    assert credential.identity is not None
    assert credential.identity.user_principal_name == "ann.b@contoso.example"
    assert credential.matched_by == "formerUserPrincipalName"


def test_accounts_of_another_tenant_are_none_of_ours(begin: Begin) -> None:
    world = begin(users=(ANN,), groups=(), roles=())
    world.read()
    from tests.factories import make_tenant

    other = make_tenant("contoso.example")
    credential = make_credential(other, "ann@contoso.example")
    link()
    credential.refresh_from_db()
    assert (credential.identity, bearers_of(other.id, "ann@contoso.example")) == (None, [])


def validated(world: World, credential: Credential) -> Credential:
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    opened = open_directory(world.connection)
    run_validation(validation.id, directory_for=lambda _: opened)
    opened.close()
    credential.refresh_from_db()
    return credential


@pytest.mark.parametrize("read_before", [True, False])
def test_an_ambiguous_login_is_never_tested(world: World, read_before: bool) -> None:
    ambiguous = make_credential(world.tenant, "shared@contoso.example", "Bobs-Right-Passw0rd")
    sure = make_credential(world.tenant, "bob@contoso.example", "Bobs-Right-Passw0rd")
    if read_before:
        world.read()
        link()
    assert validated(world, ambiguous).verdict == Verdict.NOT_TESTABLE
    assert world.entra.journal.sign_ins() == []
    assert not Attempt.objects.exists()
    assert (ambiguous.identity, ambiguous.matched_by) == (None, "ambiguous")
    evidence = ambiguous.verdict_records.all()[0].evidence
    assert evidence["rule"] == "several accounts"
    assert "bob@contoso.example" in evidence["because"]
    assert "cid@contoso.example" in evidence["because"]
    # The very same password under the account's own name is tried, so the refusal has no other reason.
    assert validated(world, sure).verdict == Verdict.ACTIVE
    assert len(world.entra.journal.sign_ins()) == 1


def test_an_ambiguity_that_only_the_store_knows_of_stops_an_attempt(world: World) -> None:
    """The directory's own search by sign-in name finds one account; who had that name before only we know."""
    world.read()
    directory = world.entra.directory(DIRECTORY)
    directory.change_user("cid@contoso.example", upn="cid.b@contoso.example")
    world.read()
    directory.change_user("bob@contoso.example", upn="cid@contoso.example")
    credential = make_credential(world.tenant, "cid@contoso.example", "Bobs-Right-Passw0rd")
    assert validated(world, credential).verdict == Verdict.NOT_TESTABLE
    assert world.entra.journal.sign_ins() == []
    # Once the account with the former name has gone, the name is one account's again.
    directory.change_user("cid.b@contoso.example", deleted=utc_now().replace(microsecond=0))
    assert validated(world, credential).verdict == Verdict.ACTIVE


def test_a_run_leaves_ambiguous_logins_alone(world: World) -> None:
    world.read()
    ValidationPolicy.objects.update_or_create(connection=world.connection, defaults={"pace": 100})
    make_credential(world.tenant, "shared@contoso.example", "Bobs-Right-Passw0rd")
    make_credential(world.tenant, "bob@contoso.example", "Bobs-Right-Passw0rd")
    run = start_run(world.tenant, actor=SYSTEM, now=utc_now())
    opened = open_directory(world.connection)
    for _ in range(50):
        if drive(run.pk, directory_for=lambda _: opened) is None:
            break
    opened.close()
    verdicts = dict(Credential.objects.values_list("login", "verdict"))
    assert verdicts["shared@contoso.example"] == Verdict.NOT_TESTABLE
    assert verdicts["bob@contoso.example"] == Verdict.ACTIVE
    assert len(world.entra.journal.sign_ins()) == 1


@pytest.mark.parametrize(
    "login", ["as@contoso.example", "ann.private@contoso.example", "ann+x@contoso.example"]
)
def test_validation_finds_an_account_by_every_name(world: World, login: str) -> None:
    world.read()
    ValidationPolicy.objects.update_or_create(connection=world.connection)
    credential = validated(world, make_credential(world.tenant, login, RIGHT))
    assert credential.verdict == Verdict.ACTIVE
    assert credential.identity is not None
    assert credential.identity.user_principal_name == "ann@contoso.example"
    [sign_in] = world.entra.journal.sign_ins()
    assert sign_in.username == "ann@contoso.example"


def test_validation_reads_fresh_facts_of_the_account_by_its_object_id(world: World) -> None:
    world.read()
    world.entra.directory(DIRECTORY).change_user("ann@contoso.example", enabled=False)
    credential = make_credential(world.tenant, "ann@contoso.example", RIGHT)
    world.entra.journal.clear()
    assert validated(world, credential).verdict == Verdict.ACCOUNT_DISABLED
    object_id = Identity.objects.get(user_principal_name="ann@contoso.example").object_id
    asked = [entry.path for entry in world.entra.journal.entries() if entry.path.startswith("/v1.0/users")]
    assert asked == [f"/v1.0/users/{object_id}"]


def test_a_name_that_moved_to_another_account_since_the_reading(world: World) -> None:
    world.read()
    directory = world.entra.directory(DIRECTORY)
    directory.change_user("ann@contoso.example", upn="ann.b@contoso.example")
    directory.change_user("bob@contoso.example", upn="ann@contoso.example")
    credential = validated(world, make_credential(world.tenant, "ann@contoso.example", "Bobs-Right-Passw0rd"))
    assert (credential.verdict, credential.matched_by) == (Verdict.NOT_TESTABLE, "ambiguous")
    assert world.entra.journal.sign_ins() == []


def test_a_changed_password_takes_the_ground_from_older_verdicts(world: World) -> None:
    from emberwatch.pipeline import FACTS
    from emberwatch.validation.reading import withdraw_after_changes

    world.read()
    credential = validated(world, make_credential(world.tenant, "bob@contoso.example", "Bobs-Right-Passw0rd"))
    assert credential.verdict == Verdict.ACTIVE
    assert FACTS["identity.passwords_changed"]
    world.entra.clock.advance(3600)
    world.entra.directory(DIRECTORY).change_user("bob@contoso.example", password="Another-Passw0rd!")
    world.read()
    withdraw_after_changes(
        world.tenant.id, list(Identity.objects.values_list("pk", flat=True)), now=utc_now()
    )
    credential.refresh_from_db()
    assert credential.verdict == Verdict.UNVALIDATED
