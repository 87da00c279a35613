"""Several directories on the pages, in the API and on the command line."""

from __future__ import annotations

from html import unescape
from typing import Final

import pytest
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.models import Role
from emberwatch.core.clock import utc_now
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of
from emberwatch.directories.services import halt
from emberwatch.simulator import SimulatedEntra
from emberwatch.tenants.models import Tenant
from tests.factories import connect, make_tenant, make_user
from tests.integration.api.conftest import caller_for
from tests.integration.cli.conftest import Run, run
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_several import OTHER_APP, OTHER_SECRET, SECOND, second
from tests.world import APP, DIRECTORY, SECRET

__all__ = ["run"]

pytestmark = pytest.mark.django_db

OTHER: Final = {
    "client_id": OTHER_APP,
    "client_secret": OTHER_SECRET,
    "entra_tenant_id": str(SECOND),
    "cloud": "custom",
}


@pytest.fixture
def entra(start_entra: StartEntra) -> SimulatedEntra:
    return start_entra(others=(second(),))


@pytest.fixture
def tenant(entra: SimulatedEntra) -> Tenant:
    made = make_tenant("contoso.example", "fabrikam.example", name="Group")
    connect(made, DIRECTORY, APP, SECRET)
    return made


def text_of(client: Client, address: str) -> str:
    reply = client.get(address)
    assert reply.status_code == 200, (address, reply.status_code)
    return unescape(reply.content.decode())


def test_pages(tenant: Tenant) -> None:
    client = Client()
    client.force_login(make_user(tenant, Role.ADMIN))
    short = reverse("directory", args=[tenant.id])
    add = reverse("add_directory", args=[tenant.id])
    only = text_of(client, short)
    assert add in only and "Directories</a>" not in only

    assert "Add a directory" in text_of(client, add)
    refused = client.post(add, OTHER | {"entra_tenant_id": DIRECTORY})
    assert refused.status_code == 400
    assert "connected to this directory already" in refused.content.decode()
    added = client.post(add, OTHER)
    here = reverse("directory", args=[tenant.id, SECOND])
    assert (added.status_code, added.headers["Location"]) == (302, here)

    listed = text_of(client, short)
    for told in ("Contoso", "Fabrikam", str(SECOND), "fabrikam.example", here, "Active"):
        assert told in listed
    one = text_of(client, here)
    assert "Directories</a> / Fabrikam" in one
    assert f'value="{OTHER_APP}"' in one and f'value="{APP}"' not in one
    for name in ("directory_health", "directory_sync", "choices", "soc"):
        address = reverse(name, args=[tenant.id, SECOND])
        assert address in one or name == "soc"
        assert "Fabrikam" in text_of(client, address)
    assert client.get(reverse("directory_health", args=[tenant.id])).status_code == 400
    assert client.get(reverse("directory_health", args=[tenant.id, OTHER_APP])).status_code == 404

    # What is pressed on one page touches that directory alone.
    client.post(reverse("switch_directory", args=[tenant.id, SECOND]), {"disabled": "yes"})
    client.post(
        reverse("protect", args=[tenant.id, SECOND]), {"kind": "account", "value": "ceo@fabrikam.example"}
    )
    client.post(reverse("start_directory_sync", args=[tenant.id, DIRECTORY]))
    statuses = {row.entra_tenant_id: row.status for row in connections_of(tenant.id)}
    assert statuses[SECOND] == "disabled" and set(statuses.values()) == {"disabled", "active"}
    assert "ceo@fabrikam.example" in text_of(client, reverse("choices", args=[tenant.id, SECOND]))
    assert "ceo@fabrikam.example" not in text_of(client, reverse("choices", args=[tenant.id, DIRECTORY]))
    feed = text_of(client, reverse("feed", args=[tenant.id]))
    assert "switched off" in feed and "Fabrikam:" in feed and here in feed

    gone = client.post(reverse("remove_directory", args=[tenant.id, SECOND]), follow=True)
    assert "Fabrikam is no longer connected." in gone.content.decode()
    assert "Directories</a>" not in text_of(client, short)


