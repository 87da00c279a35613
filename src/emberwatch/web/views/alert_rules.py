"""Rules of alerts: what is told, through which channels and when."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from emberwatch.alerts.models import AlertRule
from emberwatch.alerts.policy import Cadence, Fact
from emberwatch.alerts.queries import access_rule, channels_of
from emberwatch.alerts.ruling import change_rule, create_rule, remove_rule
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.exposures.models import SourceKind
from emberwatch.identities.severity import Level
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.web.access import actor_of, enter_tenant
from emberwatch.web.alerting import rule_of, rule_values, typed_rule
from emberwatch.web.forms import Form


def new(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    if request.method != "POST":
        return _form(request, tenant, None, Form(rule_values(None, channels_of(tenant))))
    typed = typed_rule(request)
    try:
        create_rule(tenant, rule_of(typed), actor=actor_of(request), now=utc_now())
    except (BadInput, Conflict) as error:
        return _form(request, tenant, None, Form(typed, error))
    messages.success(request, "The rule was made: from now on, what it asks for is told.")
    return redirect("alerts", tenant.id)


def one(request: HttpRequest, tenant_id: UUID, rule_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    rule = access_rule(actor_of(request), tenant_id, rule_id)
    if request.method != "POST":
        return _form(request, tenant, rule, Form(rule_values(rule, ())))
    typed = typed_rule(request)
    try:
        change_rule(rule, rule_of(typed), actor=actor_of(request), now=utc_now())
    except BadInput as error:
        return _form(request, tenant, rule, Form(typed, error))
    messages.success(request, "The rule was saved.")
    return redirect("alerts", tenant.id)


def _form(request: HttpRequest, tenant: Tenant, rule: AlertRule | None, form: Form) -> HttpResponse:
    shown = {
        "tenant": tenant,
        "rule": rule,
        "form": form,
        "facts": [(fact.value, fact.label) for fact in Fact],
        "levels": [(level.value, "Any" if level is Level.NONE else level.label) for level in Level],
        "source_kinds": SourceKind.choices,
        "channels": [(str(each.pk), f"{each.name} ({each.kind_label})") for each in channels_of(tenant)],
        "cadences": [(each.value, each.label) for each in Cadence],
        "hours": [(str(hour), f"{hour:02}:00") for hour in range(24)],
    }
    status = HTTPStatus.BAD_REQUEST if form.error else HTTPStatus.OK
    return render(request, "alerts/rule.html", shown, status=status)


@require_POST
def remove(request: HttpRequest, tenant_id: UUID, rule_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    rule = access_rule(actor_of(request), tenant_id, rule_id)
    remove_rule(rule, actor=actor_of(request), now=utc_now())
    messages.success(request, f"The rule {rule.name} was removed.")
    return redirect("alerts", tenant.id)
