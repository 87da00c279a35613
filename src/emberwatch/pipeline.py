"""The whole flow in one table: which jobs follow which fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from emberwatch.alerts import gathering as alerting
from emberwatch.alerts import tasks as alerts
from emberwatch.alerts.policy import Fact
from emberwatch.alerts.witnesses import Told, Witnesses
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.directories.tasks import forget_calls
from emberwatch.engine.facts import FactHandler
from emberwatch.exposures.tasks import link
from emberwatch.identities import tasks as identities
from emberwatch.ingestion import tasks as ingestion
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.remediation import tasks as remediation
from emberwatch.remediation.models import RemediationPlan, RemediationStep, StepState
from emberwatch.remediation.safeguards import ProtectedPair, Safeguards
from emberwatch.validation.choices import kill_switch, protected_of
from emberwatch.validation.tasks import (
    drive_run,
    move_stalled_runs,
    start_scheduled,
    validate,
    wake_all_runs,
    wake_runs,
    withdraw_changed,
)


def _plan_import(*, import_id: str) -> None:
    ingestion.plan.defer(import_id=import_id)


def _read_piece(*, piece_id: str) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}").defer(piece_id=piece_id)


def _read_piece_later(*, piece_id: str, seconds: int) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}", schedule_in={"seconds": seconds}).defer(
        piece_id=piece_id
    )


def _validate(*, validation_id: str, order_by: str) -> None:
    validate.configure(lock=f"login:{order_by}").defer(validation_id=validation_id)


def _validate_later(*, validation_id: str, order_by: str, seconds: int) -> None:
    validate.configure(lock=f"login:{order_by}", schedule_in={"seconds": seconds}).defer(
        validation_id=validation_id
    )


def _drive(*, run_id: str, seconds: int) -> None:
    later = drive_run.configure(schedule_in={"seconds": seconds}) if seconds else drive_run
    later.defer(run_id=run_id)


def _wake_runs(*, tenant_id: str) -> None:
    wake_runs.defer(tenant_id=tenant_id)


def _undo_import(*, import_id: str) -> None:
    ingestion.undo.configure(lock=f"undo:{import_id}").defer(import_id=import_id)


def _read_directory(*, sync_id: str, seconds: int) -> None:
    """One waiting job for each reading is enough."""
    job = identities.sync.configure(queueing_lock=f"sync:{sync_id}", schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(sync_id=sync_id)


def _withdraw_changed(*, tenant_id: str, identity_ids: list[str]) -> None:
    withdraw_changed.defer(tenant_id=tenant_id, identity_ids=identity_ids)


def _remediate(*, plan_id: str, seconds: int) -> None:
    """One waiting job is enough, and a person's approval does not wait for one that was put off."""
    when = "later" if seconds else "now"
    job = remediation.execute.configure(
        queueing_lock=f"remediation:{plan_id}:{when}", schedule_in={"seconds": seconds}
    )
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(plan_id=plan_id)


