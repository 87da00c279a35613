"""The directory's pages: keys side by side, what Emberwatch may do, and how the directory is doing."""

from __future__ import annotations

from html import unescape
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from emberwatch.core.clock import utc_now
from emberwatch.directories.models import ConnectionKey, ConnectionStatus, DirectoryCall, DirectoryConnection
from emberwatch.simulator import CertificateScenario, FaultRule
from emberwatch.tenants.models import Tenant
from tests.factories import connect, make_attempt, make_tenant
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_connection import app
from tests.integration.web.conftest import Visit, page
from tests.unit.directories.keys import PASSWORD, make_keys
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

KEYS = make_keys(now=utc_now())
IDS = {"client_id": APP, "client_secret": "", "entra_tenant_id": DIRECTORY, "cloud": "custom"}


@pytest.fixture
def admin(start_entra: StartEntra, visit: Visit) -> Client:
    start_entra(
        apps=(
            app(
                certificates=(CertificateScenario(pem=KEYS.public_pem),),
                granted_roles=("Directory.Read.All", "Mail.ReadWrite"),
            ),
        )
    )
    return visit("admin")


def file(data: bytes | None = None) -> dict[str, object]:
    content = KEYS.pfx(PASSWORD) if data is None else data
    return {"certificate": SimpleUploadedFile("app.pfx", content), "certificate_password": PASSWORD}


def shown(client: Client, tenant: Tenant, name: str = "directory", query: str = "") -> str:
    return unescape(page(client, reverse(name, args=[tenant.id]) + query))


def test_a_certificate_connects_without_a_secret(admin: Client, tenant: Tenant) -> None:
    address = reverse("directory", args=[tenant.id])
    assert "A certificate or federation instead of the secret" in shown(admin, tenant)
    assert admin.post(address, IDS | file()).status_code == 302
    html = shown(admin, tenant)
    assert "Saved. The connection works." in html
    assert f"Thumbprint <code>{KEYS.thumbprint}</code>" in html
    assert "Certificate · in use" in html
    assert "PRIVATE KEY" not in html
    assert PASSWORD not in html


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        (file(b"rubbish"), "certificate", "neither a PFX nor a PEM"),
        (file() | {"certificate_password": "another"}, "certificate_password", "does not open the file"),
        (file() | {"client_secret": SECRET}, "certificate", "one of client secret, certificate"),
    ],
)
def test_a_mistake_stands_beside_its_field(
    admin: Client, tenant: Tenant, given: dict[str, object], field: str, sentence: str
) -> None:
    reply = admin.post(reverse("directory", args=[tenant.id]), IDS | given)
    html = reply.content.decode()
    assert reply.status_code == 400
    assert "<details open>" in html
    assert sentence in html.split(f'id="hint_{field}"')[1].split("</div>\n</div>")[0]
    assert not DirectoryConnection.objects.exists()

    connect(tenant, DIRECTORY, APP, SECRET)
    if "client_secret" not in given:
        given["certificate"].seek(0)  # type: ignore[attr-defined]
        reply = admin.post(reverse("add_key", args=[tenant.id]), given)
        assert reply.status_code == 400
        assert (
            sentence
            in reply.content.decode().split(f'id="hint_second_{field}"')[1].split("</div>\n</div>")[0]
        )
        assert ConnectionKey.objects.count() == 1


def test_a_second_key_is_added_and_the_first_removed(admin: Client, tenant: Tenant) -> None:
    connect(tenant, DIRECTORY, APP, SECRET)
    old = ConnectionKey.objects.get()
    html = shown(admin, tenant)
    assert "Add a second one, to renew without a gap" in html
    assert reverse("remove_key", args=[tenant.id, DIRECTORY, old.id]) not in html, "the only one stays"
    assert admin.post(reverse("add_key", args=[tenant.id]), file()).status_code == 302
    html = shown(admin, tenant)
    assert "Added. Both were checked." in html
    assert "Certificate · in use" in html
    assert "Client secret · in use" not in html
    assert "Add a second one" not in html
    full = admin.post(reverse("add_key", args=[tenant.id]), {"client_secret": "Zx8Q~a-third-one"})
    assert full.status_code == 400
    assert admin.post(reverse("remove_key", args=[tenant.id, DIRECTORY, old.id])).status_code == 302
    html = shown(admin, tenant)
    assert "Client secret" not in html.split('id="keys"')[1].split("<form")[0]
    assert admin.post(reverse("remove_key", args=[tenant.id, uuid4()])).status_code == 404


def test_no_two_fields_share_an_id(admin: Client, tenant: Tenant) -> None:
    import re

    connect(tenant, DIRECTORY, APP, SECRET)
    ids = re.findall(r'\bid="([^"]+)"', page(admin, reverse("directory", args=[tenant.id])))
    assert "id_second_certificate" in ids
    assert sorted(ids) == sorted(set(ids))


