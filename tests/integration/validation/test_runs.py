"""Validate feed: a run against a directory in memory, on real PostgreSQL, with a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import Directory, DirectoryMisconfigured
from emberwatch.directories.gate import gate_of
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.exposures.models import Credential
from emberwatch.tenants.models import Tenant
from emberwatch.validation.driving import drive
from emberwatch.validation.models import Attempt, KillSwitch, ProtectedEntry, Run, RunState, ValidationPolicy
from emberwatch.validation.runs import cancel_run, pause_run, resume_run, start_run, start_scheduled_runs
from tests.factories import make_credential, make_tenant, only_directory
from tests.fakes.directory import CLIENT, FakeEntra

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
RIGHT = "Right-passw0rd"


class World:
    """One directory in memory, tenants that are connected to it, and their clock."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.entra = FakeEntra(lambda: self.now)
        self.entra_tenant_id = uuid4()

    def connect(self, tenant: Tenant | None = None, **choices: object) -> Tenant:
        tenant = tenant or make_tenant()
        connection = DirectoryConnection.objects.create(
            tenant=tenant,
            cloud="global",
            entra_tenant_id=self.entra_tenant_id,
            client_id=CLIENT,
            status=ConnectionStatus.ACTIVE,
            last_good_check_at=BEGIN - timedelta(days=2),
            created_at=BEGIN,
            updated_at=BEGIN,
        )
        ValidationPolicy.objects.create(connection=connection, **{"pace": 10.0, **choices})
        return tenant

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def drive(self, run: Run, *, days: float = 0) -> Run:
        """Moves the run on until it rests beyond ``days`` from now, moving the clock with it."""
        horizon = self.now + timedelta(days=days)
        for _ in range(10_000):
            until = drive(run.pk, clock=lambda: self.now, sleep=self.sleep, directory_for=self.open)
            if until is None or until > max(horizon, self.now + timedelta(seconds=1)):
                break
            self.now = max(self.now, until)
        run.refresh_from_db()
        return run

    def open(self, connection: DirectoryConnection) -> Directory:
        return self.entra.connect(connection.client_id)


@pytest.fixture
def world() -> World:
    return World()


def leak(tenant: Tenant, login: str, *passwords: str, leaked_at: datetime = BEGIN) -> list[Credential]:
    return [make_credential(tenant, login, password, leaked_at=leaked_at) for password in passwords]


def verdicts(credentials: list[Credential]) -> list[tuple[str, str]]:
    for credential in credentials:
        credential.refresh_from_db()
    return [(credential.verdict, credential.certainty) for credential in credentials]


def test_a_run_decides_by_facts_first_and_sends_what_is_left(world: World) -> None:
    tenant = world.connect()
    old = BEGIN - timedelta(days=900)
    world.entra.add("ann@contoso.example", password=RIGHT, last_password_change_at=old)
    world.entra.add("off@contoso.example", password=RIGHT, enabled=False)
    world.entra.add("new@contoso.example", password=RIGHT, last_password_change_at=BEGIN)
    ann = leak(tenant, "ann@contoso.example", RIGHT, "Other-passw0rd", "Third-passw0rd")
    rest = [
        *leak(tenant, "off@contoso.example", RIGHT),
        *leak(tenant, "new@contoso.example", "Stale-passw0rd", leaked_at=old),
        *leak(tenant, "gone@contoso.example", RIGHT),
    ]

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now), days=3)

    assert verdicts(rest) == [
        (Verdict.ACCOUNT_DISABLED, Certainty.PROVED),
        (Verdict.INACTIVE, Certainty.PROVED),
        (Verdict.ACCOUNT_NOT_FOUND, Certainty.PROVED),
    ]
    found = sorted(verdicts(ann))
    assert (Verdict.ACTIVE, Certainty.PROVED) in found
    assert run.state == RunState.DONE
    assert (run.credentials, run.accounts, run.decided) == (6, 4, 6)
    assert run.attempts == len(world.entra.attempts) == Attempt.objects.count()


