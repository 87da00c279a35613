"""Alerts of a tenant: channels, rules, and what was delivered."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from emberwatch.alerts.describing import channel_fields, delivery_fields, kind_fields, rule_fields
from emberwatch.alerts.models import AlertChannel, AlertRule, DeliveryState
from emberwatch.alerts.queries import (
    DeliveryFilter,
    access_channel,
    access_delivery,
    access_rule,
    channels_of,
    deliveries_page,
    rules_of,
)
from emberwatch.alerts.ruling import RuleForm, change_rule, create_rule, remove_rule
from emberwatch.alerts.services import (
    ChannelForm,
    change_channel,
    create_channel,
    remove_channel,
    resend,
    switch_channel,
    try_channel,
)
from emberwatch.api.alert_shapes import (
    ChannelFormIn,
    ChannelIn,
    ChannelKindOut,
    ChannelOut,
    ChannelSwitchIn,
    DeliveryOut,
    RuleIn,
    RuleOut,
)
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import Id
from emberwatch.channels.registry import KINDS
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Alerts"])
TENANT = "/tenants/{tenant_id}"
CHANNEL = f"{TENANT}/alert-channels/{{channel_id}}"
RULE = f"{TENANT}/alert-rules/{{rule_id}}"
DELIVERY = f"{TENANT}/alert-deliveries/{{delivery_id}}"


def _tenant(request: HttpRequest, tenant_id: str) -> Tenant:
    return access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_TENANT)


@router.get(
    f"{TENANT}/alert-channel-kinds",
    response=answers(200, Page[ChannelKindOut]),
    operation_id="list_alert_channel_kinds",
)
def list_kinds(request: HttpRequest, tenant_id: Id) -> Page[ChannelKindOut]:
    """The systems that messages can be sent to, each with the settings and secrets that it asks for."""
    _tenant(request, tenant_id)
    found = [ChannelKindOut(**kind_fields(kind)) for kind in KINDS.values()]
    return Page[ChannelKindOut](items=found, next_cursor=None)


@router.get(
    f"{TENANT}/alert-channels", response=answers(200, Page[ChannelOut]), operation_id="list_alert_channels"
)
def list_channels(request: HttpRequest, tenant_id: Id) -> Page[ChannelOut]:
    """The tenant's channels by name, without their secrets."""
    found = [_channel(row) for row in channels_of(_tenant(request, tenant_id))]
    return Page[ChannelOut](items=found, next_cursor=None)


@router.post(
    f"{TENANT}/alert-channels",
    response=answers(201, ChannelOut, 409, 413),
    operation_id="create_alert_channel",
)
def post_channel(request: HttpRequest, tenant_id: Id, wanted: ChannelIn) -> Status[ChannelOut]:
    """Makes a channel. Test it before a rule relies on it."""
    tenant = _tenant(request, tenant_id)
    made = create_channel(tenant, wanted.kind, _form(wanted), actor=actor_of(request), now=utc_now())
    return Status(201, _channel(made))


@router.get(CHANNEL, response=answers(200, ChannelOut), operation_id="get_alert_channel")
def get_channel(request: HttpRequest, tenant_id: Id, channel_id: Id) -> ChannelOut:
    """One channel with its status."""
    return _channel(access_channel(actor_of(request), tenant_id, channel_id))


@router.put(CHANNEL, response=answers(200, ChannelOut, 413), operation_id="change_alert_channel")
def put_channel(request: HttpRequest, tenant_id: Id, channel_id: Id, wanted: ChannelFormIn) -> ChannelOut:
    """Replaces its name and settings. Where messages go changes only together with its secrets."""
    actor = actor_of(request)
    found = access_channel(actor, tenant_id, channel_id)
    return _channel(change_channel(found, _form(wanted), actor=actor, now=utc_now()))


@router.delete(CHANNEL, response=answers(204, None, 409), operation_id="remove_alert_channel")
def delete_channel(request: HttpRequest, tenant_id: Id, channel_id: Id) -> HttpResponse:
    """Removes a channel with its deliveries; one that is the only one of a rule stays."""
    actor = actor_of(request)
    remove_channel(access_channel(actor, tenant_id, channel_id), actor=actor, now=utc_now())
    return HttpResponse(status=204)


@router.post(f"{CHANNEL}/test", response=answers(200, DeliveryOut), operation_id="test_alert_channel")
def post_test(request: HttpRequest, tenant_id: Id, channel_id: Id) -> DeliveryOut:
    """Sends a test message now and says what became of it."""
    actor = actor_of(request)
    tested = try_channel(access_channel(actor, tenant_id, channel_id), actor=actor)
    return DeliveryOut(**delivery_fields(tested))


