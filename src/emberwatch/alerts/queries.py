"""Reads of alerts: channels, rules and deliveries of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.alerts.models import AlertChannel, AlertRule, ChannelStatus, Delivery, DeliveryState
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.listing import one_of
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

PAGE_SIZE: Final = 50
_Row = TypeVar("_Row", bound=Model)


def channels_of(tenant: Tenant) -> list[AlertChannel]:
    return list(AlertChannel.objects.filter(tenant=tenant).order_by("name"))


def rules_of(tenant: Tenant) -> list[AlertRule]:
    return list(AlertRule.objects.filter(tenant=tenant).prefetch_related("channels").order_by("name"))


def faulty_channels(tenant: Tenant) -> int:
    return AlertChannel.objects.filter(tenant=tenant, is_on=True, status=ChannelStatus.ERROR).count()


def access_channel(actor: Actor, tenant_id: UUID | str, channel_id: UUID | str) -> AlertChannel:
    """One channel of a tenant, for those who may configure it; missing and not-yours look the same."""
    return _one(actor, tenant_id, channel_id, AlertChannel.objects.select_related("tenant"), "channel")


def access_rule(actor: Actor, tenant_id: UUID | str, rule_id: UUID | str) -> AlertRule:
    rows = AlertRule.objects.select_related("tenant").prefetch_related("channels")
    return _one(actor, tenant_id, rule_id, rows, "rule")


def access_delivery(actor: Actor, tenant_id: UUID | str, delivery_id: UUID | str) -> Delivery:
    rows = Delivery.objects.select_related("tenant", "channel", "channel__tenant", "rule")
    return _one(actor, tenant_id, delivery_id, rows, "delivery")


def _one(actor: Actor, tenant_id: UUID | str, row_id: UUID | str, rows: QuerySet[_Row], of: str) -> _Row:
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_TENANT)
    try:
        wanted = UUID(str(row_id))
    except ValueError:
        raise NotFound(f"There is no such {of}.") from None
    found = rows.filter(tenant=tenant, pk=wanted).first()
    if found is None:
        raise NotFound(f"There is no such {of}.")
    return found


def channel_named(tenant: Tenant, name: str) -> AlertChannel:
    """For the command line: by name or id."""
    return _named(AlertChannel.objects.filter(tenant=tenant).select_related("tenant"), name, "channel")


def rule_named(tenant: Tenant, name: str) -> AlertRule:
    return _named(AlertRule.objects.filter(tenant=tenant).select_related("tenant"), name, "rule")


def _named(rows: QuerySet[_Row], name: str, of: str) -> _Row:
    found = rows.filter(name=name.replace("\x00", "")).first()
    if found is None:
        try:
            found = rows.filter(pk=UUID(name)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no such {of}.", remedy="`emberwatch alerts list` names them.")
    return found


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a list of deliveries is narrowed to; the same names stand in the URL of the page and of the API."""

    state: str = ""
    channel: str = ""
    rule: str = ""

    @classmethod
    def from_query(cls, values: dict[str, str]) -> DeliveryFilter:
        """Raises :class:`BadInput` naming the one at fault."""
        state = one_of("state", values.get("state", ""), DeliveryState.values)
        return cls(state, _id("channel", values), _id("rule", values))


def _id(name: str, values: dict[str, str]) -> str:
    try:
        return str(UUID(values[name])) if values.get(name) else ""
    except ValueError:
        raise BadInput(f"{name} needs an id.", field=name) from None


def deliveries_page(
    tenant: Tenant, wanted: DeliveryFilter, *, cursor: str = "", limit: int = PAGE_SIZE
) -> tuple[list[Delivery], str]:
    """One page of a tenant's deliveries, newest first, and the cursor of the next one."""
    exact: dict[str, Any] = {"state": wanted.state, "channel_id": wanted.channel, "rule_id": wanted.rule}
    rows = Delivery.objects.filter(tenant=tenant, **{name: value for name, value in exact.items() if value})
    if cursor:
        rows = rows.filter(pk__lt=_place(cursor))
    found = list(rows.select_related("channel", "rule").order_by("-id")[: limit + 1])
    shown = found[:limit]
    return shown, str(shown[-1].pk) if len(found) > limit else ""


def _place(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise BadInput("The cursor is not one that Emberwatch made.", field="cursor") from None
