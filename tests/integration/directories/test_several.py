"""A tenant with two directories: what belongs to whom, what goes where, and that neither disturbs the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict, NotFound
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.keys import KeyForm, keys_of
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_to, connections_of, directory_named, required_connection
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    halt,
    save_connection,
    set_disabled,
)
from emberwatch.exposures.linking import link_waiting
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.exposures.queries import admin_center_link
from emberwatch.identities.models import Group, GroupMember, Identity
from emberwatch.identities.queries import bearers_of
from emberwatch.identities.services import remove_directory, request_sync
from emberwatch.identities.syncing import sync_directory
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    GroupScenario,
    SecretScenario,
    SimulatedEntra,
    UserScenario,
)
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.services import set_domains
from emberwatch.validation.choices import policy_of
from emberwatch.validation.driving import drive
from emberwatch.validation.models import Attempt, Run, RunState
from emberwatch.validation.operating import entries_of, protect, save_choices
from emberwatch.validation.options import revised
from emberwatch.validation.queries import open_questions
from emberwatch.validation.runs import start_runs, start_scheduled_runs
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import NOW, make_credential, make_tenant
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

FIRST: Final = UUID(DIRECTORY)
SECOND: Final = UUID("11111111-aaaa-4bbb-8ccc-00000000000b")
OTHER_APP: Final = "22222222-aaaa-4bbb-8ccc-00000000000b"
OTHER_SECRET: Final = "Zx8Q~client-secret-value-of-the-other-app"
SHARED: Final = "shared@contoso.example"

ANN: Final = UserScenario(upn="ann@contoso.example", password=RIGHT)
BOB: Final = UserScenario(upn="bob@fabrikam.example", password=RIGHT)
CID: Final = UserScenario(upn="cid@contoso.example", mail=SHARED)
DOT: Final = UserScenario(upn="dot@fabrikam.example", mail=SHARED, password=RIGHT)
# Known by an address of the first directory, and to the second one only.
EVE: Final = UserScenario(upn="eve@fabrikam.example", other_mails=("eve@contoso.example",), password=RIGHT)


def second(*users: UserScenario, **changes: Any) -> DirectoryScenario:
    app = AppScenario(
        client_id=OTHER_APP,
        secrets=(SecretScenario(value=OTHER_SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    fields: dict[str, Any] = {
        "id": str(SECOND),
        "name": "Fabrikam",
        "domains": (DomainScenario(name="fabrikam.example", default=True),),
        "apps": (app,),
        "users": users,
    }
    return DirectoryScenario(**{**fields, **changes})


def add(tenant: Tenant, directory: UUID = SECOND, app: str = OTHER_APP, secret: str = OTHER_SECRET) -> None:
    form = ConnectionForm(app, str(directory), "custom", Secret(secret))
    _, report = save_connection(tenant, form, actor=SYSTEM, now=utc_now(), adds=True)
    assert report.fault is None


@pytest.fixture
def entra(start_entra: StartEntra) -> SimulatedEntra:
    group = GroupScenario(display_name="Staff", members=(DOT.upn,))
    return start_entra(ANN, CID, others=(second(BOB, DOT, EVE, groups=(group,)),))


@pytest.fixture
def tenant(entra: SimulatedEntra) -> Tenant:
    made = make_tenant("contoso.example", "fabrikam.example", "elsewhere.example")
    add(made, FIRST, APP, SECRET)
    add(made)
    return made


def read(tenant: Tenant, *directories: UUID) -> None:
    for directory in directories or (FIRST, SECOND):
        sync = request_sync(tenant, actor=SYSTEM, now=utc_now(), directory=directory)
        assert sync_directory(sync.id) is None
    while link_waiting(utc_now()):
        pass


def validate(tenant: Tenant, login: str, password: str = RIGHT) -> VerdictRecord:
    credential = make_credential(tenant, login, password)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    validation.refresh_from_db()
    assert validation.verdict_record is not None
    return validation.verdict_record


def went_to(record: VerdictRecord) -> UUID:
    return UUID(record.evidence["directory"]["entra_tenant_id"])


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize(("login", "directory"), [(ANN.upn, FIRST), (BOB.upn, SECOND)])
def test_a_credential_goes_to_the_directory_of_its_account(
    entra: SimulatedEntra, tenant: Tenant, is_read: bool, login: str, directory: UUID
) -> None:
    if is_read:
        read(tenant)
    record = validate(tenant, login)
    assert (record.verdict, went_to(record)) == (Verdict.ACTIVE, directory)
    (sent,) = entra.journal.attempts_for(login)
    assert str(directory) in sent.path
    attempt = Attempt.objects.get()
    assert attempt.entra_tenant_id == directory
    identity = Identity.objects.get(user_principal_name=login)
    assert identity.entra_tenant_id == directory
    credential = Credential.objects.select_related("identity").get()
    assert str(identity.object_id) in admin_center_link(credential)


def test_the_account_counts_more_than_the_domain(entra: SimulatedEntra, tenant: Tenant) -> None:
    """Its address belongs to the first directory's domain, which does not know it."""
    before = validate(tenant, "eve@contoso.example", "Before-1")
    assert (before.verdict, went_to(before)) == (Verdict.ACCOUNT_NOT_FOUND, FIRST)
    read(tenant)
    after = validate(tenant, "eve@contoso.example", "After-1")
    assert (after.verdict, went_to(after)) == (Verdict.NOT_TESTABLE, SECOND)
    assert "is not a verified domain of the connected directory" in after.evidence["because"]
    assert entra.journal.attempts_for(EVE.upn) == []


