"""``emberwatch remediate``: plan, approve, carry out and undo what is done to the account of a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.cli.waiting import Moving, say_if_nobody_works, wait_until_at_rest
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from uuid import UUID

    from emberwatch.remediation.models import RemediationPlan
    from emberwatch.remediation.services import Proposal, Wish
    from emberwatch.tenants.models import Tenant


def remediate(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    credential: Annotated[str, typer.Option(help="The id of a credential whose account is meant.")] = "",
    action: Annotated[
        list[str] | None,
        typer.Option(help="What to do; may be given several times. Without it: what can be done."),
    ] = None,
    group: Annotated[str, typer.Option(help="The object id of the group, for the actions on groups.")] = "",
    reason: Annotated[str, typer.Option(help="Why; written into the audit.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    approve: Annotated[str, typer.Option(help="The id of a plan to approve.")] = "",
    cancel: Annotated[str, typer.Option(help="The id of a plan to cancel.")] = "",
    undo: Annotated[str, typer.Option(help="The id of a plan to undo, by a plan of its own.")] = "",
    show: Annotated[str, typer.Option(help="The id of a plan to show.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is read back; starts a worker if none runs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change the account of a leaked credential: plan, approve, carry out, read back, undo."""
    if sum(map(bool, (credential, approve, cancel, undo, show))) != 1:
        raise BadInput(
            "Say what to do.", remedy="Give one of --credential, --approve, --cancel, --undo and --show."
        )
    start()
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(tenant)
    if credential:
        _ask(found, _wish(found, credential, action or [], group), reason, dry_run=dry_run, as_json=as_json)
        return
    plan = _moved(found, reason, approve=approve, cancel=cancel, undo=undo, show=show)
    if wait:
        wait_until_at_rest(lambda: _moving(plan.pk), "settled")
    _say(plan.pk, as_json=as_json)
    if approve and not wait:
        say_if_nobody_works()


def _wish(tenant: Tenant, credential_id: str, actions: list[str], group: str) -> Wish:
    from uuid import UUID

    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.exposures.queries import access_credential
    from emberwatch.remediation.services import kinds_of, wish_for
    from emberwatch.tenants.policy import Permission

    found = access_credential(command_line_actor(), tenant.pk, credential_id, Permission.REMEDIATE)
    try:
        group_id = UUID(group) if group else None
    except ValueError:
        raise BadInput("The group needs its object id.", field="group_id") from None
    return wish_for(found, kinds_of(actions), group_id)


def _ask(tenant: Tenant, wish: Wish, reason: str, *, dry_run: bool, as_json: bool) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.remediation.services import propose, request_plan

    if not wish.kinds:
        _print_offers(wish, as_json=as_json)
    elif dry_run:
        _print_proposal(propose(wish, actor=command_line_actor()), as_json=as_json)
    else:
        plan = request_plan(wish, reason=reason, actor=command_line_actor(), now=utc_now())
        _say(plan.pk, as_json=as_json)
        if not as_json:
            typer.echo(f"Approve it with: emberwatch remediate '{tenant.name}' --approve {plan.pk}")


def _print_offers(wish: Wish, *, as_json: bool) -> None:
    from emberwatch.cli import remediation_records
    from emberwatch.remediation.services import offers_of

    found = offers_of(wish.identity)
    if as_json:
        print_json(remediation_records.offer(each) for each in found)
        return
    rows = (
        (str(each.kind), each.kind.label, each.why_not.sentence if each.why_not else "") for each in found
    )
    print_table(("Action", "What it does", "Why not"), rows)


def _print_proposal(proposal: Proposal, *, as_json: bool) -> None:
    from emberwatch.cli import remediation_records

    if as_json:
        print_json([remediation_records.proposal(proposal)])
        return
    typer.echo(f"Would be done to {proposal.identity.user_principal_name}, in this order:")
    for place, kind in enumerate(proposal.plan.steps, start=1):
        typer.echo(f"  {place}. {kind.label}")
    if proposal.plan.needs_second_person:
        typer.echo(f"A second person has to approve. {proposal.plan.needs_second_person}")
    if proposal.plan.notice:
        typer.echo(proposal.plan.notice)


def _moved(
    tenant: Tenant, reason: str, *, approve: str, cancel: str, undo: str, show: str
) -> RemediationPlan:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.remediation.queries import access_plan
    from emberwatch.remediation.services import approve_plan, cancel_plan, undo_plan

    actor, now = command_line_actor(), utc_now()
    plan = access_plan(actor, tenant.pk, approve or cancel or undo or show)
    if approve:
        return approve_plan(plan, actor=actor, now=now)
    if cancel:
        return cancel_plan(plan, actor=actor, now=now)
    return undo_plan(plan, reason=reason, actor=actor, now=now) if undo else plan


def _moving(plan_id: UUID) -> Moving | None:
    """How far a plan is, or ``None`` when it is at rest or has to wait for something."""
    from emberwatch.remediation.models import RemediationPlan, StepState
    from emberwatch.remediation.queries import is_moving

    plan = RemediationPlan.objects.get(pk=plan_id)
    steps = plan.steps.all()
    settled = steps.exclude(state__in=(StepState.PLANNED, StepState.REQUESTED, StepState.APPLIED)).count()
    return Moving(len(steps), settled) if is_moving(plan) and plan.next_at is None else None


def _say(plan_id: UUID, *, as_json: bool) -> None:
    from emberwatch.cli import remediation_records
    from emberwatch.remediation.models import RemediationPlan

    plan = RemediationPlan.objects.select_related("identity").get(pk=plan_id)
    if as_json:
        print_json([remediation_records.plan(plan)])
        return
    typer.echo(f"Plan {plan.pk} for {plan.identity.user_principal_name}: {plan.get_state_display()}.")
    for line in (
        plan.sentence,
        plan.needs_second_person and f"A second person has to approve. {plan.needs_second_person}",
    ):
        if line:
            typer.echo(line)
    rows = (
        (
            str(step.position),
            step.get_kind_display(),
            step.get_state_display(),
            f"{step.sentence} {step.remedy}".strip(),
        )
        for step in plan.steps.all()
    )
    print_table(("", "Action", "State", "What became of it"), rows)
    if plan.notice:
        typer.echo(plan.notice)
