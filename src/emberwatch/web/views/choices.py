"""Validation choices of a tenant's directory, the list of what is never tried, and Known to the SOC."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of, required_connection
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.validation.choices import policy_of
from emberwatch.validation.operating import choices_of, entries_of, protect, save_choices, unprotect
from emberwatch.validation.options import NAMES, as_typed, revised, warnings
from emberwatch.validation.oversight import in_force, soc_facts
from emberwatch.validation.policy import Hybrid, Mode, ProtectedKind
from emberwatch.validation.soc import ALERTS, BY_LANGUAGE, DAYS_OFFERED, SocText, texts
from emberwatch.web.access import actor_of, enter_directory, enter_tenant
from emberwatch.web.forms import Form, posted

AT_THE_RULE: Final = ("", "As many as the lockout rule allows")


def choices(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    if request.method != "POST":
        return _page(request, tenant, connection)
    typed, directory = posted(request, *NAMES), connection.entra_tenant_id
    try:
        save_choices(
            tenant,
            lambda now: revised(now, typed),
            actor=actor_of(request),
            now=utc_now(),
            directory=directory,
        )
    except BadInput as error:
        return _page(request, tenant, connection, form=Form(typed, error))
    messages.success(request, "Saved. The choices hold at once, for runs that are under way too.")
    return redirect("choices", tenant.id, directory)


@require_POST
def add_protected(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    typed, directory = posted(request, "kind", "value", "note"), connection.entra_tenant_id
    try:
        entry = protect(
            tenant,
            typed["kind"],
            typed["value"],
            typed["note"],
            actor=actor_of(request),
            now=utc_now(),
            directory=directory,
        )
    except BadInput as error:
        return _page(request, tenant, connection, protect_form=Form(typed, error))
    messages.success(request, f"Protected: {entry.value}. Nothing is sent for it any more.")
    return redirect("choices", tenant.id, directory)


@require_POST
def remove_protected(
    request: HttpRequest, tenant_id: UUID, entry_id: UUID, directory_id: UUID | None = None
) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    directory = connection.entra_tenant_id
    unprotect(tenant, entry_id, actor=actor_of(request), now=utc_now(), directory=directory)
    messages.success(request, "The entry was taken off the list.")
    return redirect("choices", tenant.id, directory)


def _page(
    request: HttpRequest,
    tenant: Tenant,
    connection: DirectoryConnection,
    form: Form | None = None,
    protect_form: Form | None = None,
) -> HttpResponse:
    policy = policy_of(connection)
    chosen, force = choices_of(policy), in_force(connection)
    shown = {
        "tenant": tenant,
        "connection": connection,
        "form": form or Form(as_typed(chosen)),
        "protect_form": protect_form or Form({"kind": ProtectedKind.ACCOUNT.value}),
        "entries": entries_of(connection),
        "policy": policy,
        "force": force,
        "warnings": warnings(chosen),
        "modes": Mode.choices(),
        "hybrids": Hybrid.choices(),
        "kinds": ProtectedKind.choices(),
        "allowances": [AT_THE_RULE, *((str(number), str(number)) for number in range(force.rule + 1))],
    }
    status = HTTPStatus.BAD_REQUEST if form or protect_form else HTTPStatus.OK
    return render(request, "directory/choices.html", shown, status=status)


def soc(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    connections = connections_of(tenant.id)
    # Without a directory in the address, the first one; the page leads to the others.
    first = connections[0].entra_tenant_id if connections else None
    connection = required_connection(tenant.id, directory_id or first)
    facts = soc_facts(connection, _days(request.GET.get("days", "7")), utc_now())
    shown = {"tenant": tenant, "facts": facts, "alerts": ALERTS, "days_offered": DAYS_OFFERED}
    shown |= {"connection": connection, "connections": connections}
    return render(request, "directory/soc.html", shown | {"groups": _groups(texts(facts))})


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 3:
        raise BadInput("days is a number.", field="days")
    return int(text)


def _groups(found: Iterable[SocText]) -> list[tuple[str, list[SocText]]]:
    found = list(found)
    return [
        (label, [each for each in found if each.language is language])
        for language, label in BY_LANGUAGE.items()
    ]