def test_a_domain_that_no_directory_has(entra: SimulatedEntra, tenant: Tenant) -> None:
    record = validate(tenant, "x@elsewhere.example")
    assert record.verdict == Verdict.NOT_TESTABLE
    assert "elsewhere.example is not a verified domain" in record.evidence["because"]


def test_a_login_of_two_directories_is_shown_and_never_tested(entra: SimulatedEntra, tenant: Tenant) -> None:
    read(tenant)
    record = validate(tenant, SHARED)
    assert record.verdict == Verdict.NOT_TESTABLE
    for upn in (CID.upn, DOT.upn):
        assert upn in record.evidence["because"]
    assert not Attempt.objects.exists()
    credential = Credential.objects.get()
    assert (credential.identity, credential.matched_by) == (None, "ambiguous")
    assert {each.identity.user_principal_name for each in bearers_of(tenant.id, SHARED)} == {CID.upn, DOT.upn}
    for run in start_runs(tenant, actor=SYSTEM, now=utc_now()):
        finish(run)
    assert not Attempt.objects.exists()
    # The same people in one directory alone: it is somebody's then, so the refusal above has its reason.
    remove_directory(tenant, SECOND, actor=SYSTEM, now=utc_now())
    while link_waiting(utc_now()):
        pass
    credential.refresh_from_db()
    assert credential.identity is not None
    assert credential.identity.user_principal_name == CID.upn


def test_one_who_was_read_elsewhere_alone_stops_an_attempt(entra: SimulatedEntra, tenant: Tenant) -> None:
    """The first directory was never read; asked directly it knows one owner, and the store another one elsewhere."""
    read(tenant, SECOND)
    record = validate(tenant, SHARED)
    assert record.verdict == Verdict.NOT_TESTABLE
    assert not Attempt.objects.exists()


def finish(run: Run) -> Run:
    """The time that is waited for passes at once."""
    ahead = [0.0]

    def now() -> datetime:
        return utc_now() + timedelta(seconds=ahead[0])

    def sleep(seconds: float) -> None:
        ahead[0] += seconds

    for _ in range(50):
        until = drive(run.pk, clock=now, sleep=sleep)
        if until is None:
            break
        sleep(max(0.0, (until - now()).total_seconds()))
    run.refresh_from_db()
    return run


def test_each_directory_has_a_run_of_its_own(entra: SimulatedEntra, tenant: Tenant) -> None:
    read(tenant, SECOND)
    for login in (ANN.upn, BOB.upn, EVE.upn, "x@elsewhere.example"):
        make_credential(tenant, login, RIGHT)
    while link_waiting(utc_now()):
        pass
    assert open_questions(tenant.id, utc_now()) == 4
    runs = start_runs(tenant, actor=SYSTEM, now=utc_now())
    assert [run.entra_tenant_id for run in runs] == [FIRST, SECOND]
    assert start_runs(tenant, actor=SYSTEM, now=utc_now()) == runs
    for run in runs:
        assert finish(run).state == RunState.DONE
    # Nobody's domain goes to the first one.
    assert [(run.credentials, run.attempts) for run in runs] == [(2, 1), (2, 2)]
    verdicts = dict(Credential.objects.values_list("login", "verdict"))
    assert verdicts == {
        ANN.upn: Verdict.ACTIVE,
        BOB.upn: Verdict.ACTIVE,
        EVE.upn: Verdict.ACTIVE,
        "x@elsewhere.example": Verdict.NOT_TESTABLE,
    }


