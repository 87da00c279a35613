"""From a request to who is asking and to the tenant that the address names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import URLPattern

from emberwatch.accounts.actor import Actor, actor_for_user
from emberwatch.accounts.models import User
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import required_connection
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

View: TypeAlias = Callable[..., HttpResponseBase]

CURRENT_TENANT: Final = "tenant"
"""The session's key for the tenant that was looked at last."""


def signed_in(pattern: URLPattern) -> URLPattern:
    """The address, for people who are signed in; others are led to the sign-in page."""
    pattern.callback = _signed_in(pattern.callback)
    return pattern


def _signed_in(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if is_htmx(request):
            # A redirect would be followed unseen and put the sign-in page into the middle of this one.
            return HttpResponse(
                status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": resolve_url("account_login")}
            )
        return redirect_to_login(request.get_full_path(), resolve_url("account_login"))

    return answer


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def actor_of(request: HttpRequest) -> Actor:
    return actor_for_user(user_of(request))


def enter_tenant(request: HttpRequest, tenant_id: UUID | str, permission: Permission) -> Tenant:
    """The tenant of the address, if the person may use it so; it becomes the current one."""
    tenant = access_tenant(actor_of(request), tenant_id, permission)
    remember_tenant(request, tenant)
    return tenant


def remember_tenant(request: HttpRequest, tenant: Tenant) -> None:
    setattr(request, CURRENT_TENANT, tenant)
    if request.session.get(CURRENT_TENANT) != str(tenant.id):
        request.session[CURRENT_TENANT] = str(tenant.id)


def enter_directory(
    request: HttpRequest, tenant_id: UUID, directory_id: UUID | None
) -> tuple[Tenant, DirectoryConnection]:
    """The tenant, and that of its directories which the address names, for those who may configure it."""
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_DIRECTORY)
    return tenant, required_connection(tenant.id, directory_id)
