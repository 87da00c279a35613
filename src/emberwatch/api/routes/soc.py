"""Known to the SOC, and the kill switch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.choice_shapes import AlertOut, KillSwitchOut, SocOut, SocTextOut, StopIn
from emberwatch.api.directory_access import ONLY_ONE, access_directory
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.tenants.policy import Permission
from emberwatch.validation.choices import kill_switch
from emberwatch.validation.models import KillSwitch
from emberwatch.validation.oversight import MOST_DAYS, soc_facts
from emberwatch.validation.soc import ALERTS, texts
from emberwatch.validation.stopping import lift_kill_switch, stop_everything

router = Router(tags=["Operations"])


class SocQuery(Schema):
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="Whose attempts' ids are listed.")] = 7


@router.get("/tenants/{tenant_id}/directory/soc", response=answers(200, SocOut), operation_id="get_soc")
def get_soc(request: HttpRequest, tenant_id: Id, query: Query[SocQuery], directory: str = ONLY_ONE) -> SocOut:
    """Ready texts that find our attempts, leave them out, or find misuse, and the alerts that they may raise."""
    _, connection = access_directory(request, tenant_id, directory, Permission.VIEW_FEED)
    facts = soc_facts(connection, query.days, utc_now())
    return SocOut(
        client_id=str(facts.client_id),
        entra_tenant_id=str(facts.entra_tenant_id),
        egress_addresses=list(facts.egress_addresses),
        days=facts.days,
        attempts=facts.attempts,
        texts=[SocTextOut(**asdict(each)) for each in texts(facts)],
        alerts=[AlertOut(**asdict(each)) for each in ALERTS],
    )


@router.get("/kill-switch", response=answers(200, KillSwitchOut), operation_id="get_kill_switch")
def get_kill_switch(request: HttpRequest) -> KillSwitchOut:  # noqa: ARG001 - any token may ask
    """Whether the whole installation was told to send nothing more."""
    return _shown(kill_switch())


@router.post("/kill-switch", response=answers(201, KillSwitchOut, 409, 413), operation_id="stop_everything")
def post_kill_switch(request: HttpRequest, wanted: StopIn) -> Status[KillSwitchOut]:
    """Stops every sign-in to every directory. Needs a token of an organisation admin."""
    return Status(201, _shown(stop_everything(wanted.reason, actor=actor_of(request), now=utc_now())))


@router.delete("/kill-switch", response=answers(200, KillSwitchOut, 409), operation_id="lift_kill_switch")
def delete_kill_switch(request: HttpRequest) -> KillSwitchOut:
    """Lets sign-ins be sent again. Needs a token of an organisation admin."""
    lift_kill_switch(actor=actor_of(request), now=utc_now())
    return _shown(None)


def _shown(switch: KillSwitch | None) -> KillSwitchOut:
    if switch is None:
        return KillSwitchOut(is_on=False, reason="", stopped_at=None, stopped_by="")
    return KillSwitchOut(
        is_on=True, reason=switch.reason, stopped_at=switch.stopped_at, stopped_by=switch.stopped_by
    )
