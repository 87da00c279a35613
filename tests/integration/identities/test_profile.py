"""The profile of a person and the list of people, as services; what the directory says and what leaks say together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Cookie, Credential, Machine, Sighting, Source
from emberwatch.exposures.profile import Profile, access_identity, identity_named
from emberwatch.exposures.services import set_verdict
from emberwatch.exposures.timeline import Step
from emberwatch.identities.browsing import IdentityFilter, identities_page, identity_counts
from emberwatch.identities.models import Identity
from emberwatch.identities.reach import Kind
from emberwatch.identities.severity import Level
from emberwatch.tenants.models import Tenant
from tests.factories import make_actor, make_credential, make_tenant
from tests.integration.api.conftest import caller_for
from tests.integration.cli.conftest import Run, run
from tests.integration.identities.conftest import World
from tests.people import BEGIN, BOSS, CORA, EMPTY, GLOBAL_ADMINISTRATOR, GUEST, LONG, parts

__all__ = ["run"]

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]
PREMIUM: Final = ("AuditLog.Read.All", "IdentityRiskyUser.Read.All")
LEAKED: Final = BEGIN + timedelta(days=20)


@pytest.fixture
def world(begin: Begin) -> World:
    """Everything is permitted and licensed."""
    made: World = begin(0, **parts(*PREMIUM, premium=True))
    made.read()
    return made


def named(world: World, upn: str) -> Identity:
    return Identity.objects.get(tenant=world.tenant, user_principal_name=upn)


def profile(world: World, upn: str) -> Profile:
    return Profile(named(world, upn), world.now())


def leak(world: World, login: str = CORA, password: str = "Leaked-Passw0rd") -> Credential:
    """A credential from a machine, with the account behind it known."""
    row = make_credential(world.tenant, login, password, leaked_at=LEAKED, now=LEAKED + timedelta(days=10))
    machine, _ = Machine.objects.get_or_create(
        tenant=world.tenant, key="pc-1", defaults={"computer_name": "CORA-PC", "infected_at": LEAKED}
    )
    Sighting.objects.filter(credential=row).update(machine=machine)
    Credential.objects.filter(pk=row.pk).update(identity=named(world, login))
    row.refresh_from_db()
    return row


def judge(row: Credential, verdict: Verdict, days: int) -> None:
    at = LEAKED + timedelta(days=days)
    set_verdict(row, verdict, Certainty.PROVED, {"because": "x", "facts": []}, actor=SYSTEM, now=at)


def steal_cookie(world: World, expires_in: timedelta) -> None:
    Cookie.objects.create(
        tenant=world.tenant,
        machine=Machine.objects.get(tenant=world.tenant),
        source=Source.objects.get(tenant=world.tenant),
        fingerprint=uuid4().bytes,
        host="contoso.example",
        name="session",
        path="/",
        is_secure=True,
        expires_at=LEAKED + expires_in,
        sealed_value=b"x",
        file_name="c.txt",
        line=1,
        seen_at=LEAKED,
        import_id=uuid4(),
    )


# What the account opens


def test_roles_groups_and_applications_with_the_way_to_each(world: World) -> None:
    reach = profile(world, CORA).reach
    found = {each.name: (each.kind, each.privileged, each.via_name) for each in reach.opened}
    assert found == {
        "Global Administrator": (Kind.ROLE, True, "Tier-0 admins"),
        "Directory Readers": (Kind.ROLE, False, ""),
        "Tier-0 admins": (Kind.GROUP, True, ""),
        "Finance": (Kind.GROUP, False, ""),
        "Whole firm": (Kind.GROUP, False, "Finance"),
        "Payroll": (Kind.APPLICATION, True, ""),
        "Ledger": (Kind.APPLICATION, False, "Finance"),
    }
    assert reach.opened[0].detail == GLOBAL_ADMINISTRATOR
    assert {each.name: each.detail for each in reach.of(Kind.APPLICATION)}[
        "Payroll"
    ] == "Payroll administrator"
    assert [each.privileged for each in reach.opened] == [True, True, True, False, False, False, False]
    # The connected application and the wiki.
    assert reach.open_to_all == 2


def test_an_account_without_anything_opens_nothing(world: World) -> None:
    assert profile(world, EMPTY).reach.opened == ()


def test_what_is_taken_away_is_gone_with_the_next_reading(world: World) -> None:
    directory = world.entra.directory(str(world.connection.entra_tenant_id))
    finance = next(g for g in directory.memberships.present_groups() if g.scenario.display_name == "Finance")
    directory.memberships.part(finance.id, directory.find(CORA).id)  # type: ignore[union-attr]
    world.read()
    names = {each.name for each in profile(world, CORA).reach.opened}
    assert {"Finance", "Whole firm", "Ledger"} & names == set()
    assert "Payroll" in names


# Facts of the account


def test_the_facts_of_the_account(world: World) -> None:
    ann = profile(world, CORA)
    assert ann.manager is not None
    assert (ann.manager.user_principal_name, ann.licences) == (BOSS, ["SPE_E5"])
    row = ann.identity
    assert (row.department, row.job_title, row.enabled) == ("Finance", "Controller", True)
    assert (row.mfa_registered, row.risk_level, row.risk_state) == (False, "high", "atRisk")
    assert row.last_successful_sign_in_at == BEGIN + timedelta(days=60)
    assert ann.unknown == {}


@pytest.mark.parametrize(
    ("permissions", "premium", "because"),
    [((), True, "lacks the permission"), (PREMIUM, False, "licence")],
)
def test_what_is_not_permitted_or_not_licensed_says_so(
    begin: Begin, permissions: tuple[str, ...], premium: bool, because: str
) -> None:
    world = begin(0, **parts(*permissions, premium=premium))
    world.read()
    unknown = profile(world, CORA).unknown
    assert set(unknown) >= {"sign_ins", "risk"}
    assert all(because in why.because for why in unknown.values())
    assert all(why.remedy for why in unknown.values())


def test_before_the_first_reading_nothing_is_claimed(begin: Begin) -> None:
    world = begin(0, **parts())
    row = Identity.objects.create(
        tenant=world.tenant,
        entra_tenant_id=world.connection.entra_tenant_id,
        object_id=uuid4(),
        user_principal_name="x@contoso.example",
        read_at=world.now(),
    )
    unknown = Profile(row, world.now()).unknown
    assert {"sign_ins", "registration", "risk", "groups", "roles", "applications"} == set(unknown)


# Severity


def test_the_severity_rests_on_what_is_stored(world: World) -> None:
    assert {r.code for r in profile(world, CORA).severity.reasons} == {
        "risk_high",
        "privileged_without_second_factor",
        "stale",
    }
    row = leak(world)
    waiting = profile(world, CORA).severity
    assert (waiting.level, waiting.reasons[1].code) == (Level.HIGH, "exposed_privileged")
    judge(row, Verdict.ACTIVE, 30)
    found = profile(world, CORA).severity
    assert found.level is Level.CRITICAL
    assert [reason.code for reason in found.reasons][:2] == [
        "active_privileged",
        "active_without_second_factor",
    ]
    judge(row, Verdict.INACTIVE, 40)
    assert "ruled_out" in {reason.code for reason in profile(world, CORA).severity.reasons}


def test_cookies_count_while_they_were_alive(world: World) -> None:
    leak(world, BOSS)
    steal_cookie(world, -timedelta(days=1))
    assert "live_cookies" not in {reason.code for reason in profile(world, BOSS).severity.reasons}
    steal_cookie(world, timedelta(days=1))
    found = profile(world, BOSS)
    assert "live_cookies" in {reason.code for reason in found.severity.reasons}
    assert found.machines[0].live_cookie_count == 1  # type: ignore[attr-defined]


def test_a_disabled_guest_is_low_at_most(world: World) -> None:
    row = leak(world, GUEST)
    judge(row, Verdict.ACTIVE, 5)
    found = profile(world, GUEST).severity
    assert (found.level, found.reasons[-1].code) == (Level.LOW, "disabled")


# Timeline


def test_from_the_leak_to_its_end(world: World) -> None:
    row = leak(world)
    judge(row, Verdict.ACTIVE, 30)
    judge(row, Verdict.INACTIVE, 45)
    Identity.objects.filter(pk=named(world, CORA).pk).update(
        last_password_change_at=LEAKED + timedelta(days=40),
        sessions_valid_from_at=LEAKED - timedelta(days=400),
    )
    events = profile(world, CORA).timeline
    assert [(event.step, event.words) for event in reversed(events)] == [
        (Step.LEAKED, "The machine CORA-PC was infected"),
        (Step.LEAKED, f"A password of {CORA} leaked"),
        (Step.SEEN, f"A leaked password of {CORA} was first seen here"),
        (Step.VALIDATED, f"Active: {CORA}"),
        (Step.CONTAINED, "The password was changed"),
        (Step.CONTAINED, f"Wrong password: {CORA}"),
    ]
    assert profile(world, EMPTY).timeline == []


# Walls


def test_another_tenants_identity_is_not_there(world: World) -> None:
    ann = named(world, CORA)
    other = make_tenant("fabrikam.example")
    assert access_identity(make_actor(world.tenant, Role.VIEWER), world.tenant.id, ann.pk) == ann
    for actor, tenant_id, wanted in (
        (make_actor(other, Role.ADMIN), other.id, ann.pk),
        (make_actor(other, Role.ADMIN), world.tenant.id, ann.pk),
        (make_actor(world.tenant, Role.ADMIN), world.tenant.id, uuid4()),
        (make_actor(world.tenant, Role.ADMIN), world.tenant.id, "x"),
    ):
        with pytest.raises(NotFound):
            access_identity(actor, tenant_id, wanted)


def test_another_tenants_copy_of_the_same_directory_stays_apart(world: World) -> None:
    ann = named(world, CORA)
    leak(world)
    other = make_tenant("contoso.example")
    twin = Identity.objects.create(
        tenant=other,
        entra_tenant_id=ann.entra_tenant_id,
        object_id=ann.object_id,
        user_principal_name=CORA,
        manager_object_id=ann.manager_object_id,
        read_at=world.now(),
    )
    found = Profile(twin, world.now())
    assert (found.reach.opened, found.reach.open_to_all, found.manager) == ((), 0, None)
    assert (found.credentials, found.machines, found.licences) == ([], [], [])
    rows = identities_page(other, IdentityFilter(), world.now()).rows
    assert [(row.identity, row.is_privileged, row.credentials) for row in rows] == [(twin, False, 0)]
    assert identity_counts(other, world.now())["privileged"] == 0


def test_one_is_found_by_each_of_its_ids_and_by_its_name(world: World) -> None:
    ann = named(world, CORA)
    for name in (str(ann.pk), str(ann.object_id), CORA.upper()):
        assert identity_named(world.tenant, name) == ann
    with pytest.raises(NotFound):
        identity_named(world.tenant, "nobody@contoso.example")
    twin = Identity.objects.create(
        tenant=world.tenant,
        entra_tenant_id=uuid4(),
        object_id=uuid4(),
        user_principal_name=CORA,
        read_at=BEGIN,
    )
    with pytest.raises(BadInput, match="Several accounts"):
        identity_named(world.tenant, CORA)
    Identity.objects.filter(pk=twin.pk).update(removed_at=BEGIN)
    assert identity_named(world.tenant, CORA) == ann


# The list


def names(tenant: Tenant, world: World, **wanted: Any) -> set[str]:
    page = identities_page(tenant, IdentityFilter(**wanted), world.now())
    return {row.identity.user_principal_name for row in page.rows}


def test_each_filter_and_its_count(world: World) -> None:
    judge(leak(world), Verdict.ACTIVE, 1)
    judge(leak(world, BOSS), Verdict.INACTIVE, 1)
    expected: dict[str, set[str]] = {
        "privileged": {CORA},
        "exposed": {CORA},
        "disabled": {GUEST},
        "guest": {GUEST},
        "gone": set(),
    }
    counts = identity_counts(world.tenant, world.now())
    assert counts["all"] == 5
    for name, who in expected.items():
        assert (names(world.tenant, world, **{name: True}), counts[name]) == (who, len(who)), name
    assert names(world.tenant, world, privileged=True, exposed=True) == {CORA}
    assert names(world.tenant, world, privileged=True, guest=True) == set()


def test_stale_is_who_has_not_signed_in_for_ninety_days(world: World) -> None:
    def age(upn: str, **facts: Any) -> None:
        unset = {"last_sign_in_at": None, "last_successful_sign_in_at": None}
        Identity.objects.filter(user_principal_name=upn).update(**{**unset, **facts})

    now = world.now()
    old, new = now - timedelta(days=91), now - timedelta(days=89)
    age(CORA, last_successful_sign_in_at=new, account_created_at=old)
    age(BOSS, last_successful_sign_in_at=old)
    # Somebody tried without success: it still counts as asleep.
    age(LONG, last_successful_sign_in_at=old, last_sign_in_at=new)
    age(EMPTY, account_created_at=old)
    age(GUEST, last_successful_sign_in_at=old)
    assert names(world.tenant, world, stale=True) == {BOSS, LONG, EMPTY}
    age(EMPTY, account_created_at=new)
    assert names(world.tenant, world, stale=True) == {BOSS, LONG}
    assert identity_counts(world.tenant, now)["stale"] == 2
    # The same account says so in its severity.
    assert "stale" in {reason.code for reason in profile(world, BOSS).severity.reasons}
    assert "stale" not in {reason.code for reason in profile(world, CORA).severity.reasons}


def test_who_never_signed_in_is_not_stale_where_sign_ins_are_not_told(begin: Begin) -> None:
    world = begin(0, **parts())
    world.read()
    Identity.objects.update(account_created_at=world.now() - timedelta(days=900))
    assert names(world.tenant, world, stale=True) == set()


def test_privileges_come_through_groups_in_groups(world: World) -> None:
    directory = world.entra.directory(str(world.connection.entra_tenant_id))
    by_name = {g.scenario.display_name: g for g in directory.memberships.present_groups()}
    directory.memberships.join(by_name["Tier-0 admins"].id, directory.find(EMPTY).id)  # type: ignore[union-attr]
    world.read()
    assert names(world.tenant, world, privileged=True) == {CORA, EMPTY}


def test_the_deleted_are_apart(world: World) -> None:
    directory = world.entra.directory(str(world.connection.entra_tenant_id))
    directory.change_user(directory.find(EMPTY).id, deleted=world.now())  # type: ignore[union-attr]
    world.read()
    assert EMPTY not in names(world.tenant, world)
    assert names(world.tenant, world, gone=True) == {EMPTY}
    assert identity_counts(world.tenant, world.now())["gone"] == 1


@pytest.mark.parametrize(
    ("text", "who"),
    [("CORA c", {CORA}), ("boss@", {BOSS}), ("partner.example", {GUEST}), ("%", set()), ("nobody", set())],
)
def test_the_search(world: World, text: str, who: set[str]) -> None:
    assert names(world.tenant, world, text=text) == who


def test_the_search_takes_an_object_id(world: World) -> None:
    assert names(world.tenant, world, text=str(named(world, CORA).object_id)) == {CORA}


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_a_walk_meets_everybody_once_in_order(world: World, limit: int) -> None:
    # Two of one name, in different directories.
    Identity.objects.create(
        tenant=world.tenant,
        entra_tenant_id=uuid4(),
        object_id=uuid4(),
        user_principal_name=CORA,
        read_at=BEGIN,
    )
    whole = list(
        Identity.objects.filter(tenant=world.tenant)
        .order_by("user_principal_name", "id")
        .values_list("pk", flat=True)
    )
    met, cursor = [], ""
    while True:
        page = identities_page(world.tenant, IdentityFilter(), world.now(), cursor=cursor, limit=limit)
        met += [row.identity.pk for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert met == whole
    assert len(met) == 6


@pytest.mark.parametrize("cursor", ["x", "é", "WzEsMl0", "W10", "bnVsbA", "WyJhIiwgIngiXQ"])
def test_a_cursor_of_somebody_else_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(BadInput):
        identities_page(world.tenant, IdentityFilter(), world.now(), cursor=cursor)


def test_a_filter_is_yes_or_no() -> None:
    assert IdentityFilter.from_query(
        {"stale": "true", "guest": "false", "text": " a\x00b "}
    ) == IdentityFilter(stale=True, text="ab")
    with pytest.raises(BadInput) as refused:
        IdentityFilter.from_query({"stale": "maybe"})
    assert refused.value.field == "stale"


# The same on the command line and in the API


def test_the_api_tells_the_whole_profile(world: World) -> None:
    judge(leak(world), Verdict.ACTIVE, 30)
    call = caller_for(world.tenant, Role.ANALYST)
    found = call.get(call.here("/identities?privileged=true&exposed=true")).json()
    [row] = found["items"]
    assert (row["user_principal_name"], row["is_privileged"], row["credentials"], row["active"]) == (
        CORA,
        True,
        1,
        1,
    )
    one = call.get(call.here(f"/identities/{row['id']}")).json()
    assert (one["severity"]["level"], one["severity"]["reasons"][0]["code"]) == (
        "critical",
        "active_privileged",
    )
    assert [each["name"] for each in one["reach"]["opened"]][:2] == ["Global Administrator", "Payroll"]
    assert (one["manager"]["user_principal_name"], one["licences"], one["unknown"]) == (BOSS, ["SPE_E5"], [])
    assert row["object_id"] in one["user_link"]
    assert one["credentials"][0]["secret_length"] == len("Leaked-Passw0rd")
    assert {each["step"] for each in one["timeline"]} == {"leaked", "seen", "validated"}
    assert call.get(call.here("/identities?stale=maybe")).status_code == 422
    viewer = caller_for(world.tenant, Role.VIEWER)
    masked = viewer.get(viewer.here(f"/identities/{row['id']}")).json()
    assert masked["credentials"][0]["secret_length"] is None


def test_the_command_line_tells_the_same(world: World, run: Run) -> None:
    judge(leak(world), Verdict.ACTIVE, 30)
    call = caller_for(world.tenant, Role.ADMIN)
    name = world.tenant.name
    listed = run("identities", name, "--json").rows
    assert listed == call.get(call.here("/identities")).json()["items"]
    [told] = run("identity", name, CORA, "--json").rows
    ann = named(world, CORA)
    assert told == call.get(call.here(f"/identities/{ann.pk}")).json()
    assert [row["id"] for row in run("identities", name, "--privileged", "--json").rows] == [str(ann.pk)]
    assert run("identities", name, "--gone", "--json").rows == []
    table = run("identities", name, "--text", "boss").out
    assert "Boss of Contoso" in table
    assert CORA not in table
    shown = run("identity", name, str(ann.object_id)).out
    for words in ("Severity: Critical", "Global Administrator", "Payroll administrator", "CORA-PC", "SPE_E5"):
        assert words in shown
    for nobody in ("nobody@contoso.example", "\x1b[2J"):
        ran = run("identity", name, nobody)
        assert (ran.code, "There is no such identity." in ran.err) == (2, True)
