"""Validation choices of a tenant's directory, the list of what is never tried, and what the directory has seen."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.choice_shapes import (
    ActivityOut,
    ChoicesIn,
    ChoicesOut,
    InForceOut,
    ProtectedIn,
    ProtectedOut,
    UnknownCodeOut,
)
from emberwatch.api.directory_access import ONLY_ONE, access_directory
from emberwatch.api.paging import Page
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.directories.models import DirectoryConnection
from emberwatch.validation.choices import policy_of
from emberwatch.validation.models import ProtectedEntry
from emberwatch.validation.operating import (
    choices_of,
    entries_of,
    protect,
    save_choices,
    unprotect,
)
from emberwatch.validation.options import Choices, plain, warnings
from emberwatch.validation.oversight import activity_of, in_force
from emberwatch.validation.policy import ProtectedKind

router = Router(tags=["Validation choices"])

HERE = "/tenants/{tenant_id}/directory"


@router.get(f"{HERE}/choices", response=answers(200, ChoicesOut), operation_id="get_choices")
def get_choices(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> ChoicesOut:
    """What the operator allows and states, and what is in force with the choices of other tenants."""
    _, connection = access_directory(request, tenant_id, directory)
    return _choices(connection)


@router.put(f"{HERE}/choices", response=answers(200, ChoicesOut, 413), operation_id="save_choices")
def put_choices(
    request: HttpRequest, tenant_id: Id, wanted: ChoicesIn, directory: str = ONLY_ONE
) -> ChoicesOut:
    """Replaces all choices. They hold at once, for runs that are under way too."""
    tenant, connection = access_directory(request, tenant_id, directory)
    save_choices(
        tenant,
        lambda _: _wanted(wanted),
        actor=actor_of(request),
        now=utc_now(),
        directory=connection.entra_tenant_id,
    )
    return _choices(connection)


def _wanted(given: ChoicesIn) -> Choices:
    values = given.model_dump() | {
        "hours_from": _time(given.hours_from),
        "hours_until": _time(given.hours_until),
        "egress_addresses": tuple(given.egress_addresses),
    }
    return Choices(**values)


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _choices(connection: DirectoryConnection) -> ChoicesOut:
    policy = policy_of(connection)
    choices = choices_of(policy)
    values = {name: plain(value) for name, value in asdict(choices).items()}
    return ChoicesOut(
        **values,
        updated_at=policy.updated_at,
        warnings=warnings(choices),
        in_force=InForceOut(**asdict(in_force(connection))),
    )


@router.get(f"{HERE}/protected", response=answers(200, Page[ProtectedOut]), operation_id="list_protected")
def list_protected(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> Page[ProtectedOut]:
    """This tenant's list of accounts, groups and roles of which nothing is ever sent."""
    _, connection = access_directory(request, tenant_id, directory)
    found = [_entry(row) for row in entries_of(connection)]
    return Page[ProtectedOut](items=found, next_cursor=None)


@router.post(f"{HERE}/protected", response=answers(201, ProtectedOut, 413), operation_id="protect")
def post_protected(
    request: HttpRequest, tenant_id: Id, wanted: ProtectedIn, directory: str = ONLY_ONE
) -> Status[ProtectedOut]:
    """Protects an account, a group or a role. One that is on the list already stays as it is."""
    tenant, connection = access_directory(request, tenant_id, directory)
    entry = protect(
        tenant,
        wanted.kind,
        wanted.value,
        wanted.note,
        actor=actor_of(request),
        now=utc_now(),
        directory=connection.entra_tenant_id,
    )
    return Status(201, _entry(entry))


@router.delete(f"{HERE}/protected/{{entry_id}}", response=answers(204, None), operation_id="unprotect")
def delete_protected(
    request: HttpRequest, tenant_id: Id, entry_id: Id, directory: str = ONLY_ONE
) -> HttpResponse:
    """Takes an entry off the list."""
    tenant, connection = access_directory(request, tenant_id, directory)
    unprotect(tenant, entry_id, actor=actor_of(request), now=utc_now(), directory=connection.entra_tenant_id)
    return HttpResponse(status=204)


@router.get(f"{HERE}/activity", response=answers(200, ActivityOut), operation_id="get_activity")
def get_activity(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> ActivityOut:
    """Sign-ins of the last 24 hours against the pace, the sign-in log, and codes that nobody knows."""
    _, connection = access_directory(request, tenant_id, directory)
    found = activity_of(connection, utc_now())
    return ActivityOut(
        attempts=found.attempts,
        most_at_this_pace=found.most_at_this_pace,
        pace=found.pace,
        log_state=found.log_state,
        log_read_until=found.log_read_until,
        log_refused_because=found.log_refused_because,
        unknown_codes=[UnknownCodeOut(**asdict(each)) for each in found.unknown_codes],
    )


def _entry(row: ProtectedEntry) -> ProtectedOut:
    return ProtectedOut(
        id=str(row.id),
        kind=ProtectedKind(row.kind),
        value=row.value,
        note=row.note,
        added_by=row.added_by,
        added_at=row.added_at,
    )
