"""What an operator chooses: saved, bound by the rule, audited, in force at once, and never told to the wrong tenant."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput, Conflict, NotAllowed, NotFound
from emberwatch.directories.gate import locked_gate
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.tenants.models import Tenant
from emberwatch.validation.choices import kill_switch, policy_of
from emberwatch.validation.models import (
    Attempt,
    AttemptState,
    ProtectedEntry,
    Run,
    RunState,
    ValidationPolicy,
)
from emberwatch.validation.operating import choices_of, protect, save_choices, unprotect
from emberwatch.validation.options import Choices, revised
from emberwatch.validation.oversight import activity_of, in_force, soc_facts, unknown_codes
from emberwatch.validation.policy import Hybrid, Mode
from emberwatch.validation.soc import MOST_IDS
from emberwatch.validation.stopping import earlier_stops, lift_kill_switch, stop_everything
from tests.factories import NOW, make_actor, make_tenant
from tests.world import APP, DIRECTORY

pytestmark = pytest.mark.django_db


def connected(tenant: Tenant | None = None, **fields: Any) -> DirectoryConnection:
    values = {"cloud": "global", "entra_tenant_id": UUID(DIRECTORY), "client_id": UUID(APP)} | fields
    return DirectoryConnection.objects.create(
        tenant=tenant or make_tenant(),
        status=ConnectionStatus.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
        **values,
    )


def save(connection: DirectoryConnection, **typed: str) -> ValidationPolicy:
    return save_choices(connection.tenant, lambda now: revised(now, typed), actor=SYSTEM, now=NOW)


def attempt(connection: DirectoryConnection, **fields: Any) -> Attempt:
    values = {"client_id": connection.client_id, "reserved_at": NOW, "state": AttemptState.ANSWERED} | fields
    return Attempt.objects.create(
        tenant=connection.tenant,
        entra_tenant_id=connection.entra_tenant_id,
        object_id=uuid4(),
        pair_fingerprint=b"x",
        **values,
    )


def test_choices_are_stored_audited_and_wake_runs() -> None:
    connection = connected()
    run = Run.objects.create(
        tenant=connection.tenant,
        entra_tenant_id=DIRECTORY,
        mode=Mode.ATTEMPTS,
        state=RunState.WAITING,
        requested_by="t",
        requested_at=NOW,
    )
    save(connection, pace="0.5", hours_from="22:00", hours_until="06:00", egress_addresses="203.0.113.7")
    found = choices_of(ValidationPolicy.objects.get(connection=connection))
    assert found == Choices(
        pace=0.5, hours_from=time(22), hours_until=time(6), egress_addresses=("203.0.113.7",)
    )
    row = AuditRow.objects.get(chain=connection.tenant_id, action="validation.choices_saved")
    assert row.facts["pace"] == [1.0, 0.5]
    assert set(row.facts) == {"pace", "hours_from", "hours_until", "egress_addresses"}
    jobs = ProcrastinateJob.objects.filter(task_name="validation.wake")
    assert [job.args for job in jobs] == [{"tenant_id": str(run.tenant_id)}]

    save(connection, pace="0.5")
    assert AuditRow.objects.filter(action="validation.choices_saved").count() == 1


@pytest.mark.parametrize(
    ("fields", "rule"),
    [({}, 2), ({"cloud": "usgov"}, 1), ({"lockout_threshold": 5}, 1), ({"lockout_threshold": 3}, 0)],
)
def test_a_choice_only_tightens_the_directorys_rule(fields: dict[str, Any], rule: int) -> None:
    connection = connected(**fields)
    assert save(connection, failed_attempts_allowed=str(rule)).failed_attempts_allowed == rule
    # Its own choice does not become the rule.
    save(connection, failed_attempts_allowed="0")
    save(connection, failed_attempts_allowed=str(rule))
    with pytest.raises(BadInput, match=f"allows at most {rule} failed attempts"):
        save(connection, failed_attempts_allowed=str(rule + 1))
    assert policy_of(connection).failed_attempts_allowed == rule


def test_who_may_not_configure_changes_nothing() -> None:
    connection = connected()
    tenant = connection.tenant
    entry = protect(tenant, "account", "ceo@contoso.example", actor=SYSTEM, now=NOW)
    for role in ("viewer", "analyst"):
        actor = make_actor(tenant, role)
        with pytest.raises(NotAllowed):
            save_choices(tenant, lambda _: Choices(pace=2.0), actor=actor, now=NOW)
        with pytest.raises(NotAllowed):
            protect(tenant, "account", "ben@contoso.example", actor=actor, now=NOW)
        with pytest.raises(NotAllowed):
            unprotect(tenant, entry.id, actor=actor, now=NOW)
    admin = make_actor(tenant, "admin")
    save_choices(tenant, lambda _: Choices(pace=2.0), actor=admin, now=NOW)
    unprotect(tenant, entry.id, actor=admin, now=NOW)
    assert policy_of(connection).pace == 2.0
    assert not ProtectedEntry.objects.exists()


def test_an_entry_is_listed_once_and_reached_through_its_own_tenant_alone() -> None:
    mine, theirs = connected(), connected()
    group = str(uuid4())
    first = protect(mine.tenant, "group", group.upper(), " the   board ", actor=SYSTEM, now=NOW)
    again = protect(mine.tenant, "group", group, actor=SYSTEM, now=NOW)
    assert (first.id, first.value, first.note) == (again.id, group, "the board")
    assert AuditRow.objects.filter(action="validation.protected").count() == 1
    with pytest.raises(NotFound):
        unprotect(theirs.tenant, first.id, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        unprotect(mine.tenant, "x", actor=SYSTEM, now=NOW)
    unprotect(mine.tenant, first.id, actor=SYSTEM, now=NOW)
    assert AuditRow.objects.get(action="validation.unprotected").subject == f"group:{group}"


@pytest.mark.parametrize(
    ("kind", "value", "note", "field"),
    [
        ("person", "ann@contoso.example", "", "kind"),
        ("group", "ann@contoso.example", "", "value"),
        ("account", "ann@contoso.example", "x" * 201, "note"),
    ],
)
def test_what_cannot_be_protected(kind: str, value: str, note: str, field: str) -> None:
    tenant = connected().tenant
    with pytest.raises(BadInput) as refused:
        protect(tenant, kind, value, note, actor=SYSTEM, now=NOW)
    assert refused.value.field == field


def test_another_tenant_on_the_directory_binds_and_is_not_named() -> None:
    mine, theirs = connected(), connected()
    connected(entra_tenant_id=uuid4())
    save(mine, pace="4", failed_attempts_allowed="2")
    assert in_force(mine).stricter_elsewhere == ()
    save(theirs, pace="0.5", failed_attempts_allowed="1", hybrid=Hybrid.PASS_THROUGH.value)
    protect(theirs.tenant, "account", "ceo@contoso.example", actor=SYSTEM, now=NOW)
    found = in_force(mine)
    assert (found.failed_attempts_allowed, found.rule, found.pace) == (1, 2, 0.5)
    assert found.stricter_elsewhere == ("failed_attempts_allowed", "pace", "hybrid", "protected")
    assert theirs.tenant.name not in repr(found)
    assert in_force(theirs).stricter_elsewhere == ()


def test_the_kill_switch_is_thrown_once_and_wakes_every_run_when_it_is_lifted() -> None:
    actor = make_actor(organisation_admin=True)
    with pytest.raises(Conflict):
        lift_kill_switch(actor=actor, now=NOW)
    stop_everything("  An alert\n of the SOC ", actor=actor, now=NOW)
    switch = kill_switch()
    assert switch is not None
    assert switch.reason == "An alert of the SOC"
    with pytest.raises(Conflict, match="on already"):
        stop_everything("another", actor=actor, now=NOW)
    lift_kill_switch(actor=actor, now=NOW + timedelta(hours=1))
    assert kill_switch() is None
    assert [stop.reason for stop in earlier_stops()] == ["An alert of the SOC"]
    rows = AuditRow.objects.filter(action__in=("validation.stopped", "validation.resumed")).order_by(
        "sequence"
    )
    assert [(row.action, row.actor) for row in rows] == [
        ("validation.stopped", actor.label),
        ("validation.resumed", actor.label),
    ]
    assert len({row.chain for row in rows}) == 1
    assert ProcrastinateJob.objects.filter(task_name="validation.wake_all").count() == 1


def test_only_an_organisation_admin_stops_everything() -> None:
    tenant = make_tenant()
    for role in ("viewer", "analyst", "admin"):
        with pytest.raises(NotAllowed):
            stop_everything("x", actor=make_actor(tenant, role), now=NOW)
    stop_everything("x", actor=SYSTEM, now=NOW)
    with pytest.raises(NotAllowed):
        lift_kill_switch(actor=make_actor(tenant, "admin"), now=NOW)
    assert kill_switch() is not None


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501])
def test_a_stop_needs_a_reason_that_can_be_read(reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        stop_everything(reason, actor=SYSTEM, now=NOW)
    assert refused.value.field == "reason"
    assert kill_switch() is None


def test_unknown_codes_are_counted_for_their_own_tenant() -> None:
    mine, theirs = connected(), connected()
    for days in (0, 2):
        attempt(mine, code="AADSTS999001", unknown_code=True, reserved_at=NOW - timedelta(days=days))
    attempt(mine, code="AADSTS50126")
    attempt(theirs, code="AADSTS999002", unknown_code=True)
    (found,) = unknown_codes(mine.tenant_id)
    assert (found.code, found.times) == ("AADSTS999001", 2)
    assert (found.first_at, found.last_at) == (NOW - timedelta(days=2), NOW)
    assert {each.code for each in unknown_codes(None)} == {"AADSTS999001", "AADSTS999002"}


def test_activity_counts_24_hours_of_this_tenant_against_the_pace() -> None:
    mine, theirs = connected(), connected()
    save(mine, pace="0.5")
    attempt(mine)
    attempt(mine, reserved_at=NOW - timedelta(hours=25))
    attempt(theirs)
    found = activity_of(mine, NOW)
    assert (found.attempts, found.most_at_this_pace, found.log_state) == (1, 43_200, "not_asked")
    gate = locked_gate(mine.entra_tenant_id)
    gate.log_read_until = NOW
    gate.save()
    assert activity_of(mine, NOW).log_state == "read"
    gate.log_refused_because = "The licence does not include this."
    gate.save()
    assert activity_of(mine, NOW).log_state == "refused"


def test_the_soc_is_told_of_this_tenants_attempts_with_this_application() -> None:
    mine, theirs = connected(), connected()
    save(mine, egress_addresses="203.0.113.7")
    newest, older = attempt(mine), attempt(mine, reserved_at=NOW - timedelta(days=3))
    attempt(mine, reserved_at=NOW - timedelta(days=9))
    attempt(mine, client_id=uuid4())
    attempt(theirs)
    found = soc_facts(mine, 7, NOW)
    assert found.attempt_ids == (newest.id, older.id)
    assert (found.attempts, found.egress_addresses, MOST_IDS) == (2, ("203.0.113.7",), 5000)
    for days in (0, 91):
        with pytest.raises(BadInput):
            soc_facts(mine, days, NOW)