def test_the_directory_of_another_tenant_is_not_there(tenant: Tenant) -> None:
    stranger = make_tenant(name="Stranger")
    connect(stranger, str(SECOND), OTHER_APP, OTHER_SECRET)
    theirs, mine = Client(), Client()
    theirs.force_login(make_user(stranger, Role.ADMIN))
    mine.force_login(make_user(tenant, Role.ADMIN))
    for name in ("directory", "directory_health", "directory_sync", "choices", "soc"):
        assert theirs.get(reverse(name, args=[stranger.id, SECOND])).status_code == 200
        assert mine.get(reverse(name, args=[tenant.id, SECOND])).status_code == 404
    assert mine.post(reverse("remove_directory", args=[tenant.id, SECOND])).status_code == 404
    assert DirectoryConnection.objects.filter(tenant=stranger).exists()


def test_the_api(tenant: Tenant) -> None:
    call = caller_for(tenant, Role.ADMIN)
    assert call("POST", call.here("/directories"), OTHER).status_code == 201
    again = call("POST", call.here("/directories"), OTHER)
    assert (again.status_code, again.json()["field"]) == (422, "entra_tenant_id")
    listed = call.get(call.here("/directories")).json()
    assert [row["organisation_name"] for row in listed["items"]] == ["Contoso", "Fabrikam"]

    unnamed = call.get(call.here("/directory"))
    assert (unnamed.status_code, unnamed.json()["field"]) == (422, "directory")
    assert str(SECOND) in unnamed.json()["remedy"]
    for place in ("", "/health", "/calls", "/sync", "/choices", "/protected", "/activity", "/soc"):
        for named in (str(SECOND), "Fabrikam"):
            found = call.get(call.here(f"/directory{place}?directory={named}"))
            assert found.status_code == 200, place
    assert call.get(call.here("/directory?directory=Fabrikam")).json()["client_id"] == OTHER_APP
    assert call.get(call.here(f"/directory?directory={OTHER_APP}")).status_code == 404
    assert call("POST", call.here("/directory/check?directory=Fabrikam")).json()["status"] == "active"
    started = call("POST", call.here("/directory/sync?directory=Fabrikam"))
    assert started.headers["Location"].endswith("?directory=Fabrikam")
    assert started.json()["entra_tenant_id"] == str(SECOND)

    run = call("POST", call.here(f"/runs?directory={SECOND}"))
    assert run.status_code == 202
    assert call("DELETE", call.here("/directory?directory=Fabrikam")).status_code == 204
    assert call.get(call.here("/directory")).json()["client_id"] == APP


def test_the_command_line(tenant: Tenant, run: Run) -> None:
    ids = ("--client-id", OTHER_APP, "--entra-tenant-id", str(SECOND), "--cloud", "custom")
    assert run("entra", "connect", "Group", *ids, "--add", typed=OTHER_SECRET).code == 0
    assert run("entra", "connect", "Group", *ids, "--add", typed=OTHER_SECRET).code == 2
    rows = run("entra", "list", "Group", "--json").rows
    assert [row["organisation_name"] for row in rows] == ["Contoso", "Fabrikam"]
    assert "fabrikam.example" in run("entra", "list", "Group").out

    unnamed = run("entra", "check", "Group")
    assert unnamed.code == 2 and "several directories" in unnamed.err
    for command in ("check", "health", "calls", "choices", "protected", "activity", "soc"):
        assert run("entra", command, "Group", "--directory", "Fabrikam").code == 0, command
    assert run("entra", "key", "list", "Group", "--directory", str(SECOND)).code == 0
    (sync,) = run("entra", "sync", "Group", "--directory", "fabrikam", "--json").rows
    assert sync["entra_tenant_id"] == str(SECOND)
    protected = ("Group", "--account", "ceo@fabrikam.example", "--directory", "Fabrikam")
    assert run("entra", "protect", *protected).code == 0
    assert run("entra", "unprotect", *protected).code == 0

    assert run("entra", "remove", "Group", "--directory", "Nobody").code == 2
    assert run("entra", "remove", "Group", "--directory", "Fabrikam").code == 0
    assert run("entra", "check", "Group").code == 0


def test_the_banner_leads_to_the_one_that_does_not_work(tenant: Tenant) -> None:
    call = caller_for(tenant, Role.ADMIN)
    call("POST", call.here("/directories"), OTHER)
    _, other = connections_of(tenant.id)
    halt(other.id, "stopped for a test", now=utc_now(), facts={})
    client = Client()
    client.force_login(make_user(tenant, Role.ADMIN))
    feed = text_of(client, reverse("feed", args=[tenant.id]))
    assert "Fabrikam: stopped for a test" in " ".join(feed.split())
