"""Credentials browser: the tenant feeds, one feed with its filters, one credential, its password."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.exposures.models import ExposureKind, Handling, SourceKind
from emberwatch.exposures.queries import (
    FeedFilter,
    access_credential,
    active_counts,
    domains_in_feed,
    feed_page,
    group_counts,
)
from emberwatch.exposures.services import reveal
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of, tenants_page
from emberwatch.validation.runs import open_run
from emberwatch.web.access import actor_of, enter_tenant, is_htmx, remember_tenant
from emberwatch.web.forms import Form, posted
from emberwatch.web.frames import framed
from emberwatch.web.presenting import FILTERS, details_of, group_tabs, verdict_choices


def feeds(request: HttpRequest) -> HttpResponse:
    text, after = request.GET.get("text", "").strip()[:120], request.GET.get("after", "")[:120]
    found, next_after = tenants_page(actor_of(request), text=text, after=after)
    if len(found) == 1 and not text and not after:
        return redirect("feed", found[0].id)
    active = active_counts(tenant.id for tenant in found)
    shown = {
        "feeds": [(tenant, active.get(tenant.id, 0)) for tenant in found],
        "text": text,
        "after": after,
        "next_after": next_after,
        "actor": actor_of(request),
    }
    return render(request, "credentials/feeds.html", shown)


def feed(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    wanted = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    cursor = request.GET.get("cursor", "")
    page = feed_page(tenant, FeedFilter.from_query(wanted), cursor=cursor)
    counts = group_counts(tenant)
    shown = {
        "tenant": tenant,
        "feed_url": reverse("feed", args=[tenant.id]),
        "page": page,
        "wanted": wanted,
        "query": _query(wanted),
        "cursor": cursor,
        "tabs": group_tabs(counts, wanted.get("group", "")),
        "is_new": not any(counts.values()),
        "verdicts": verdict_choices(),
        "source_kinds": SourceKind.choices,
        "exposure_kinds": ExposureKind.choices,
        "handlings": Handling.choices,
        "domains": domains_in_feed(tenant),
        "may": permissions_of(actor_of(request), tenant),
        "run": open_run(tenant.id),
    }
    response = framed(request, "credentials/feed.html", shown)
    if is_htmx(request):
        response.headers["HX-Push-Url"] = _address(tenant.id, wanted, cursor)
    return response


def _query(wanted: dict[str, str]) -> QueryDict:
    """The filters in the shape that the tag ``querystring`` takes."""
    query = QueryDict(mutable=True)
    query.update(wanted)
    return query


def _address(tenant_id: UUID, wanted: dict[str, str], cursor: str) -> str:
    return reverse("feed", args=[tenant_id], query=wanted | ({"cursor": cursor} if cursor else {}))


def details(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    credential = access_credential(actor_of(request), tenant_id, credential_id, Permission.VIEW_FEED)
    remember_tenant(request, credential.tenant)
    return framed(request, "credentials/details.html", details_of(request, credential))


@require_POST
def reveal_password(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.REVEAL_PASSWORD)
    remember_tenant(request, credential.tenant)
    typed = posted(request, "reason")
    shown = {"credential": credential, "tenant": credential.tenant}
    try:
        password = reveal(credential, reason=typed["reason"], actor=actor, now=utc_now())
    except BadInput as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_htmx(request) else HTTPStatus.BAD_REQUEST
        return framed(request, "credentials/reveal.html", shown | {"form": Form(typed, error)}, status=status)
    return framed(request, "credentials/revealed.html", shown | {"password": password.expose()})
