"""Configure → Tenants → a tenant → Alerts: channels with their state, and what was delivered."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from emberwatch.alerts.models import AlertChannel, DeliveryState
from emberwatch.alerts.queries import (
    DeliveryFilter,
    access_channel,
    access_delivery,
    channels_of,
    deliveries_page,
    rules_of,
)
from emberwatch.alerts.reaching import environment
from emberwatch.alerts.services import (
    change_channel,
    create_channel,
    remove_channel,
    resend,
    switch_channel,
    try_channel,
)
from emberwatch.channels.base import Kind
from emberwatch.channels.registry import KINDS, kind_named
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.web.access import actor_of, enter_tenant
from emberwatch.web.alerting import shown_fields, typed_channel, values_of
from emberwatch.web.forms import Form

NEWEST: Final = 10
FILTERS: Final = ("state", "channel", "rule")


def overview(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    found, _ = deliveries_page(tenant, DeliveryFilter(), limit=NEWEST)
    shown = {
        "tenant": tenant,
        "channels": channels_of(tenant),
        "rules": rules_of(tenant),
        "deliveries": found,
        "has_address": bool(environment().base_url),
    }
    return render(request, "alerts/overview.html", shown)


def new_channel(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    wanted = request.GET.get("kind", "")
    if wanted not in KINDS:
        return render(request, "alerts/kinds.html", {"tenant": tenant, "kinds": KINDS.values()})
    kind = kind_named(wanted)
    if request.method != "POST":
        return _form(request, tenant, kind, None, Form(values_of(kind, None)))
    typed, form = typed_channel(request, kind)
    try:
        made = create_channel(tenant, kind.name, form, actor=actor_of(request), now=utc_now())
    except (BadInput, Conflict) as error:
        return _form(request, tenant, kind, None, Form(typed, error))
    messages.success(request, "The channel was made. Send a test message to see that it works.")
    return redirect("alert_channel", tenant.id, made.pk)


def one_channel(request: HttpRequest, tenant_id: UUID, channel_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    channel = access_channel(actor_of(request), tenant_id, channel_id)
    kind = kind_named(channel.kind)
    if request.method != "POST":
        return _form(request, tenant, kind, channel, Form(values_of(kind, channel)))
    typed, form = typed_channel(request, kind)
    try:
        change_channel(channel, form, actor=actor_of(request), now=utc_now())
    except BadInput as error:
        stored = access_channel(actor_of(request), tenant_id, channel_id)
        return _form(request, tenant, kind, stored, Form(typed, error))
    messages.success(request, "The channel was saved. Send a test message to see that it works.")
    return redirect("alert_channel", tenant.id, channel.pk)


def _form(
    request: HttpRequest, tenant: Tenant, kind: Kind, channel: AlertChannel | None, form: Form
) -> HttpResponse:
    shown = {
        "tenant": tenant,
        "kind": kind,
        "channel": channel,
        "form": form,
        "fields": shown_fields(kind, channel),
    }
    status = HTTPStatus.BAD_REQUEST if form.error else HTTPStatus.OK
    return render(request, "alerts/channel.html", shown, status=status)


@require_POST
def test(request: HttpRequest, tenant_id: UUID, channel_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    channel = access_channel(actor_of(request), tenant_id, channel_id)
    tested = try_channel(channel, actor=actor_of(request))
    if tested.state == DeliveryState.SENT:
        messages.success(request, f"{channel.name}: the test message was taken. {tested.sentence}".strip())
    else:
        messages.error(request, f"{channel.name}: the test failed. Its state says why.")
    if request.POST.get("from") == "overview":
        return redirect("alerts", tenant.id)
    return redirect("alert_channel", tenant.id, channel.pk)


@require_POST
def switch(request: HttpRequest, tenant_id: UUID, channel_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    channel = access_channel(actor_of(request), tenant_id, channel_id)
    is_on = request.POST.get("to") == "on"
    switch_channel(channel, is_on, actor=actor_of(request), now=utc_now())
    messages.success(
        request, "The channel is on." if is_on else "The channel is off. What is due waits a day."
    )
    return redirect("alert_channel", tenant.id, channel.pk)


@require_POST
def remove(request: HttpRequest, tenant_id: UUID, channel_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    channel = access_channel(actor_of(request), tenant_id, channel_id)
    remove_channel(channel, actor=actor_of(request), now=utc_now())
    messages.success(request, f"The channel {channel.name} was removed.")
    return redirect("alerts", tenant.id)


def deliveries(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    typed = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    cursor = request.GET.get("cursor", "")
    query = QueryDict(mutable=True)
    query.update(typed)
    found, next_cursor = deliveries_page(tenant, DeliveryFilter.from_query(typed), cursor=cursor)
    shown = {
        "tenant": tenant,
        "deliveries": found,
        "next_cursor": next_cursor,
        "cursor": cursor,
        "wanted": typed,
        "query": query,
        "states": DeliveryState.choices,
        "channels": channels_of(tenant),
        "rules": rules_of(tenant),
    }
    return render(request, "alerts/deliveries.html", shown)


@require_POST
def again(request: HttpRequest, tenant_id: UUID, delivery_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    actor = actor_of(request)
    resend(access_delivery(actor, tenant_id, delivery_id), actor=actor, now=utc_now())
    messages.success(request, "The message is sent again.")
    return redirect("alert_deliveries", tenant.id)