def _read_back(*, plan_id: str, due: str, seconds: int) -> None:
    """One job for each time at which something is due, however often it is asked for."""
    job = remediation.look.configure(queueing_lock=f"look:{plan_id}:{due}", schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(plan_id=plan_id)


def _why_stopped() -> str:
    switch = kill_switch()
    return switch.reason if switch is not None else ""


def _protected_of(entra_tenant_id: UUID) -> frozenset[ProtectedPair]:
    return frozenset((str(each.kind), each.value) for each in protected_of(entra_tenant_id))


# What validation keeps and remediation has to heed; the two do not know each other.
SAFEGUARDS: Final = Safeguards(why_stopped=_why_stopped, protected_of=_protected_of)


def _alert_new(*, tenant_id: str, credential_ids: list[str]) -> None:
    if credential_ids and alerting.wants(tenant_id, Fact.NEW_CREDENTIAL):
        alerts.new_credentials.defer(tenant_id=tenant_id, credential_ids=credential_ids)


def _alert_verdicts(*, tenant_id: str, credential_ids: list[str]) -> None:
    if alerting.wants(tenant_id, *alerting.ABOUT_VERDICTS):
        alerts.verdicts.defer(tenant_id=tenant_id, credential_ids=credential_ids)


def _alert_halt(*, tenant_id: str) -> None:
    if alerting.wants(tenant_id, Fact.DIRECTORY_STOPPED):
        alerts.halts.defer(tenant_id=tenant_id)


def _alert(fact: Fact, tenant_id: str, subject_id: str = "") -> None:
    if alerting.wants(tenant_id, fact):
        alerts.told.defer(tenant_id=tenant_id, fact=fact.value, subject_id=subject_id)


def _alert_import(*, import_id: str, tenant_id: str) -> None:
    _alert(Fact.IMPORT_FINISHED, tenant_id, import_id)


def _alert_contained(*, plan_id: str, tenant_id: str) -> None:
    _alert(Fact.CONTAINED, tenant_id, plan_id)


def _alert_drift(*, plan_id: str, step_id: str, state: str) -> None:
    if state == StepState.DRIFTED:
        _alert(Fact.DRIFTED, str(RemediationPlan.objects.get(pk=plan_id).tenant_id), step_id)


def _alert_automation(*, tenant_id: str, trip_id: str) -> None:
    _alert(Fact.AUTOMATION_STOPPED, tenant_id, trip_id)


def _alert_kill_switch() -> None:
    for tenant_id in alerting.tenants_that_want(Fact.KILL_SWITCH):
        _alert(Fact.KILL_SWITCH, str(tenant_id))


def _compose(*, rule_id: str, seconds: int) -> None:
    """One waiting job for each rule; what it comes too early for, the sweep finds."""
    lock = f"alerts:{rule_id}:{'later' if seconds else 'now'}"
    job = alerts.put_together.configure(queueing_lock=lock, schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(rule_id=rule_id)


def _deliver(*, delivery_id: str, seconds: int) -> None:
    lock = f"delivery:{delivery_id}:{'later' if seconds else 'now'}"
    job = alerts.send.configure(queueing_lock=lock, schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(delivery_id=delivery_id)


def _told_of_import(import_id: UUID) -> Told | None:
    found = Import.objects.filter(pk=import_id).first()
    if found is None or found.finished_at is None:
        return None
    failed = found.state == ImportState.FAILED
    return Told(
        key=f"{found.pk}@{found.finished_at.isoformat()}",
        title=f"Import {'failed' if failed else 'finished'}: {found.file_name}",
        at=found.finished_at,
        facts=(
            ("New credentials", f"{found.matched_new:,}"),
            ("Known already", f"{found.duplicate:,}"),
            ("Rejected", f"{found.rejected:,}"),
            ("Asked by", found.requested_by),
            ("Error", found.error if failed else ""),
        ),
        severity="medium" if failed else "low",
        source_kind=found.source_kind,
        path=reverse("import", args=[found.tenant_id, found.pk]),
        data={"import_id": str(found.pk), "file_name": found.file_name, "state": found.state},
    )


def _told_of_containment(plan_id: UUID) -> Told | None:
    """Contained is an account of which all that was planned is confirmed; an undoing contains nothing."""
    plan = RemediationPlan.objects.select_related("identity").filter(pk=plan_id).first()
    if plan is None or plan.finished_at is None or plan.undoes_id is not None:
        return None
    steps = list(plan.steps.all())
    done = [step for step in steps if step.state == StepState.CONFIRMED]
    if not done or len(done) + sum(step.state == StepState.SKIPPED for step in steps) < len(steps):
        return None
    what = ", ".join(step.get_kind_display() for step in done)
    return _told_of_plan(plan, str(plan.pk), "Contained", plan.finished_at, what, "medium")


def _told_of_drift(step_id: UUID) -> Told | None:
    step = RemediationStep.objects.select_related("plan__identity").filter(pk=step_id).first()
    if step is None or step.confirmed_at is None or step.state != StepState.DRIFTED:
        return None
    key = f"{step.pk}@{step.confirmed_at.isoformat()}"
    what = f"{step.get_kind_display()}. {step.sentence}".strip()
    return _told_of_plan(step.plan, key, "Drifted", utc_now(), what, "high")


def _told_of_plan(plan: RemediationPlan, key: str, word: str, at: datetime, what: str, severity: str) -> Told:
    login = plan.credential.login if plan.credential else plan.identity.user_principal_name
    return Told(
        key=key,
        title=f"{word}: {plan.identity.user_principal_name}",
        at=at,
        facts=(("Login", login), ("What", what), ("Reason", plan.reason), ("Asked by", plan.requested_by)),
        severity=severity,
        path=reverse("remediation", args=[plan.tenant_id, plan.pk]),
        identity_id=plan.identity_id,
        data={"plan_id": str(plan.pk), "login": login},
    )


def _told_of_automation(trip_id: UUID) -> Told | None:
    """From the audit, which has the reason whether the breaker stopped it or a person."""
    rows = AuditRow.objects.filter(action="automation.stopped", subject=f"breaker:{trip_id}")
    row = rows.order_by("-at").first()
    if row is None:
        return None
    why = row.facts.get("why", "") or row.reason
    return Told(
        key=str(trip_id),
        title="Automation stopped",
        at=row.at,
        facts=(("Why", why), ("Policy", row.facts.get("policy", "")), ("By", row.actor)),
        severity="high",
        path=reverse("remediations", args=[row.chain]),
        data={"reason": why},
    )


def _told_of_kill_switch() -> Told | None:
    switch = kill_switch()
    if switch is None:
        return None
    return Told(
        key=switch.stopped_at.isoformat(),
        title="Kill switch thrown: nothing is sent to any directory",
        at=switch.stopped_at,
        facts=(("Reason", switch.reason), ("By", switch.stopped_by)),
        severity="high",
        data={"reason": switch.reason},
    )


# What other use cases know and alerts tell; they do not know each other.
WITNESSES: Final = Witnesses(
    import_finished=_told_of_import,
    contained=_told_of_containment,
    drifted=_told_of_drift,
    automation_stopped=_told_of_automation,
    kill_switch=_told_of_kill_switch,
)


def _link(**_: object) -> None:
    _once(link)()


def _wake_all_runs() -> None:
    wake_all_runs.defer()


def _once(task: Task[..., Any, ...]) -> FactHandler:
    """Every worker tells that time has passed; one waiting job is enough."""

    def defer() -> None:
        # The refusal breaks its own transaction only, not that of what else follows the fact.
        with suppress(AlreadyEnqueued), transaction.atomic():
            task.defer()

    return defer


# Facts without a job stand here too: the table names everything that services announce.
FACTS: Final[Mapping[str, Sequence[FactHandler]]] = {
    "time.passed": (
        _once(ingestion.watch),
        _once(ingestion.tidy),
        _once(forget_calls),
        _once(move_stalled_runs),
        _once(start_scheduled),
        _once(identities.start_due),
        _once(link),
        _once(remediation.move_stalled_plans),
        _once(alerts.sweep),
    ),
    "import.requested": (_plan_import,),
    "import.piece_ready": (_read_piece,),
    "import.piece_postponed": (_read_piece_later,),
    "import.finished": (_link, _alert_import),
    "import.undo_requested": (_undo_import,),
    "import.undone": (),
    # One for a batch of credentials, with the ids of the new ones.
    "credential.recorded": (_alert_new,),
    "directory.checked": (_wake_runs,),
    "directory.sync_moves": (_read_directory,),
    "directory.synced": (_link,),
    # One for a page of accounts, with our ids of those whose password was changed.
    "identity.passwords_changed": (_withdraw_changed,),
    "directory.halted": (_alert_halt,),
    "directory.removed": (_link, _wake_runs),
    "validation.choices_saved": (_wake_runs,),
    "kill_switch.thrown": (_alert_kill_switch,),
    "kill_switch.lifted": (_wake_all_runs,),
    "validation.requested": (_validate,),
    "validation.postponed": (_validate_later,),
    "run.moves": (_drive,),
    "run.finished": (),
    # One for a batch of credentials, with their ids.
    "credential.verdict_set": (_alert_verdicts,),
    "remediation.requested": (),
    "remediation.moves": (_remediate,),
    "remediation.look_due": (_read_back,),
    # With the state that a step has come to: applied, confirmed, drifted, failed, skipped.
    "remediation.step_moved": (_alert_drift,),
    "remediation.finished": (_alert_contained,),
    "automation.stopped": (_alert_automation,),
    "alerts.gathered": (_compose,),
    "alert.delivery_due": (_deliver,),
}
