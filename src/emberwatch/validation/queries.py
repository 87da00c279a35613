"""Reads of validations, runs, and the attempts on an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotFound
from emberwatch.directories.queries import connections_of
from emberwatch.exposures.models import Credential, ExposureKind, VerdictRecord
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.addressing import Share
from emberwatch.validation.choices import limits_of, policy_of
from emberwatch.validation.models import OPEN_STATES, ItemState, Run, RunItem, RunState, Validation
from emberwatch.validation.planning import count_questions


def access_validation(actor: Actor, tenant_id: UUID | str, validation_id: UUID | str) -> Validation:
    """One validation of a tenant; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(validation_id))
    except ValueError:
        raise NotFound("There is no such validation.") from None
    rows = Validation.objects.filter(tenant=tenant, pk=wanted)
    found = rows.select_related("credential__identity", "verdict_record", "tenant").first()
    if found is None:
        raise NotFound("There is no such validation.")
    return found


def open_validation(credential: Credential) -> Validation | None:
    """The validation of a credential that is under way, if there is one."""
    rows = Validation.objects.filter(
        tenant_id=credential.tenant_id, credential=credential, state__in=OPEN_STATES
    )
    return rows.first()


# Whoever waits for a run is told to come back when it would be longer than this.
WORTH_WAITING: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands. Counts of logins are by what is left to do for them."""

    decided: int
    avoided: int
    """Credentials that were decided without a sign-in of their own."""
    to_look_at: int
    to_attempt: int
    to_confirm: int
    ends_at: datetime | None
    """When the sign-ins that are due now will have been sent, at the present pace."""

    @property
    def accounts_left(self) -> int:
        return self.to_look_at + self.to_attempt + self.to_confirm


def access_run(actor: Actor, tenant_id: UUID | str, run_id: UUID | str) -> Run:
    """One run of a tenant; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(run_id))
    except ValueError:
        raise NotFound("There is no such run.") from None
    found = Run.objects.filter(tenant=tenant, pk=wanted).select_related("tenant").first()
    if found is None:
        raise NotFound("There is no such run.")
    return found


def progress_of_run(run: Run, now: datetime) -> RunProgress:
    counted = RunItem.objects.filter(run=run).values_list("state").annotate(Count("pk")).order_by()
    left = dict(counted)
    sign_ins = left.get(ItemState.ATTEMPT, 0) + left.get(ItemState.CONFIRM, 0)
    ends_at = None
    if run.state in (RunState.PLANNING, RunState.RUNNING):
        ends_at = now + timedelta(seconds=sign_ins / limits_of(run.entra_tenant_id).pace)
    return RunProgress(
        decided=run.decided,
        avoided=max(run.decided - run.attempts, 0),
        to_look_at=left.get(ItemState.FACTS, 0),
        to_attempt=left.get(ItemState.ATTEMPT, 0),
        to_confirm=left.get(ItemState.CONFIRM, 0),
        ends_at=ends_at,
    )


def is_at_rest(run: Run, now: datetime) -> bool:
    """Whether nothing will move for a while: it has ended, stands still, or waits for a far slot."""
    if run.state in (RunState.PLANNING, RunState.RUNNING):
        return False
    waits_briefly = run.state == RunState.WAITING and (
        run.next_at is None or run.next_at - now <= WORTH_WAITING
    )
    return not waits_briefly


def credentials_of_run(run: Run) -> QuerySet[Credential]:
    """The credentials of the logins that a run is about, each with its ``newest_evidence``."""
    logins = RunItem.objects.filter(run=run).values("login_canonical")
    rows = Credential.objects.filter(tenant_id=run.tenant_id, login_canonical__in=logins)
    newest = VerdictRecord.objects.filter(credential=OuterRef("pk")).order_by("-at", "-id")
    rows = rows.annotate(newest_evidence=Subquery(newest.values("evidence")[:1]))
    return rows.filter(exposure_kind=ExposureKind.EMPLOYEE).select_related("identity").order_by("pk")


def open_questions(tenant_id: UUID, now: datetime) -> int:
    """How many credentials a run that is started now would be about."""
    connections = connections_of(tenant_id)
    if not connections:
        return count_questions(Share(tenant_id, None), now=now, confirm_likely=False)
    return sum(
        count_questions(
            Share(tenant_id, connection.entra_tenant_id),
            now=now,
            confirm_likely=policy_of(connection).confirm_likely,
        )
        for connection in connections
    )


def newest_runs(tenant: Tenant, *, before: UUID | None = None, limit: int = 50) -> list[Run]:
    """One page of a tenant's runs, newest first; the last id is the keyset."""
    rows = Run.objects.filter(tenant=tenant)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def newest_run(tenant: Tenant) -> Run | None:
    """The run that is open, which is always the newest, or the last one that was."""
    return next(iter(newest_runs(tenant, limit=1)), None)
