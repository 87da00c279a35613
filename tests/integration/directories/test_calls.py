"""What went to the directory is written down without bodies and names, kept for some days, and spoils nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.calls import (
    KEPT_FOR,
    CallFilters,
    calls_page,
    count_calls,
    forget_old_calls,
    recorder,
)
from emberwatch.directories.models import DirectoryCall, DirectoryConnection
from emberwatch.directories.services import check_connection, open_directory
from emberwatch.http.client import Call
from emberwatch.simulator import FaultRule, UserScenario
from tests.factories import connect, make_tenant
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

EVERYTHING = CallFilters()


def connected(start_entra: StartEntra) -> DirectoryConnection:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    return connect(make_tenant(), DIRECTORY, APP, SECRET)


def call(status: int | None = 200, path: str = "/v1.0/users", seconds: float = 0.1) -> Call:
    return Call("GET", path, status, "" if status else "ConnectError", seconds, {"request-id": "r"}, "c")


def test_reads_and_sign_ins_leave_a_row_each(start_entra: StartEntra) -> None:
    row = connected(start_entra)
    DirectoryCall.objects.all().delete()
    directory, request_id = open_directory(row), uuid4()
    account = directory.find_account("ann@contoso.example").account
    assert account is not None
    directory.sign_in(account, Secret(RIGHT), request_id)
    directory.sign_in(account, Secret("Wrong-1"), uuid4())
    directory.close()
    found = list(DirectoryCall.objects.order_by("pk").values_list("service", "method", "path", "status"))
    assert found == [
        ("sign-in", "GET", "/{id}/v2.0/.well-known/openid-configuration", 200),
        ("sign-in", "POST", "/{id}/oauth2/v2.0/token", 200),
        ("graph", "GET", "/v1.0/users", 200),
        ("sign-in", "POST", "/{id}/oauth2/v2.0/token", 200),
        ("sign-in", "POST", "/{id}/oauth2/v2.0/token", 400),
    ]
    last = DirectoryCall.objects.order_by("pk")
    assert last[3].client_request_id == str(request_id)
    assert all(each.request_id for each in last)
    assert {each.connection_id for each in last} == {row.pk}


def test_nothing_of_a_person_or_a_secret_is_in_a_row(start_entra: StartEntra) -> None:
    row = connected(start_entra)
    directory = open_directory(row)
    account = directory.find_account("ann@contoso.example").account
    assert account is not None
    directory.read_memberships([account.object_id])
    directory.sign_in(account, Secret(RIGHT), uuid4())
    directory.close()
    told = str(list(DirectoryCall.objects.values()))
    assert DirectoryCall.objects.count() > 15
    for private in (
        "ann",
        "contoso",
        str(account.object_id),
        RIGHT,
        SECRET,
        DIRECTORY,
        APP,
        "filter",
        "Bearer",
    ):
        assert private not in told, private


def test_a_call_without_an_answer_has_a_row_too(start_entra: StartEntra) -> None:
    entra = start_entra()
    row = connect(make_tenant(), DIRECTORY, APP, SECRET)
    entra.faults.add(FaultRule(where="graph", kind="drop", count=1))
    check_connection(row.tenant, actor=SYSTEM)
    (lost,) = DirectoryCall.objects.filter(status=None)
    assert (lost.failure, lost.path) == ("RemoteProtocolError", "/v1.0/organization")


def test_a_row_that_cannot_be_written_spoils_nothing() -> None:
    recorder(UUID(int=1))(Call("GET", "/v1.0/users", 70_000, "", 0.1, {}, ""))
    assert DirectoryCall.objects.count() == 0


def test_pages_filters_and_counts(start_entra: StartEntra) -> None:
    row, other = connected(start_entra), connect(make_tenant(), DIRECTORY, APP, SECRET)
    DirectoryCall.objects.all().delete()
    now = utc_now()
    write, theirs = recorder(row.pk, lambda: now), recorder(other.pk, lambda: now)
    for status in (200, 200, 200, 400, 403, 429, 503, None):
        write(call(status))
        theirs(call(500))
    write(call(200, "/x/oauth2/v2.0/token", seconds=1.5))
    counts = count_calls(row, now - timedelta(hours=24))
    assert (counts.answered, counts.refused, counts.throttled, counts.failed, counts.unanswered) == (
        4,
        2,
        1,
        1,
        1,
    )
    assert (counts.total, counts.slowest_milliseconds) == (9, 1500)
    assert count_calls(row, now + timedelta(seconds=1)).total == 0

    first, before = calls_page(row, EVERYTHING, limit=4)
    rest, end = calls_page(row, EVERYTHING, before, limit=5)
    assert (len(first), len(rest), end) == (4, 5, None)
    assert len({each.pk for each in (*first, *rest)}) == 9
    assert first[0].milliseconds == 1500
    failed, _ = calls_page(row, CallFilters(failed=True))
    assert [each.status for each in failed] == [None, 503, 429, 403, 400]
    assert [each.service for each in calls_page(row, CallFilters(service="sign-in"))[0]] == ["sign-in"]
    for unknown in ("Graph", "\x00"):
        with pytest.raises(BadInput, match="graph or sign-in"):
            calls_page(row, CallFilters(service=unknown))


def test_old_rows_are_forgotten(start_entra: StartEntra) -> None:
    row, now = connected(start_entra), utc_now()
    DirectoryCall.objects.all().delete()
    for age in (KEPT_FOR + timedelta(seconds=1), KEPT_FOR - timedelta(minutes=1)):
        recorder(row.pk, lambda age=age: now - age)(call())  # type: ignore[misc]
    assert forget_old_calls(now) == 1
    assert DirectoryCall.objects.count() == 1
    row.delete()
    assert DirectoryCall.objects.count() == 0
