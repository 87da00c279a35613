"""Asking for a plan, approving, cancelling and undoing it. How it is carried out stands in ``executing.py``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.core.listing import plain_text
from emberwatch.directories.actions import WORDS, ActionKind
from emberwatch.directories.base import Directory
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_to
from emberwatch.directories.services import open_directory, opened
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.remediation.looking import fresh_target, stored_target
from emberwatch.remediation.models import (
    MOVING_STATES,
    UNSETTLED_STEPS,
    WAITING_STATES,
    PlanState,
    RemediationPlan,
    RemediationStep,
    StepState,
)
from emberwatch.remediation.policy import Offer, Plan, Target, inverse_of, make_plan, notice_for, offers
from emberwatch.remediation.safeguards import safeguards
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

LONGEST_REASON: Final = 500
Opener = Callable[[DirectoryConnection], Directory]


def dry_directory(connection: DirectoryConnection) -> Directory:
    """Whatever a plan is decided on is read by a client that cannot write."""
    return open_directory(connection, dry_run=True)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants done, and to which account."""

    identity: Identity
    kinds: tuple[ActionKind, ...]
    credential: Credential | None = None
    group_id: UUID | None = None
    undoes: RemediationPlan | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan that nobody has asked for yet, with what is offered and what is not."""

    identity: Identity
    plan: Plan
    offers: tuple[Offer, ...]
    group_id: UUID | None = None


def wish_for(credential: Credential, kinds: Collection[ActionKind], group_id: UUID | None = None) -> Wish:
    """Raises :class:`Conflict` when nobody knows yet whose login it is."""
    if credential.identity is None:
        raise Conflict(
            "The account of this credential is not known yet.",
            remedy="Validate the credential first: that finds its account.",
        )
    return Wish(credential.identity, tuple(dict.fromkeys(kinds)), credential, group_id)


def kinds_of(names: Collection[str]) -> tuple[ActionKind, ...]:
    """Raises :class:`BadInput` for a name that is no action."""
    try:
        return tuple(ActionKind(name) for name in names)
    except ValueError:
        known = ", ".join(ActionKind)
        raise BadInput("There is no such action.", remedy=f"Actions: {known}.", field="actions") from None


def offers_of(identity: Identity) -> tuple[Offer, ...]:
    """What can be done to an account by all that is stored; asks the directory nothing."""
    return offers(stored_target(_connection_to(identity), identity))


def notice_of(identity: Identity) -> str:
    """What people have to do elsewhere, ready to be sent."""
    return notice_for(stored_target(_connection_to(identity), identity))


def _connection_to(identity: Identity) -> DirectoryConnection:
    connection = connection_to(identity.tenant_id, identity.entra_tenant_id)
    if connection is None:
        raise Conflict(
            "The account belongs to a directory that this tenant is not connected to any more.",
            remedy="Connect the tenant to that directory again.",
        )
    return connection


def propose(wish: Wish, *, actor: Actor, directory_for: Opener = dry_directory) -> Proposal:
    """The dry run: reads the account afresh and says what would be done. Stores nothing, changes nothing."""
    require(actor, wish.identity.tenant, Permission.REMEDIATE)
    connection = _connection_to(wish.identity)
    if connection.status == ConnectionStatus.DISABLED:
        raise Conflict("The directory connection is switched off.", remedy="An admin can switch it on again.")
    with opened(connection, directory_for) as directory:
        target = fresh_target(connection, wish.identity, directory, wish.group_id)
    return Proposal(wish.identity, make_plan(target, wish.kinds), offers(target), _group_of(wish, target))


def _group_of(wish: Wish, target: Target) -> UUID | None:
    return wish.group_id if target.group and any(kind.needs_group for kind in wish.kinds) else None


def request_plan(
    wish: Wish, *, reason: str, actor: Actor, now: datetime, directory_for: Opener = dry_directory
) -> RemediationPlan:
    """Stores a plan that waits for approval. Raises :class:`Conflict` when one waits for this account already."""
    reason = plain_text(reason, LONGEST_REASON)
    if not reason:
        raise BadInput("A reason is needed.", field="reason")
    proposal = propose(wish, actor=actor, directory_for=directory_for)
    stopped = safeguards().why_stopped()
    if stopped:
        raise Conflict(
            f"The kill switch of this installation is on: {stopped}",
            remedy="An organisation admin can lift it.",
        )
    try:
        with transaction.atomic():
            return _store(wish, proposal, reason, actor, now)
    except IntegrityError:
        raise _already_waiting(wish) from None


def _already_waiting(wish: Wish) -> Conflict:
    if wish.undoes is not None and wish.undoes.undone_by.exclude(state=PlanState.CANCELLED).exists():
        return Conflict("This plan is being undone already.")
    return Conflict(
        "A plan for this account waits already.", remedy="Approve or cancel it before you ask for another."
    )


def _store(wish: Wish, proposal: Proposal, reason: str, actor: Actor, now: datetime) -> RemediationPlan:
    plan = RemediationPlan.objects.create(
        tenant_id=wish.identity.tenant_id,
        identity=wish.identity,
        credential=wish.credential,
        entra_tenant_id=wish.identity.entra_tenant_id,
        reason=reason,
        requested_by=actor.label,
        requested_at=now,
        needs_second_person=proposal.plan.needs_second_person[:500],
        notice=proposal.plan.notice,
        group_object_id=proposal.group_id,
        undoes=wish.undoes,
    )
    RemediationStep.objects.bulk_create(
        RemediationStep(plan=plan, position=place, kind=kind)
        for place, kind in enumerate(proposal.plan.steps, start=1)
    )
    facts = {"actions": list(proposal.plan.steps), "account": str(wish.identity.object_id)}
    if wish.undoes is not None:
        facts["undoes"] = str(wish.undoes.pk)
    audit(plan, "remediation.requested", actor, now, reason=reason, **facts)
    announce("remediation.requested", plan_id=str(plan.pk), tenant_id=str(plan.tenant_id))
    return plan


def approve_plan(plan: RemediationPlan, *, actor: Actor, now: datetime) -> RemediationPlan:
    """Lets a plan be carried out. Raises :class:`NotAllowed` when it has to be somebody else."""
    require(actor, plan.tenant, Permission.REMEDIATE)
    with transaction.atomic():
        plan = locked_plan(plan.pk)
        if plan.state != PlanState.AWAITING_APPROVAL:
            raise Conflict(f"The plan is {plan.get_state_display().lower()}.")
        if plan.needs_second_person and actor.label == plan.requested_by:
            raise NotAllowed(
                f"A second person has to approve this. {plan.needs_second_person}",
                remedy="Ask another analyst or an admin of the tenant.",
            )
        plan.state, plan.sentence = PlanState.APPROVED, ""
        plan.approved_by, plan.approved_at = actor.label, now
        plan.save()
        audit(plan, "remediation.approved", actor, now)
        announce("remediation.moves", plan_id=str(plan.pk), seconds=0)
    return plan


def cancel_plan(plan: RemediationPlan, *, actor: Actor, now: datetime) -> RemediationPlan:
    """Nothing more is sent for it; what was sent stays, and can be undone."""
    require(actor, plan.tenant, Permission.REMEDIATE)
    with transaction.atomic():
        plan = locked_plan(plan.pk)
        if plan.state not in (*WAITING_STATES, *MOVING_STATES):
            raise Conflict(f"The plan is {plan.get_state_display().lower()}.")
        sentence = f"Cancelled by {actor.label}."
        waiting = plan.steps.filter(state=StepState.PLANNED)
        if not waiting.update(state=StepState.SKIPPED, sentence=sentence[:500]):
            raise Conflict("Everything of this plan has been sent already.", remedy="It can be undone.")
        _end_cancelled(plan, sentence, now)
        audit(plan, "remediation.cancelled", actor, now)
    return plan


def _end_cancelled(plan: RemediationPlan, sentence: str, now: datetime) -> None:
    was_sent = plan.steps.exclude(requested_at=None).exists()
    is_open = plan.steps.filter(state__in=UNSETTLED_STEPS).exists()
    done = PlanState.DONE if was_sent else PlanState.CANCELLED
    plan.state = PlanState.RUNNING if is_open else done
    plan.sentence, plan.next_at = sentence[:500], None
    plan.finished_at = None if is_open else now
    plan.save()


def undo_plan(
    plan: RemediationPlan,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    directory_for: Opener = dry_directory,
) -> RemediationPlan:
    """A plan that takes back exactly what this one did; it waits for approval like any other."""
    require(actor, plan.tenant, Permission.REMEDIATE)
    wish = Wish(plan.identity, undoable(plan), plan.credential, plan.group_object_id, undoes=plan)
    if plan.undone_by.exclude(state=PlanState.CANCELLED).exists():
        raise Conflict("This plan is being undone already.")
    if not wish.kinds:
        raise Conflict("Nothing of this plan can be undone.", remedy=_why_it_stays(plan))
    return request_plan(wish, reason=reason, actor=actor, now=now, directory_for=directory_for)


def undoable(plan: RemediationPlan) -> tuple[ActionKind, ...]:
    """What would take back what this plan did. What was so before is not ours to take back."""
    if any(step.state == StepState.PLANNED for step in plan.steps.all()):
        return ()
    return inverse_of(_done(plan))


def _done(plan: RemediationPlan) -> list[ActionKind]:
    done = (StepState.APPLIED, StepState.CONFIRMED)
    return [ActionKind(step.kind) for step in plan.steps.all() if step.state in done]


def _why_it_stays(plan: RemediationPlan) -> str:
    return " ".join(stays for kind in _done(plan) if (stays := WORDS[kind].stays))


def locked_plan(plan_id: UUID) -> RemediationPlan:
    rows = RemediationPlan.objects.select_for_update(of=("self",)).select_related("tenant", "identity")
    return rows.get(pk=plan_id)


def audit(
    plan: RemediationPlan, action: str, actor: Actor, now: datetime, reason: str = "", **facts: Any
) -> None:
    record(
        plan.tenant_id,
        action,
        f"remediation:{plan.pk}",
        actor=actor,
        now=now,
        reason=reason,
        facts=facts,
    )
