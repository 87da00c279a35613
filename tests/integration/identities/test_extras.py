"""What only some licences and permissions give: stored where it is given, switched off with a reason where not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.test import Client

from emberwatch.accounts.models import Role
from emberwatch.identities.models import Identity
from emberwatch.identities.syncing import due_syncs
from emberwatch.simulator import AppScenario, FaultRule, RiskScenario, SecretScenario, UserScenario
from tests.factories import make_user
from tests.integration.api.conftest import caller_for
from tests.integration.identities.conftest import World
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]

AT: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
LATER: Final = AT + timedelta(days=3)
ANN: Final = UserScenario(
    upn="ann@contoso.example",
    methods=("microsoftAuthenticatorPush", "mobilePhone"),
    risk=RiskScenario(level="high", state="atRisk", updated=AT),
    last_sign_in=LATER,
    last_successful_sign_in=AT,
)
BOB: Final = UserScenario(upn="bob@contoso.example")
GRANTS: Final = ("Directory.Read.All", "AuditLog.Read.All", "IdentityRiskyUser.Read.All")
OPTIONAL: Final = ("sign_ins", "registration", "risk")
NO_LOG: Final = "The application lacks the permission AuditLog.Read.All."
NO_RISK: Final = "The application lacks the permission IdentityRiskyUser.Read.All."
NO_LICENCE: Final = "The directory's licence does not include this."


def app(*grants: str) -> AppScenario:
    return AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=grants,
        consented_scopes=("openid",),
    )


def start(begin: Begin, grants: tuple[str, ...] = GRANTS, **directory: Any) -> World:
    fields = {"premium": True, "users": (ANN, BOB), "groups": (), "roles": (), "apps": (app(*grants),)}
    return begin(**{**fields, **directory})


def stored(upn: str) -> dict[str, object]:
    names = (
        "last_sign_in_at",
        "last_successful_sign_in_at",
        "mfa_registered",
        "mfa_methods",
        "risk_level",
        "risk_state",
        "risk_updated_at",
    )
    return dict(Identity.objects.values(*names).get(user_principal_name=upn))


UNKNOWN: Final[dict[str, object]] = {
    "last_sign_in_at": None,
    "last_successful_sign_in_at": None,
    "mfa_registered": None,
    "mfa_methods": [],
    "risk_level": "",
    "risk_state": "",
    "risk_updated_at": None,
}


def test_all_of_it_is_stored(begin: Begin) -> None:
    world = start(begin)
    world.read()
    assert stored(ANN.upn) == {
        "last_sign_in_at": LATER,
        "last_successful_sign_in_at": AT,
        "mfa_registered": True,
        "mfa_methods": ["microsoftAuthenticatorPush", "mobilePhone"],
        "risk_level": "high",
        "risk_state": "atRisk",
        "risk_updated_at": AT,
    }
    # Somebody of whom nothing was told has never signed in; of his second factor it was told that there is none.
    assert stored(BOB.upn) == {**UNKNOWN, "mfa_registered": False}
    assert world.sync.refusals == {}
    assert {name: world.sync.counts[name] for name in OPTIONAL} == {
        "sign_ins": 2,
        "registration": 2,
        "risk": 1,
    }


def test_what_changes_is_followed(begin: Begin) -> None:
    world = start(begin)
    world.read()
    directory = world.entra.directory(DIRECTORY)
    directory.change_user(
        ANN.upn,
        methods=(),
        risk=RiskScenario(level="none", state="dismissed", updated=LATER),
    )
    ann = directory.find(ANN.upn)
    assert ann is not None
    ann.last_successful_sign_in = LATER
    world.read()
    now = stored(ANN.upn)
    assert now["last_successful_sign_in_at"] == LATER
    assert (now["mfa_registered"], now["mfa_methods"]) == (False, [])
    assert (now["risk_level"], now["risk_state"], now["risk_updated_at"]) == ("none", "dismissed", LATER)


def test_more_accounts_than_a_page_holds(begin: Begin) -> None:
    people = tuple(
        UserScenario(
            upn=f"person{number}@contoso.example",
            methods=("mobilePhone",) if number % 2 else (),
            last_successful_sign_in=AT + timedelta(minutes=number),
        )
        for number in range(230)
    )
    world = start(begin, users=people)
    world.read()
    asked = world.entra.journal.entries(lambda entry: entry.route == "graph:users")
    assert len(asked) >= 3
    for number in (0, 99, 100, 229):
        told = stored(f"person{number}@contoso.example")
        assert told["last_successful_sign_in_at"] == AT + timedelta(minutes=number)
        assert told["mfa_registered"] is bool(number % 2)


@pytest.mark.parametrize(
    ("grants", "directory", "reasons"),
    [
        (GRANTS, {}, {}),
        (GRANTS[:1], {}, {"sign_ins": NO_LOG, "registration": NO_LOG, "risk": NO_RISK}),
        (GRANTS[:2], {}, {"risk": NO_RISK}),
        ((GRANTS[0], GRANTS[2]), {}, {"sign_ins": NO_LOG, "registration": NO_LOG}),
        (GRANTS, {"premium": False}, dict.fromkeys(OPTIONAL, NO_LICENCE)),
        (
            GRANTS,
            {"premium": False, "premium_refusal": "AadPremiumLicenseRequired"},
            dict.fromkeys(OPTIONAL, NO_LICENCE),
        ),
        (GRANTS, {"premium": False, "premium_refusal": "AccessDenied"}, dict.fromkeys(OPTIONAL, NO_LICENCE)),
    ],
)
def test_what_is_refused_is_switched_off_with_its_reason(
    begin: Begin, grants: tuple[str, ...], directory: dict[str, Any], reasons: dict[str, str]
) -> None:
    world = start(begin, grants, **directory)
    world.read()
    sync = world.sync
    assert sync.finished_at is not None and sync.sentence == ""
    assert {name: told["because"] for name, told in sync.refusals.items()} == reasons
    kept = stored(ANN.upn)
    assert (kept["last_sign_in_at"] is None) is ("sign_ins" in reasons)
    assert (kept["mfa_registered"] is None) is ("registration" in reasons)
    assert (kept["risk_level"] == "") is ("risk" in reasons)

    client = Client()
    client.force_login(make_user(world.tenant, Role.ADMIN))
    page = client.get(f"/tenants/{world.tenant.id}/entra-id-configuration/sync/").content.decode()
    call = caller_for(world.tenant, Role.ADMIN)
    told = call.get(call.here("/directory/sync")).json()["switched_off"]
    assert {each["stage"]: each["because"] for each in told} == reasons
    for reason in (NO_LOG, NO_RISK, NO_LICENCE):
        assert (reason.replace("'", "&#x27;") in page) is (reason in reasons.values())


def test_what_is_switched_off_is_left_alone_and_asked_about_again_after_a_day(begin: Begin) -> None:
    world = start(begin, premium=False)
    world.entra.journal.clear()  # of what the check asked
    world.read()
    asked = "/v1.0/reports/authenticationMethods/userRegistrationDetails"

    def times() -> int:
        return len(world.entra.journal.entries(lambda entry: entry.path == asked))

    assert times() == 1
    by_itself(world, timedelta(hours=2))
    assert times() == 1
    licensed(world, True)
    by_itself(world, timedelta(hours=23))
    assert times() == 2
    assert stored(ANN.upn)["mfa_registered"] is True
    assert world.sync.refusals == {}


def licensed(world: World, premium: bool) -> None:
    directory = world.entra.directory(DIRECTORY)
    directory.scenario = replace(directory.scenario, premium=premium)


def by_itself(world: World, later: timedelta) -> None:
    world.ahead += later
    assert [sync.pk for sync in due_syncs(world.now())] == [world.sync.pk]
    world.finish()


def test_a_disturbance_is_no_refusal(begin: Begin) -> None:
    world = start(begin)
    world.entra.faults.add(FaultRule(where="riskyUsers", kind="5xx", count=30))
    world.ask()
    assert world.go_on() is not None
    assert world.sync.refusals == {}
    assert "fails at the moment" in world.sync.sentence
    world.entra.faults.clear()
    world.ahead += timedelta(hours=1)
    world.finish()
    assert stored(ANN.upn)["risk_level"] == "high"


def test_what_was_stored_stays_when_it_is_refused_later(begin: Begin) -> None:
    world = start(begin)
    world.read()
    before = stored(ANN.upn)
    licensed(world, False)
    world.read()
    assert set(world.sync.refusals) == set(OPTIONAL)
    assert stored(ANN.upn) == before