def test_a_run_for_one_of_them(entra: SimulatedEntra, tenant: Tenant) -> None:
    (run,) = start_runs(tenant, actor=SYSTEM, now=utc_now(), directory=SECOND)
    assert run.entra_tenant_id == SECOND
    set_disabled(tenant, True, actor=SYSTEM, now=utc_now(), directory=FIRST)
    assert start_runs(tenant, actor=SYSTEM, now=utc_now()) == [run]
    with pytest.raises(Conflict):
        start_runs(tenant, actor=SYSTEM, now=utc_now(), directory=FIRST)


def test_the_schedule_starts_a_run_where_there_is_a_question(entra: SimulatedEntra, tenant: Tenant) -> None:
    make_credential(tenant, BOB.upn, RIGHT)
    for directory in (FIRST, SECOND):
        save_choices(
            tenant,
            lambda now: revised(now, {"automatic_mode": "attempts"}),
            actor=SYSTEM,
            now=utc_now(),
            directory=directory,
        )
    assert [run.entra_tenant_id for run in start_scheduled_runs(now=utc_now())] == [SECOND]


def test_neither_disturbs_the_other(entra: SimulatedEntra, tenant: Tenant) -> None:
    first, other = connections_of(tenant.id)
    save_choices(tenant, lambda now: revised(now, {"pace": "0.5"}), actor=SYSTEM, now=NOW, directory=SECOND)
    protect(tenant, "account", "ceo@fabrikam.example", actor=SYSTEM, now=NOW, directory=SECOND)
    add_key(
        tenant,
        KeyForm(client_secret=Secret(OTHER_SECRET + "2")),
        actor=SYSTEM,
        now=utc_now(),
        directory=SECOND,
    )
    assert (policy_of(first).pace, policy_of(other).pace) == (1.0, 0.5)
    assert (len(entries_of(first)), len(entries_of(other))) == (0, 1)
    assert (len(keys_of(first)), len(keys_of(other))) == (1, 2)

    halt(first.id, "stopped for a test", now=utc_now(), facts={})
    assert validate(tenant, ANN.upn).verdict == Verdict.INCONCLUSIVE
    assert validate(tenant, BOB.upn).verdict == Verdict.ACTIVE
    check_connection(tenant, actor=SYSTEM, directory=FIRST)
    assert connection_to(tenant.id, FIRST).status == ConnectionStatus.ACTIVE  # type: ignore[union-attr]

    read(tenant, SECOND)
    assert set(Identity.objects.values_list("entra_tenant_id", flat=True)) == {SECOND}


def test_with_several_one_has_to_be_named(entra: SimulatedEntra, tenant: Tenant) -> None:
    with pytest.raises(BadInput) as refused:
        required_connection(tenant.id)
    assert refused.value.field == "directory"
    assert f"{SECOND} (Fabrikam)" in str(refused.value.remedy)
    assert directory_named(tenant.id, " fabrikam ") == SECOND
    assert directory_named(tenant.id, str(SECOND).upper()) == SECOND
    assert directory_named(tenant.id, "") is None
    with pytest.raises(BadInput):
        directory_named(tenant.id, "Nobody's")
    with pytest.raises(NotFound):
        required_connection(tenant.id, UUID(OTHER_APP))
    with pytest.raises(BadInput):
        check_connection(tenant, actor=SYSTEM)
    with pytest.raises(BadInput):
        request_sync(tenant, actor=SYSTEM, now=NOW)


def test_another_tenants_directory_cannot_be_named(entra: SimulatedEntra, tenant: Tenant) -> None:
    stranger = make_tenant("fabrikam.example")
    with pytest.raises(NotFound):
        check_connection(stranger, actor=SYSTEM, directory=SECOND)
    add(stranger)
    assert check_connection(stranger, actor=SYSTEM, directory=SECOND).fault is None
    remove_directory(stranger, SECOND, actor=SYSTEM, now=utc_now())
    assert connection_to(tenant.id, SECOND) is not None


