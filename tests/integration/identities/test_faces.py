"""The same reading on the command line, in the API and on the pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import strip_tags

from emberwatch.accounts.models import Role
from emberwatch.api.sync_shapes import SyncOut
from emberwatch.identities.models import Identity, SyncState
from emberwatch.simulator import UserScenario
from tests.factories import make_credential, make_user
from tests.integration.api.conftest import caller_for
from tests.integration.cli.conftest import Run, run
from tests.integration.identities.conftest import World
from tests.world import APP, DIRECTORY

__all__ = ["run"]

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]


def test_the_command_reads_all_and_says_so(begin: Begin, run: Run) -> None:
    world = begin(40)
    make_credential(world.tenant, "person3@contoso.example")
    ran = run("entra", "sync", world.tenant.name)
    assert (ran.code, ran.err) == (0, "")
    assert "Up to date." in ran.out
    assert "Not read: Last sign-ins. The application lacks the permission AuditLog.Read.All." in ran.out
    assert world.differences() == []
    told = run("entra", "sync", world.tenant.name, "--json").rows
    assert set(told[0]) == set(SyncOut.model_fields)
    assert told[0]["counts"]["changed"] == 0
    [credential] = run("credentials", world.tenant.name, "--json").rows
    assert credential["matched_by"] == "userPrincipalName"
    assert credential["identity"]["user_principal_name"] == "person3@contoso.example"


def test_a_fault_is_told_and_ends_in_a_failure(begin: Begin, run: Run) -> None:
    world = begin(10)
    world.entra.directory(DIRECTORY).apps[APP].secrets = ()
    ran = run("entra", "sync", world.tenant.name)
    assert ran.code == 1
    assert "Entra ID does not accept the client secret." in ran.out


def test_a_bad_group_is_refused(begin: Begin, run: Run) -> None:
    world = begin(10)
    ran = run("entra", "sync", world.tenant.name, "--group", "Sales")
    assert ran.code == 2
    assert "Object ID" in ran.err
    assert run("entra", "sync", world.tenant.name, "--group", "x", "--everybody").code == 2


def test_the_command_limits_to_a_group_and_takes_it_back(begin: Begin, run: Run) -> None:
    world = begin(60)
    directory = world.entra.directory(DIRECTORY)
    group = next(each for each in directory.memberships.present_groups() if each.people)
    assert run("entra", "sync", world.tenant.name, "--group", group.id).code == 0
    assert Identity.objects.count() < 60
    assert run("entra", "sync", world.tenant.name, "--everybody").code == 0
    assert world.differences() == []


def test_the_api_tells_and_asks(begin: Begin) -> None:
    world = begin(20)
    call = caller_for(world.tenant, Role.ADMIN)
    place = call.here("/directory/sync")
    before = call.get(place).json()
    assert (before["state"], before["finished_at"]) == ("idle", None)
    asked = call("POST", place)
    assert (asked.status_code, asked.json()["state"]) == (202, SyncState.WAITING)
    world.finish()
    after = call.get(place).json()
    assert (after["state"], after["accounts"]) == ("idle", Identity.objects.filter(deleted_at=None).count())
    assert {each["stage"] for each in after["switched_off"]} == {"sign_ins", "registration", "risk"}
    refused = call("PUT", place, {"group_id": "Sales"})
    assert (refused.status_code, refused.json()["field"]) == (422, "group_id")


def test_the_pages_show_it_and_ask(begin: Begin) -> None:
    world = begin(20)
    client = Client()
    client.force_login(make_user(world.tenant, Role.ADMIN))
    place = f"/tenants/{world.tenant.id}/entra-id-configuration/"
    assert "Not read yet" in client.get(place).content.decode()
    assert client.post(f"{place}sync/start/").status_code == 302
    waiting = client.get(f"{place}sync/").content.decode()
    assert "Waiting" in waiting and "hx-trigger" in waiting and "Sync now" not in waiting
    world.finish()
    done = client.get(f"{place}sync/").content.decode()
    assert "Up to date" in done and "hx-trigger" not in done and "Sync now" in done
    assert "lacks the permission AuditLog.Read.All" in done
    bad = client.post(f"{place}sync/scope/", {"group_id": "Sales"})
    assert bad.status_code == 400
    assert "is not an ID such as" in bad.content.decode()


def test_a_credential_shows_why_it_is_whose(begin: Begin, run: Run) -> None:
    shared = {"mail": "shared@contoso.example"}
    people = (
        UserScenario(upn="bob@contoso.example", **shared),  # type: ignore[arg-type]
        UserScenario(upn="cid@contoso.example", proxy_addresses=("smtp:c@contoso.example",), **shared),  # type: ignore[arg-type]
    )
    world = begin(users=people, groups=(), roles=())
    sure = make_credential(world.tenant, "c+shop@contoso.example")
    ambiguous = make_credential(world.tenant, "shared@contoso.example")
    assert run("entra", "sync", world.tenant.name).code == 0
    client = Client()
    client.force_login(make_user(world.tenant, Role.VIEWER))
    base = f"/tenants/{world.tenant.id}/credentials/"
    page = client.get(f"{base}{sure.id}/").content.decode()
    assert "The login is one of its proxy addresses, without the part after +." in page
    page = client.get(f"{base}{ambiguous.id}/").content.decode()
    assert "2 accounts bear this login." in page
    assert "cid@contoso.example: the login is its mail address." in strip_tags(page)
    assert "several accounts" in client.get(base).content.decode()
    call = caller_for(world.tenant, Role.VIEWER)
    told = call.get(call.here(f"/credentials/{ambiguous.id}")).json()
    assert told["matched_by"] == "ambiguous"
    assert [each["user_principal_name"] for each in told["candidates"]] == [
        "bob@contoso.example",
        "cid@contoso.example",
    ]