def test_federation_is_offered_to_organisation_admins_alone(
    admin: Client, tenant: Tenant, visit: Visit
) -> None:
    connect(tenant, DIRECTORY, APP, SECRET)
    assert "federated token" not in shown(admin, tenant)
    assert "The platform's federated token" in shown(visit("organisation"), tenant)
    refused = admin.post(reverse("add_key", args=[tenant.id]), {"federated": "yes"})
    assert refused.status_code == 400
    assert ConnectionKey.objects.count() == 1


def test_capabilities_and_what_is_too_much(admin: Client, tenant: Tenant) -> None:
    assert "What Emberwatch may do here" not in shown(admin, tenant)
    connect(tenant, DIRECTORY, APP, SECRET)
    table = shown(admin, tenant).split('id="capabilities"')[1]
    for text in (
        "Accounts",
        "<code>User.Read.All</code>",
        "by <code>Directory.Read.All</code>",
        "optional · Microsoft Entra ID P1 or P2",
        "Missing",
        "More than needed",
        "<code>Mail.ReadWrite</code>",
        "it opens everybody's mail",
        f"/{DIRECTORY}/adminconsent?client_id={APP}",
        "ApplicationMenuBlade/~/CallAnAPI/appId",
    ):
        assert text in table, text


def test_health_before_and_after_something_was_asked(admin: Client, tenant: Tenant) -> None:
    assert admin.get(reverse("directory_health", args=[tenant.id])).status_code == 404
    connection = connect(tenant, DIRECTORY, APP, SECRET)
    html = shown(admin, tenant, "directory_health")
    for text in (
        "Directory health",
        "Active",
        "agrees with the directory's",
        "2 verified, 1 of them federated",
    ):
        assert text in html, text
    assert "<code>GET /v1.0/organization</code>" in html
    assert "<code>POST /{id}/oauth2/v2.0/token</code>" in html
    DirectoryCall.objects.all().delete()
    assert "No requests yet" in shown(admin, tenant, "directory_health")
    assert "Nothing matches" in shown(admin, tenant, "directory_health", "?failed=yes")
    object_id = uuid4()
    for _ in range(2):
        make_attempt(tenant, connection.entra_tenant_id, at=utc_now(), object_id=object_id)
    html = shown(admin, tenant, "directory_health")
    assert "2 for this tenant, on 1 account;" in html
    assert "2 failed per account; used up for 1 account of the directory" in html


def test_requests_are_paged_and_filtered(admin: Client, tenant: Tenant, start_entra: StartEntra) -> None:
    connect(tenant, DIRECTORY, APP, SECRET)
    for _ in range(4):
        admin.post(reverse("check_directory", args=[tenant.id]))
    first = shown(admin, tenant, "directory_health")
    assert first.count("<code>GET ") + first.count("<code>POST ") == 50
    older = first.split('href="')[-1].split('"')[0]
    assert "before=" in older
    second = unescape(page(admin, older.partition("#")[0]))
    assert "Newest" in second
    only = shown(admin, tenant, "directory_health", "?service=sign-in")
    assert "/v1.0/organization" not in only
    assert admin.get(reverse("directory_health", args=[tenant.id]) + "?before=x").status_code == 400


def test_a_directory_that_does_not_answer_shows_so(
    tenant: Tenant, start_entra: StartEntra, visit: Visit
) -> None:
    entra, admin = start_entra(), visit("admin")
    connection = connect(tenant, DIRECTORY, APP, SECRET)
    entra.faults.add(FaultRule(where="login", kind="drop", count=20))
    admin.post(reverse("check_directory", args=[tenant.id]))
    connection.refresh_from_db()
    assert connection.status == ConnectionStatus.ERROR
    html = shown(admin, tenant, "directory_health")
    assert "does not answer" in html
    assert "none: RemoteProtocolError" in html
    assert "Error" in html


def test_another_tenants_requests_are_not_there(admin: Client, tenant: Tenant) -> None:
    connect(tenant, DIRECTORY, APP, SECRET)
    other = make_tenant()
    connect(other, DIRECTORY, APP, SECRET)
    DirectoryCall.objects.filter(connection__tenant=other).update(path="/v1.0/theirs")
    assert "/v1.0/theirs" not in shown(admin, tenant, "directory_health")
    assert DirectoryCall.objects.filter(path="/v1.0/theirs").exists()
    assert admin.get(reverse("directory_health", args=[other.id])).status_code == 404


def test_a_form_from_elsewhere_is_refused(tenant: Tenant, start_entra: StartEntra, visit: Visit) -> None:
    start_entra()
    strict = visit("admin", enforce_csrf_checks=True)
    for address in ("directory", "add_key"):
        assert strict.post(reverse(address, args=[tenant.id]), IDS | file()).status_code == 403
    assert not DirectoryConnection.objects.exists()