@router.post(f"{CHANNEL}/switch", response=answers(200, ChannelOut, 413), operation_id="switch_alert_channel")
def post_switch(request: HttpRequest, tenant_id: Id, channel_id: Id, wanted: ChannelSwitchIn) -> ChannelOut:
    """Switches a channel off or on. What was made for it waits for a day at most."""
    actor = actor_of(request)
    found = access_channel(actor, tenant_id, channel_id)
    return _channel(switch_channel(found, wanted.is_on, actor=actor, now=utc_now()))


@router.get(f"{TENANT}/alert-rules", response=answers(200, Page[RuleOut]), operation_id="list_alert_rules")
def list_rules(request: HttpRequest, tenant_id: Id) -> Page[RuleOut]:
    """The tenant's rules by name."""
    found = [_rule(row) for row in rules_of(_tenant(request, tenant_id))]
    return Page[RuleOut](items=found, next_cursor=None)


@router.post(
    f"{TENANT}/alert-rules", response=answers(201, RuleOut, 409, 413), operation_id="create_alert_rule"
)
def post_rule(request: HttpRequest, tenant_id: Id, wanted: RuleIn) -> Status[RuleOut]:
    """Makes a rule: from now on, what it asks for is told."""
    tenant = _tenant(request, tenant_id)
    made = create_rule(tenant, RuleForm(**wanted.model_dump()), actor=actor_of(request), now=utc_now())
    return Status(201, _rule(made))


@router.get(RULE, response=answers(200, RuleOut), operation_id="get_alert_rule")
def get_rule(request: HttpRequest, tenant_id: Id, rule_id: Id) -> RuleOut:
    """One rule."""
    return _rule(access_rule(actor_of(request), tenant_id, rule_id))


@router.put(RULE, response=answers(200, RuleOut, 413), operation_id="change_alert_rule")
def put_rule(request: HttpRequest, tenant_id: Id, rule_id: Id, wanted: RuleIn) -> RuleOut:
    """Replaces a rule's choices."""
    actor = actor_of(request)
    found = access_rule(actor, tenant_id, rule_id)
    return _rule(change_rule(found, RuleForm(**wanted.model_dump()), actor=actor, now=utc_now()))


@router.delete(RULE, response=answers(204, None), operation_id="remove_alert_rule")
def delete_rule(request: HttpRequest, tenant_id: Id, rule_id: Id) -> HttpResponse:
    """Removes a rule; what it has sent stays listed."""
    actor = actor_of(request)
    remove_rule(access_rule(actor, tenant_id, rule_id), actor=actor, now=utc_now())
    return HttpResponse(status=204)


class DeliveryQuery(Schema):
    state: DeliveryState | None = None
    channel: str = Field("", max_length=36, description="The id of a channel.")
    rule: str = Field("", max_length=36, description="The id of a rule.")


@router.get(
    f"{TENANT}/alert-deliveries",
    response=answers(200, Page[DeliveryOut]),
    operation_id="list_alert_deliveries",
)
def list_deliveries(
    request: HttpRequest, tenant_id: Id, wanted: Query[DeliveryQuery], page: Query[Paging]
) -> Page[DeliveryOut]:
    """What was sent, waits or has failed, newest first; kept for 90 days."""
    tenant = _tenant(request, tenant_id)
    values = {"state": wanted.state or "", "channel": wanted.channel, "rule": wanted.rule}
    rows, cursor = deliveries_page(
        tenant, DeliveryFilter.from_query(values), cursor=page.cursor, limit=page.limit
    )
    found = [DeliveryOut(**delivery_fields(row)) for row in rows]
    return Page[DeliveryOut](items=found, next_cursor=cursor or None)


@router.get(DELIVERY, response=answers(200, DeliveryOut), operation_id="get_alert_delivery")
def get_delivery(request: HttpRequest, tenant_id: Id, delivery_id: Id) -> DeliveryOut:
    """One delivery and where it stands."""
    return DeliveryOut(**delivery_fields(access_delivery(actor_of(request), tenant_id, delivery_id)))


@router.post(
    f"{DELIVERY}/send-again",
    response=answers(200, DeliveryOut, 409),
    operation_id="send_alert_delivery_again",
)
def post_again(request: HttpRequest, tenant_id: Id, delivery_id: Id) -> DeliveryOut:
    """Sends what has failed or was given up once more, with the same id."""
    actor = actor_of(request)
    found = access_delivery(actor, tenant_id, delivery_id)
    return DeliveryOut(**delivery_fields(resend(found, actor=actor, now=utc_now())))


def _form(wanted: ChannelFormIn) -> ChannelForm:
    secrets = {name: Secret(value.get_secret_value()) for name, value in wanted.secrets.items()}
    return ChannelForm(wanted.name, wanted.settings, secrets, wanted.forget)


def _channel(row: AlertChannel) -> ChannelOut:
    return ChannelOut(**channel_fields(row))


def _rule(row: AlertRule) -> RuleOut:
    return RuleOut(**rule_fields(row))