def test_the_budget_spreads_one_account_over_days_and_finds_the_right_one(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    credentials = leak(tenant, "ann@contoso.example", *(f"Wrong-passw0rd-{n}" for n in range(5)))
    credentials += leak(tenant, "ann@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=2000))

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert run.state == RunState.WAITING
    assert sorted(v for v, _ in verdicts(credentials)) == ["inactive"] * 2 + ["throttled"] * 4
    assert run.next_at is not None

    world.drive(run, days=10)
    assert run.state == RunState.DONE
    assert verdicts(credentials)[-1] == (Verdict.ACTIVE, Certainty.PROVED)
    assert world.entra.locks_by([CLIENT]) == []
    by_day = [a.at for a in world.entra.attempts if a.code]
    assert all(sum(1 for at in by_day if at - timedelta(days=1) < day <= at) <= 2 for day in by_day)


def test_an_account_that_is_protected_after_its_facts_were_read_is_not_tried(world: World) -> None:
    tenant = world.connect(pace=1.0)
    names = ("ann@contoso.example", "bob@contoso.example")
    for name in names:
        world.entra.add(name, password=RIGHT)
        leak(tenant, name, RIGHT)
    run = start_run(tenant, actor=SYSTEM, now=world.now)

    def protect_all(seconds: float) -> None:
        """While the run waits for its second turn."""
        for name in names:
            ProtectedEntry.objects.get_or_create(
                connection=only_directory(tenant),
                kind="account",
                value=name,
                defaults={"added_by": "test", "added_at": world.now},
            )
        world.sleep(seconds)

    drive(run.pk, clock=lambda: world.now, sleep=protect_all, directory_for=world.open)
    assert len(world.entra.attempts) == 1
    world.drive(run)
    assert len(world.entra.attempts) == 1
    assert Credential.objects.filter(verdict=Verdict.NOT_TESTABLE).count() == 1


def test_a_leaked_password_that_was_set_again_is_found_by_confirming(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT, last_password_change_at=BEGIN)
    [again] = leak(tenant, "ann@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=400))

    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([again]) == [(Verdict.ACTIVE, Certainty.PROVED)]


def test_what_is_likely_is_confirmed_when_another_tenant_has_had_the_rest_answered(world: World) -> None:
    tenant, other = world.connect(), world.connect()
    changed = BEGIN - timedelta(days=100)
    world.entra.add("ann@contoso.example", password=RIGHT, last_password_change_at=changed)
    leak(other, "ann@contoso.example", "Wrong-passw0rd")
    world.drive(start_run(other, actor=SYSTEM, now=world.now))
    both = leak(tenant, "ann@contoso.example", "Wrong-passw0rd")
    both += leak(tenant, "ann@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=400))

    world.drive(start_run(tenant, actor=SYSTEM, now=world.now), days=2)
    assert verdicts(both)[1] == (Verdict.ACTIVE, Certainty.PROVED)
    assert len(world.entra.attempts) == 2


def test_likely_stays_likely_when_the_operator_turns_confirming_off(world: World) -> None:
    tenant = world.connect(confirm_likely=False)
    world.entra.add("ann@contoso.example", password=RIGHT, last_password_change_at=BEGIN)
    [again] = leak(tenant, "ann@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=400))

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([again]) == [(Verdict.SUPERSEDED, Certainty.LIKELY)]
    assert (run.state, run.attempts) == (RunState.DONE, 0)


def test_a_password_change_withdraws_what_depended_on_the_old_one(world: World) -> None:
    tenant = world.connect()
    account = world.entra.add("ann@contoso.example", password=RIGHT)
    [right] = leak(tenant, "ann@contoso.example", RIGHT)
    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]

    world.now += timedelta(days=2)
    world.entra.set_password(account, "Changed-passw0rd")
    world.now += timedelta(hours=1)
    world.drive(start_run(tenant, actor=SYSTEM, now=world.now), days=3)

    assert verdicts([right]) == [(Verdict.INACTIVE, Certainty.PROVED)]
    assert right.verdict_records.filter(evidence__method="withdrawn").exists()


def test_a_run_is_paused_resumed_and_cancelled(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    leak(tenant, "ann@contoso.example", RIGHT)
    run = start_run(tenant, actor=SYSTEM, now=world.now)
    assert start_run(tenant, actor=SYSTEM, now=world.now) == run

    pause_run(run, actor=SYSTEM, now=world.now)
    world.drive(run)
    assert (run.state, world.entra.attempts) == (RunState.PAUSED, [])

    resume_run(run, actor=SYSTEM, now=world.now)
    world.drive(run)
    assert (run.state, run.attempts) == (RunState.DONE, 1)

    leak(tenant, "ann@contoso.example", "Later-passw0rd")
    again = start_run(tenant, actor=SYSTEM, now=world.now)
    cancel_run(again, actor=SYSTEM, now=world.now)
    world.drive(again)
    assert (again.state, len(world.entra.attempts)) == (RunState.CANCELLED, 1)


def test_a_worker_whose_lease_ran_out_leaves_the_run_to_the_one_that_took_it_over(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    leak(tenant, "ann@contoso.example", RIGHT)
    run = start_run(tenant, actor=SYSTEM, now=world.now)
    theirs = BEGIN + timedelta(minutes=5)

    def open_slowly(connection: DirectoryConnection) -> Directory:
        Run.objects.filter(pk=run.pk).update(leased_until=theirs, sentence="The other's.")
        return world.entra.connect(connection.client_id)

    assert drive(run.pk, clock=lambda: world.now, sleep=world.sleep, directory_for=open_slowly) is None

    run.refresh_from_db()
    assert (run.leased_until, run.sentence, world.entra.attempts) == (theirs, "The other's.", [])
    world.now = theirs
    world.drive(run)
    assert (run.state, run.leased_until, run.attempts) == (RunState.DONE, None, 1)


def test_two_locked_accounts_stop_the_directory_whatever_lies_between(world: World) -> None:
    tenant = world.connect()
    for number in range(6):
        account = world.entra.add(f"u{number}@contoso.example", password=RIGHT)
        if number in (2, 4):
            world.entra.lock(account, 86400)
        leak(tenant, f"u{number}@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=number))

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))

    assert run.state == RunState.STOPPED
    assert "locked" in run.sentence
    assert len(world.entra.attempts) == 5


def test_a_configuration_code_stops_the_run_before_another_account(world: World) -> None:
    tenant = world.connect()
    for number in range(3):
        account = world.entra.add(f"u{number}@contoso.example", password=RIGHT)
        world.entra.script(account, 7000222)
        leak(tenant, f"u{number}@contoso.example", RIGHT)

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))

    assert (run.state, len(world.entra.attempts)) == (RunState.STOPPED, 1)


def test_a_fault_of_ours_that_a_read_shows_stops_the_run_and_the_directory(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    leak(tenant, "ann@contoso.example", RIGHT)
    world.entra.fail("read_domains", DirectoryMisconfigured("The client secret has expired."))

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))

    connection = DirectoryConnection.objects.get(tenant=tenant)
    assert (run.state, world.entra.attempts) == (RunState.STOPPED, [])
    assert (connection.status, connection.status_sentence) == ("error", "The client secret has expired.")


def test_two_tenants_on_one_directory_share_budget_and_protection(world: World) -> None:
    first, second = world.connect(), world.connect(failed_attempts_allowed=1)
    account = world.entra.add("ann@contoso.example", password="Secret-passw0rd")
    ours = leak(first, "ann@contoso.example", "Wrong-passw0rd-1", "Wrong-passw0rd-2")
    theirs = leak(second, "ann@contoso.example", "Wrong-passw0rd-1", "Wrong-passw0rd-3")

    runs = [start_run(tenant, actor=SYSTEM, now=world.now) for tenant in (first, second)]
    for run in runs:
        world.drive(run)

    assert len(world.entra.attempts_for(account)) == 1
    for run in runs:
        world.drive(run, days=9)
    assert {v for v, _ in verdicts([*ours, *theirs])} == {Verdict.INACTIVE}
    sent = [attempt.password for attempt in world.entra.attempts_for(account)]
    assert len(sent) == len(set(sent)) == 3


def test_a_wait_that_the_sign_in_service_asks_for_holds_for_all(world: World) -> None:
    first, second = world.connect(), world.connect()
    ann = world.entra.add("ann@contoso.example", password=RIGHT)
    world.entra.add("bob@contoso.example", password=RIGHT)
    world.entra.script(ann, 50196, status=429, retry_after=600, times=1)
    leak(first, "ann@contoso.example", RIGHT)
    leak(second, "bob@contoso.example", RIGHT)

    world.drive(start_run(first, actor=SYSTEM, now=world.now))
    other = world.drive(start_run(second, actor=SYSTEM, now=world.now))

    assert other.state == RunState.WAITING
    assert other.next_at is not None
    assert other.next_at > BEGIN + timedelta(seconds=590)
    assert len(world.entra.attempts) == 1
    world.drive(other, days=1)
    assert other.attempts == 1


def test_facts_only_sends_nothing(world: World) -> None:
    tenant = world.connect(mode="triage")
    world.entra.add("ann@contoso.example", password=RIGHT)
    open_, gone = leak(tenant, "ann@contoso.example", RIGHT) + leak(tenant, "gone@contoso.example", RIGHT)

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))

    assert verdicts([open_, gone]) == [
        (Verdict.UNVALIDATED, ""),
        (Verdict.ACCOUNT_NOT_FOUND, Certainty.PROVED),
    ]
    assert (run.state, world.entra.attempts) == (RunState.DONE, [])


