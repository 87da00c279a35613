"""Closing what people have dealt with themselves: remediated or ignored, with a reason, and until when.

What is closed stays so when it is seen again; that only counts one more sighting. Whether it is closed is read, not
stored: it is not any more when its time is over, or when a later look has found the password active.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.core.listing import plain_text
from emberwatch.core.verdict import VerdictGroup
from emberwatch.exposures.models import Closing, ClosingScope, Credential, Handling
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class ClosingForm:
    handling: str
    reason: str
    scope: str = ClosingScope.PAIR
    until: datetime | None = None


def close(credential: Credential, form: ClosingForm, *, actor: Actor, now: datetime) -> Closing:
    """Closes a credential, or every credential of its login, now and later; replaces what closed it before."""
    require(actor, credential.tenant, Permission.REMEDIATE)
    reason = _check(form, now)
    with transaction.atomic():
        _about(credential).update(ended_at=now, ended_by=actor.label)
        closing = Closing.objects.create(
            tenant_id=credential.tenant_id,
            credential=credential,
            login_canonical=credential.login_canonical,
            handling=form.handling,
            scope=form.scope,
            reason=reason,
            until=form.until,
            closed_by=actor.label,
            closed_at=now,
        )
        until = form.until.isoformat() if form.until else ""
        facts = {"handling": str(form.handling), "scope": str(form.scope), "until": until}
        _audit(credential, "credential.closed", reason, facts, actor, now)
    return closing


def _check(form: ClosingForm, now: datetime) -> str:
    """The reason, as it is stored."""
    if form.handling not in (Handling.REMEDIATED, Handling.IGNORED):
        raise BadInput("Say remediated or ignored.", field="handling")
    if form.scope not in ClosingScope.values:
        raise BadInput("Say pair or login.", field="scope")
    if form.until is not None and form.until <= now:
        raise BadInput("The end lies in the past.", field="until")
    return _checked_reason(form.reason)


def _checked_reason(typed: str) -> str:
    # One more than may be, so that one that is too long is refused and not cut.
    reason = plain_text(typed, LONGEST_REASON + 1)
    if not reason:
        raise BadInput("A reason is needed.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"The reason may have {LONGEST_REASON} characters.", field="reason")
    return reason


def reopen(credential: Credential, *, reason: str, actor: Actor, now: datetime) -> None:
    """Opens a credential again, with whatever was closed together with it."""
    require(actor, credential.tenant, Permission.REMEDIATE)
    reason = _checked_reason(reason)
    with transaction.atomic():
        if not _about(credential).update(ended_at=now, ended_by=actor.label):
            raise Conflict("The credential is open.")
        _audit(credential, "credential.reopened", reason, {}, actor, now)


def _audit(
    credential: Credential, action: str, reason: str, facts: dict[str, str], actor: Actor, now: datetime
) -> None:
    record(
        credential.tenant_id,
        action,
        f"credential:{credential.pk}",
        actor=actor,
        now=now,
        reason=reason,
        facts=facts,
    )


def _about(credential: Credential) -> QuerySet[Closing]:
    """What somebody closed it with and nobody has ended, whether it still holds or not."""
    of_login = Q(scope=ClosingScope.LOGIN, login_canonical=credential.login_canonical)
    rows = Closing.objects.filter(tenant_id=credential.tenant_id, ended_at=None)
    return rows.filter(Q(credential=credential) | of_login)


def closing_of(credential: Credential, now: datetime) -> Closing | None:
    """What keeps a credential closed now, or nothing."""
    rows = _about(credential).filter(Q(until=None) | Q(until__gt=now))
    if credential.verdict_group == VerdictGroup.ACTIVE and credential.verdict_at is not None:
        rows = rows.filter(closed_at__gte=credential.verdict_at)
    return rows.order_by("-closed_at").first()


def with_handling(rows: QuerySet[Credential], now: datetime, only: str = "") -> QuerySet[Credential]:
    """The same rows, or some of them, with ``handling``: ``open``, or what they are closed as now."""
    of_login = Q(scope=ClosingScope.LOGIN, login_canonical=OuterRef("login_canonical"))
    closings = (
        Closing.objects.filter(tenant_id=OuterRef("tenant_id"), ended_at=None)
        .filter(Q(credential_id=OuterRef("pk")) | of_login)
        .filter(Q(until=None) | Q(until__gt=now))
        .order_by("-closed_at")
    )
    since_active = closings.filter(closed_at__gte=OuterRef("verdict_at"))
    handling = Case(
        When(verdict_group=VerdictGroup.ACTIVE, verdict_at__isnull=False, then=_newest(since_active)),
        default=_newest(closings),
    )
    annotated = rows.annotate(handling=handling)
    return annotated.filter(handling=only) if only else annotated


def _newest(closings: QuerySet[Closing]) -> Coalesce:
    return Coalesce(Subquery(closings.values("handling")[:1]), Value(Handling.OPEN.value))
