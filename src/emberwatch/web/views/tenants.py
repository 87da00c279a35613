"""Configure → Tenants: workspaces, the domains they monitor, and their people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from emberwatch.accounts.models import Role
from emberwatch.accounts.queries import person_with_address
from emberwatch.accounts.services import invite_member
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.queries import connections_of
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import (
    access_member,
    login_hosts,
    members_of,
    monitored_addresses,
    monitored_domains,
    permissions_of,
    require_organisation_admin,
    tenants_page,
    visible_tenants,
)
from emberwatch.tenants.services import create_tenant, remove_member, set_domains, set_role, set_watchlist
from emberwatch.web.access import actor_of, enter_tenant
from emberwatch.web.forms import Form, joined, lines, posted


def listing(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    text, after = request.GET.get("text", "").strip()[:120], request.GET.get("after", "")[:120]
    found, next_after = tenants_page(actor, text=text, after=after)
    shown = {"tenants": found, "text": text, "after": after, "next_after": next_after, "actor": actor}
    return render(request, "tenants/listing.html", shown)


def new(request: HttpRequest) -> HttpResponse:
    require_organisation_admin(actor_of(request))
    if request.method != "POST":
        return render(request, "tenants/new.html", {"form": Form()})
    typed = posted(request, "name", "domains")
    try:
        tenant = create_tenant(typed["name"], lines(typed["domains"]), actor=actor_of(request), now=utc_now())
    except BadInput as error:
        return render(
            request, "tenants/new.html", {"form": Form(typed, error)}, status=HTTPStatus.BAD_REQUEST
        )
    return redirect("tenant", tenant.id)


def one(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    return _page(request, enter_tenant(request, tenant_id, Permission.VIEW_FEED))


def _page(request: HttpRequest, tenant: Tenant, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    may = permissions_of(actor_of(request), tenant)
    domains = monitored_domains(tenant)
    shown = {
        "tenant": tenant,
        "may": may,
        "domains": domains,
        "domains_form": Form({"domains": joined(domains)}),
        "watchlist_form": Form(
            {"addresses": joined(monitored_addresses(tenant)), "login_hosts": joined(login_hosts(tenant))}
        ),
        "invite_form": Form({"role": Role.ANALYST}),
        "members": members_of(tenant) if Permission.CONFIGURE_TENANT in may else [],
        "roles": Role.choices,
        "is_connected": bool(connections_of(tenant.id)),
    }
    return render(request, "tenants/tenant.html", shown | more, status=status)


@require_POST
def domains(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    typed = posted(request, "domains")
    try:
        set_domains(tenant, lines(typed["domains"]), actor=actor_of(request), now=utc_now())
    except BadInput as error:
        return _page(request, tenant, status=HTTPStatus.BAD_REQUEST, domains_form=Form(typed, error))
    messages.success(request, "The monitored domains were saved.")
    return redirect("tenant", tenant.id)


@require_POST
def watchlist(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    typed = posted(request, "addresses", "login_hosts")
    addresses, hosts = lines(typed["addresses"]), lines(typed["login_hosts"])
    try:
        set_watchlist(tenant, addresses, hosts, actor=actor_of(request), now=utc_now())
    except BadInput as error:
        return _page(request, tenant, status=HTTPStatus.BAD_REQUEST, watchlist_form=Form(typed, error))
    messages.success(request, "The addresses and login hosts were saved.")
    return redirect("tenant", tenant.id)


@require_POST
def invite(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    typed = posted(request, "email", "role")
    try:
        return _invited(request, tenant, typed["email"], typed["role"])
    except BadInput as error:
        return _page(request, tenant, status=HTTPStatus.BAD_REQUEST, invite_form=Form(typed, error))


def _invited(request: HttpRequest, tenant: Tenant, email: str, role: str) -> HttpResponse:
    person = person_with_address(email)
    if person is not None:
        set_role(tenant, person, role, actor=actor_of(request), now=utc_now())
        messages.success(request, f"{person.email} is a member now.")
        return redirect("tenant", tenant.id)
    token = invite_member(tenant, email, role, actor=actor_of(request), now=utc_now())
    return _page(request, tenant, invited=email.strip(), invitation_link=_link(request, token))


def _link(request: HttpRequest, token: Secret) -> str:
    return request.build_absolute_uri(reverse("invitation", args=[token.expose()]))


@require_POST
def role(request: HttpRequest, tenant_id: UUID, member_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    member = access_member(tenant, member_id)
    set_role(tenant, member.user, request.POST.get("role", ""), actor=actor_of(request), now=utc_now())
    messages.success(request, f"The role of {member.user.email} was changed.")
    return redirect("tenant", tenant.id)


@require_POST
def remove(request: HttpRequest, tenant_id: UUID, member_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_TENANT)
    remove_member(tenant, str(member_id), actor=actor_of(request), now=utc_now())
    messages.success(request, "The person is no longer a member.")
    # Whoever removes oneself sees the tenant no more.
    is_visible = visible_tenants(actor_of(request)).filter(pk=tenant.id).exists()
    return redirect("tenant", tenant.id) if is_visible else redirect("home")