def test_known_ids_are_kept(world: World) -> None:
    tenant = world.connect()
    account = world.entra.add("ann@contoso.example", password=RIGHT)
    leak(tenant, "ann@contoso.example", RIGHT)
    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    attempt = Attempt.objects.get()
    assert (attempt.run, attempt.object_id, attempt.client_id) == (run, account.object_id, UUID(str(CLIENT)))


def test_failures_that_others_caused_are_read_and_counted(world: World) -> None:
    tenant = world.connect()
    account = world.entra.add("ann@contoso.example", password=RIGHT)
    for number in range(2):
        world.entra.fail_by_others(account, f"Guess-{number}")
        world.sleep(60)
    [right] = leak(tenant, "ann@contoso.example", RIGHT)

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([right]) == [(Verdict.THROTTLED, "")]
    assert "made by others" in right.verdict_records.latest("at").evidence["because"]
    assert world.entra.attempts == []

    world.drive(run, days=2)
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]


def test_without_the_log_others_do_not_count(world: World) -> None:
    world.entra.offers_log = False
    tenant = world.connect()
    account = world.entra.add("ann@contoso.example", password=RIGHT)
    for number in range(2):
        world.entra.fail_by_others(account, f"Guess-{number}")
        world.sleep(60)
    [right] = leak(tenant, "ann@contoso.example", RIGHT)
    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]
    assert "AuditLog.Read.All" in gate_of(world.entra_tenant_id).log_refused_because


