"""Whatever is wrong, the answer is a problem document that says so in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from emberwatch.accounts.models import Role
from emberwatch.directories.models import DirectoryConnection
from tests.factories import make_credential, make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

MEMBERS = {"type", "title", "status", "detail", "remedy", "field"}


@pytest.fixture
def caller() -> Caller:
    return caller_for(make_tenant(), Role.ADMIN)


def assert_problem(answer: Any, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert set(body) == MEMBERS
    assert body["status"] == status
    assert body["title"] and body["detail"]
    if field is not None:
        assert body["field"] == field
    return body


@pytest.mark.parametrize("path", ["/", "/nope", "/tenants/", "/a%0Ab", "/%00", "//", "/tenants/x/y", "/🔥"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_address(caller: Caller, method: str, path: str) -> None:
    assert_problem(caller(method, path), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ODD"])
def test_a_method_that_the_address_does_not_take(caller: Caller, method: str) -> None:
    answer = caller(method, caller.here("/credentials"))
    assert_problem(answer, 405)
    assert answer["Allow"] == "GET"


@pytest.mark.parametrize(
    "given", ["x", "%00", "1" * 5000, "00000000-0000-0000-0000-00000000000g", "é", "%F0%9F"]
)
def test_an_id_that_is_none_looks_missing(caller: Caller, given: str) -> None:
    credential = make_credential(caller.tenant)
    assert caller.get(caller.here(f"/credentials/{credential.id}")).status_code == 200
    for path in ("/credentials/", "/imports/", "/validations/"):
        assert_problem(caller.get(caller.here(path + given)), 404)
    assert_problem(caller.get(f"/tenants/{given}"), 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=" + "9" * 6000, "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("verdict=maybe", "verdict"),
        ("group=%00", "group"),
        ("source_kind=null", "source_kind"),
        ("since=yesterday", "since"),
        ("since=2026-02-30", "since"),
        ("until=9999-12-31T23:59:59-23:59", "until"),
        ("since=0001-01-01T00:00:00%2B23:59", "since"),
        ("text=" + "x" * 321, "text"),
        ("domain=" + "x" * 254, "domain"),
    ],
)
def test_a_filter_that_cannot_be_used(caller: Caller, query: str, field: str) -> None:
    assert_problem(caller.get(caller.here(f"/credentials?{query}")), 422, field)


@pytest.mark.parametrize(
    "query",
    [
        "text=%00",
        "text=%25_%5C",
        "text=%F0%9F%94%A5",
        "text=%ED%A0%80",
        "domain=%00",
        "since=2026-01-01T00:00:00%2B19:57",
        "until=9999-12-31",
        "since=0001-01-01&until=2026-06-01T10:00",
    ],
)
def test_a_filter_that_is_only_odd(caller: Caller, query: str) -> None:
    assert caller.get(caller.here(f"/credentials?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"\xff\xfe", 400, "body"),
        (b"[" * 100_000, 400, "body"),
        (b"", 422, None),
        (b"[]", 422, None),
        (b"null", 422, None),
        (b"{}", 422, "client_id"),
        (b'{"client_id": 1, "entra_tenant_id": "x"}', 422, "client_id"),
        (b'{"client_id": "\\ud800", "entra_tenant_id": "x"}', 422, "client_id"),
        (b'{"client_id": "\\u0000", "entra_tenant_id": "x"}', 422, "client_id"),
        (b'{"client_id": "x", "entra_tenant_id": "x", "surplus": 1}', 422, "surplus"),
        (b'{"client_id": "' + b"x" * 101 + b'", "entra_tenant_id": "x"}', 422, "client_id"),
        (b'"' + b"x" * (2 * 1024 * 1024) + b'"', 413, None),
    ],
)
def test_a_body_that_cannot_be_used(caller: Caller, body: bytes, status: int, field: str | None) -> None:
    answer = caller.client.generic(
        "PUT",
        f"/api/v1{caller.here('/directory')}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    assert_problem(answer, status, field)
    assert not DirectoryConnection.objects.exists()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=base64",
        "application/xml",
        "é",
    ],
)
def test_a_body_of_another_kind(caller: Caller, kind: str) -> None:
    answer = caller.client.generic(
        "PUT",
        f"/api/v1{caller.here('/directory')}",
        "{}",
        content_type=kind,
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    assert_problem(answer, 415, "Content-Type")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"client_secret": APP}, "client_secret"),
        ({"client_secret": SECRET, "entra_tenant_id": APP}, "entra_tenant_id"),
        ({"client_id": SECRET, "client_secret": APP}, "client_secret"),
        ({"client_secret": ""}, "client_secret"),
        ({"cloud": "moon"}, "cloud"),
    ],
)
def test_fields_of_the_connection_that_cannot_be_right(
    caller: Caller, changed: dict[str, str], field: str
) -> None:
    good = {"client_id": APP, "client_secret": SECRET, "entra_tenant_id": DIRECTORY, "cloud": "global"}
    answer = caller("PUT", caller.here("/directory"), good | changed)
    body = assert_problem(answer, 422, field)
    assert SECRET not in str(body)
    assert not DirectoryConnection.objects.exists()


def test_a_fault_of_ours_tells_nothing(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    credential = make_credential(caller.tenant)
    # A verdict that no version of Emberwatch wrote.
    type(credential).objects.update(verdict="secret-looking-value")
    body = assert_problem(caller.get(caller.here("/credentials")), 500)
    assert "secret-looking-value" not in str(body) + caplog.text
    assert "ValidationError" in caplog.text
