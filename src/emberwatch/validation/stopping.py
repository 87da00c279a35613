"""The kill switch: one order that nothing more is sent, to any directory, by anybody, until it is lifted."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.engine.facts import announce
from emberwatch.validation.models import KillSwitch

LONGEST_REASON: Final = 500
SUBJECT: Final = "installation"


def stop_everything(reason: str, *, actor: Actor, now: datetime) -> KillSwitch:
    """Nothing is sent from here on; a sign-in that is under way is waited for.

    Raises :class:`Conflict` when the switch is on already, so that no reason is silently lost.
    """
    _require_organisation_admin(actor)
    reason = " ".join(reason.split())
    if not reason:
        raise BadInput("A reason is needed: it is shown to everybody.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    try:
        with transaction.atomic():
            switch = KillSwitch.objects.create(stopped_at=now, stopped_by=actor.label[:300], reason=reason)
            record(None, "validation.stopped", SUBJECT, actor=actor, now=now, reason=reason)
            announce("kill_switch.thrown")
    except IntegrityError:
        raise Conflict(
            "The kill switch is on already.", remedy="Lift it first to give another reason."
        ) from None
    return switch


def lift_kill_switch(*, actor: Actor, now: datetime) -> KillSwitch:
    """Lets sign-ins be sent again; runs that it stopped go on by themselves."""
    _require_organisation_admin(actor)
    with transaction.atomic():
        switch = KillSwitch.objects.select_for_update().filter(lifted_at__isnull=True).first()
        if switch is None:
            raise Conflict("The kill switch is not on.")
        switch.lifted_at, switch.lifted_by = now, actor.label[:300]
        switch.save(update_fields=["lifted_at", "lifted_by"])
        record(None, "validation.resumed", SUBJECT, actor=actor, now=now, facts={"reason": switch.reason})
        announce("kill_switch.lifted")
    return switch


def earlier_stops(limit: int = 20) -> list[KillSwitch]:
    """The newest stops that were lifted again."""
    return list(KillSwitch.objects.filter(lifted_at__isnull=False).order_by("-id")[:limit])


def _require_organisation_admin(actor: Actor) -> None:
    # A token of an organisation admin counts as well, although it opens one tenant: it shows nothing of others here.
    if not actor.is_organisation_admin:
        raise NotAllowed("Only an organisation admin may do this.")