def test_the_kill_switch_stops_runs_and_lifting_it_lets_them_go_on(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    leak(tenant, "ann@contoso.example", RIGHT)
    run = start_run(tenant, actor=SYSTEM, now=world.now)
    switch = KillSwitch.objects.create(stopped_at=world.now, stopped_by="test", reason="drill")

    world.drive(run)
    assert (run.state, world.entra.attempts) == (RunState.STOPPED, [])
    assert "drill" in run.sentence

    KillSwitch.objects.filter(pk=switch.pk).update(lifted_at=world.now)
    world.drive(run)
    assert (run.state, run.attempts) == (RunState.DONE, 1)


def test_the_first_sign_in_of_all_answered_as_locked_stops_the_directory(world: World) -> None:
    tenant = world.connect()
    for number in range(3):
        account = world.entra.add(f"u{number}@contoso.example", password=RIGHT)
        if number == 0:
            world.entra.lock(account, 86400)
        leak(tenant, f"u{number}@contoso.example", RIGHT, leaked_at=BEGIN - timedelta(days=number))
    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert (run.state, len(world.entra.attempts)) == (RunState.STOPPED, 1)
    assert "first sign-in" in run.sentence


def test_sign_ins_wait_for_the_chosen_hours_and_facts_do_not(world: World) -> None:
    tenant = world.connect(hours_from=time(22), hours_until=time(23))
    world.entra.add("ann@contoso.example", password=RIGHT)
    right, gone = leak(tenant, "ann@contoso.example", RIGHT) + leak(tenant, "gone@contoso.example", RIGHT)

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([gone]) == [(Verdict.ACCOUNT_NOT_FOUND, Certainty.PROVED)]
    assert (run.state, run.next_at) == (RunState.WAITING, BEGIN.replace(hour=22))

    world.drive(run, days=1)
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]
    assert world.entra.attempts[0].at >= BEGIN.replace(hour=22)