@pytest.mark.usefixtures("entra")
def test_domains_of_another_directory_are_no_warning_of_this_one(tenant: Tenant) -> None:
    def told(directory: UUID) -> str:
        report = check_connection(tenant, actor=SYSTEM, directory=directory)
        return next(item.sentence for item in report.items if item.name == "Domains")

    # The first one was checked when it was alone.
    assert told(FIRST) == "Not a verified domain of this directory: elsewhere.example."
    assert told(SECOND) == "Not a verified domain of this directory: elsewhere.example."
    set_domains(tenant, ["contoso.example", "hr.contoso.example"], actor=SYSTEM, now=utc_now())
    assert told(SECOND) == "The monitored domains are those of other directories of this tenant."
    assert told(FIRST) == "Every monitored domain is verified here: contoso.example, hr.contoso.example."


def test_what_saving_means(entra: SimulatedEntra, tenant: Tenant) -> None:
    form = ConnectionForm(OTHER_APP, str(SECOND), "custom", Secret(OTHER_SECRET))
    with pytest.raises(BadInput) as twice:
        save_connection(tenant, form, actor=SYSTEM, now=NOW, adds=True)
    assert twice.value.field == "entra_tenant_id"
    with pytest.raises(BadInput):
        save_connection(tenant, form, actor=SYSTEM, now=NOW, directory=FIRST)
    assert len(connections_of(tenant.id)) == 2
    # Without a name it is the one that the form names.
    saved, _ = save_connection(tenant, form, actor=SYSTEM, now=NOW)
    assert saved.pk == connection_to(tenant.id, SECOND).pk  # type: ignore[union-attr]


def test_a_directory_that_is_removed_takes_its_accounts_along(entra: SimulatedEntra, tenant: Tenant) -> None:
    neighbour = make_tenant("fabrikam.example")
    add(neighbour)
    read(tenant)
    read(neighbour, SECOND)
    record = validate(tenant, BOB.upn)
    credential = Credential.objects.get(tenant=tenant)
    assert credential.identity is not None
    remove_directory(tenant, SECOND, actor=SYSTEM, now=utc_now())
    while link_waiting(utc_now()):
        pass

    assert [each.entra_tenant_id for each in connections_of(tenant.id)] == [FIRST]
    for table in (Identity, Group, GroupMember):
        assert not table.objects.filter(tenant=tenant, entra_tenant_id=SECOND).exists()
        assert table.objects.filter(tenant=neighbour, entra_tenant_id=SECOND).exists()
    assert Identity.objects.filter(tenant=tenant, entra_tenant_id=FIRST).count() == 2
    after = Credential.objects.get(pk=credential.pk)
    assert (after.identity, after.matched_by) == (None, "")
    assert VerdictRecord.objects.filter(pk=record.pk).exists()
    assert Attempt.objects.get().entra_tenant_id == SECOND
    row = AuditRow.objects.filter(action="directory.removed").get()
    assert row.subject == f"directory:{SECOND}"
    with pytest.raises(NotFound):
        remove_directory(tenant, SECOND, actor=SYSTEM, now=utc_now())


def test_what_waits_when_the_last_directory_goes_is_told(entra: SimulatedEntra, tenant: Tenant) -> None:
    credential = make_credential(tenant, ANN.upn, RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    (run, _) = start_runs(tenant, actor=SYSTEM, now=utc_now())
    for directory in (FIRST, SECOND):
        remove_directory(tenant, directory, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    validation.refresh_from_db()
    assert validation.verdict_record is not None
    assert "not connected to a directory any more" in validation.verdict_record.evidence["because"]
    drive(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.STOPPED
    assert "no longer connected" in run.sentence


def test_a_reading_whose_directory_is_removed_stores_nothing_more(
    entra: SimulatedEntra, tenant: Tenant
) -> None:
    sync = request_sync(tenant, actor=SYSTEM, now=utc_now(), directory=SECOND)
    assert sync_directory(sync.id, for_at_most=timedelta(0)) is not None
    remove_directory(tenant, SECOND, actor=SYSTEM, now=utc_now())
    assert sync_directory(sync.id) is None
    assert not Identity.objects.exists()
    assert DirectoryConnection.objects.filter(tenant=tenant).count() == 1
