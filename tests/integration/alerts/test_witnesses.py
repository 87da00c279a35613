"""What other use cases tell, through the pipeline's own table: imports, remediation, the kill switch."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts import tasks
from emberwatch.alerts.models import Alert, AlertRule
from emberwatch.alerts.policy import Fact
from emberwatch.audit.services import record
from emberwatch.core.clock import utc_now
from emberwatch.engine.facts import announce
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.remediation.models import PlanState, RemediationPlan, StepState
from emberwatch.tenants.models import Tenant
from emberwatch.validation.stopping import stop_everything
from tests.factories import NOW, connect, make_credential, make_plan
from tests.integration.alerts.conftest import make_rule, make_webhook
from tests.integration.conftest import StartEntra
from tests.receivers import HttpReceiver
from tests.world import APP, DIRECTORY, SECRET

# Jobs read the real time, and what is too old is not told.
LATER = utc_now()


@pytest.fixture(autouse=True)
def rule(tenant: Tenant, receiver: HttpReceiver) -> AlertRule:
    return make_rule(tenant, make_webhook(tenant, receiver), facts=list(Fact))


def work() -> None:
    """Does what the pipeline has asked of alerts, as a worker would."""
    for job in ProcrastinateJob.objects.filter(task_name="alerts.gather_told"):
        tasks.told(**job.args)


def told() -> list[tuple[str, str]]:
    return [(alert.fact, alert.told["title"]) for alert in Alert.objects.order_by("pk")]


@pytest.mark.parametrize(
    ("state", "title", "severity"),
    [
        (ImportState.DONE, "Import finished: leak.txt", "low"),
        (ImportState.FAILED, "Import failed: leak.txt", "medium"),
    ],
)
def test_an_import_that_ended(tenant: Tenant, state: ImportState, title: str, severity: str) -> None:
    found = Import.objects.create(
        tenant=tenant,
        file_name="leak.txt",
        state=state,
        matched_new=5,
        requested_by="t",
        requested_at=NOW,
        finished_at=LATER,
    )
    announce("import.finished", import_id=str(found.pk), tenant_id=str(tenant.pk))
    work()
    assert told() == [("import_finished", title)]
    [alert] = Alert.objects.all()
    assert alert.severity == severity
    assert ["New credentials", "5"] in alert.told["facts"]


@pytest.fixture
def plan(tenant: Tenant, start_entra: StartEntra) -> RemediationPlan:
    start_entra()
    made = make_plan(make_credential(tenant), connect(tenant, DIRECTORY, APP, SECRET))
    RemediationPlan.objects.filter(pk=made.pk).update(state=PlanState.DONE, finished_at=LATER)
    made.steps.update(state=StepState.CONFIRMED, confirmed_at=LATER)
    return made


def finished(plan: RemediationPlan) -> None:
    announce("remediation.finished", plan_id=str(plan.pk), tenant_id=str(plan.tenant_id))
    work()


def test_contained_is_told_with_the_account(plan: RemediationPlan) -> None:
    finished(plan)
    assert told() == [("contained", "Contained: ann@contoso.example")]
    [alert] = Alert.objects.all()
    assert UUID(alert.told["identity_id"]) == plan.identity_id


@pytest.mark.parametrize("state", [StepState.FAILED, StepState.DRIFTED])
def test_a_plan_of_which_something_failed_contains_nothing(plan: RemediationPlan, state: StepState) -> None:
    plan.steps.update(state=state)
    finished(plan)
    assert told() == []


def test_an_undoing_contains_nothing(plan: RemediationPlan, tenant: Tenant) -> None:
    first = RemediationPlan.objects.get(pk=plan.pk)
    first.pk, first.state = None, PlanState.DONE
    first.id = UUID(int=7)
    first.save(force_insert=True)
    RemediationPlan.objects.filter(pk=plan.pk).update(undoes=first)
    finished(plan)
    assert told() == []


def test_drifted_is_told_and_other_moves_are_not(plan: RemediationPlan) -> None:
    step = plan.steps.get()
    for state in (StepState.APPLIED, StepState.CONFIRMED):
        announce("remediation.step_moved", plan_id=str(plan.pk), step_id=str(step.pk), state=state.value)
    work()
    assert told() == []
    plan.steps.update(state=StepState.DRIFTED, sentence="Somebody enabled it.")
    announce("remediation.step_moved", plan_id=str(plan.pk), step_id=str(step.pk), state="drifted")
    work()
    assert told() == [("drifted", "Drifted: ann@contoso.example")]
    [alert] = Alert.objects.all()
    assert alert.severity == "high"
    assert any("Somebody enabled it." in value for _, value in alert.told["facts"])


def test_the_kill_switch_is_told_to_every_tenant_that_asks(tenant: Tenant) -> None:
    stop_everything("an attack on the sign-in service", actor=SYSTEM, now=LATER)
    work()
    [alert] = Alert.objects.all()
    assert alert.fact == "kill_switch"
    assert ["Reason", "an attack on the sign-in service"] in alert.told["facts"]


def test_automation_that_stopped_is_told_with_its_reason(tenant: Tenant) -> None:
    trip = uuid4()
    with transaction.atomic():
        facts = {"policy": "Night", "why": "Five accounts in an hour are too many."}
        record(tenant.pk, "automation.stopped", f"breaker:{trip}", actor=SYSTEM, now=LATER, facts=facts)
        announce("automation.stopped", trip_id=str(trip), tenant_id=str(tenant.pk))
    work()
    assert told() == [("automation_stopped", "Automation stopped")]
    assert ["Why", "Five accounts in an hour are too many."] in Alert.objects.get().told["facts"]