def test_the_schedule_runs_only_where_the_operator_allows_it(world: World) -> None:
    allowed, left_alone = world.connect(automatic_mode="triage"), world.connect()
    for tenant in (allowed, left_alone):
        leak(tenant, "gone@contoso.example", RIGHT)

    [run] = start_scheduled_runs(now=world.now)

    assert (run.tenant, run.mode, run.origin) == (allowed, "triage", "schedule")
    assert start_scheduled_runs(now=world.now) == []
    world.drive(run)
    assert run.decided == 1


def test_an_account_that_was_enabled_again_is_open_at_once(world: World) -> None:
    tenant = world.connect()
    account = world.entra.add("ann@contoso.example", password=RIGHT, enabled=False)
    [right] = leak(tenant, "ann@contoso.example", RIGHT)
    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([right]) == [(Verdict.ACCOUNT_DISABLED, Certainty.PROVED)]

    account.enabled = True
    world.now += timedelta(days=2)
    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]


def test_a_worker_that_dies_with_a_sign_in_under_way_spends_it(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT)
    [right] = leak(tenant, "ann@contoso.example", RIGHT)
    run = start_run(tenant, actor=SYSTEM, now=world.now)

    class Killed(BaseException):
        pass

    def kill(moment: str, _account: object) -> None:
        if moment == "acted":
            raise Killed

    world.entra.on_sign_in = kill
    with pytest.raises(Killed):
        world.drive(run)
    world.entra.on_sign_in = None
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.counts_as_failed) == ("reserved", True)

    world.drive(run)
    assert verdicts([right]) == [(Verdict.INCONCLUSIVE, "")]
    assert len(world.entra.attempts) == 1
    world.drive(run, days=2)
    assert verdicts([right]) == [(Verdict.ACTIVE, Certainty.PROVED)]


def test_the_same_password_under_another_name_of_the_account_supersedes_nothing(world: World) -> None:
    tenant = world.connect()
    world.entra.add("ann@contoso.example", password=RIGHT, aliases=("a.smith@contoso.example",))
    both = leak(tenant, "ann@contoso.example", RIGHT) + leak(tenant, "a.smith@contoso.example", RIGHT)
    other = leak(tenant, "ann@contoso.example", "Older-passw0rd", leaked_at=BEGIN - timedelta(days=900))

    world.drive(start_run(tenant, actor=SYSTEM, now=world.now))

    assert verdicts(both) == [(Verdict.ACTIVE, Certainty.PROVED)] * 2
    assert verdicts(other) == [(Verdict.SUPERSEDED, Certainty.PROVED)]
