"""Configure → Tenants, and Entra ID Configuration with its fields, its check and its states."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from emberwatch.accounts.models import User
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.simulator import FaultRule
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import members_of, monitored_domains
from tests.factories import connect, make_tenant, make_user
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import Visit, client_of, page
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

FORM = {"client_id": APP, "client_secret": SECRET, "entra_tenant_id": DIRECTORY, "cloud": "custom"}


def configuration(tenant: Tenant) -> str:
    return reverse("directory", args=[tenant.id])


def test_the_first_page_of_a_new_installation_says_what_to_do(db: None) -> None:
    client = client_of(make_user(organisation_admin=True))
    assert client.get("/").headers["Location"] == reverse("tenants")
    assert "No tenant yet" in page(client, reverse("tenants"))
    lonely = client_of(make_user())
    assert "You are not a member of any tenant" in page(lonely, reverse("tenants"))
    assert "You are not a member of any tenant" in page(lonely, reverse("feeds"))


def test_a_tenant_is_made_and_mistakes_stand_beside_their_field(visit: Visit) -> None:
    client, address = visit("organisation"), reverse("new_tenant")
    bad = client.post(address, {"name": "Fabrikam", "domains": "fabrikam.example\nnot_a_domain"})
    assert bad.status_code == 400
    html = bad.content.decode()
    assert 'value="Fabrikam"' in html
    assert "not_a_domain</textarea>" in html
    assert re.search(r'id="id_domains"[^>]*aria-invalid="true"', html)
    reply = client.post(address, {"name": "Fabrikam", "domains": "fabrikam.example, b.example\nc.example"})
    made = Tenant.objects.get(name="Fabrikam")
    assert reply.headers["Location"] == reverse("tenant", args=[made.id])
    assert monitored_domains(made) == ["b.example", "c.example", "fabrikam.example"]
    assert "There is a tenant called Contoso already." in client.post(
        address, {"name": "contoso", "domains": "x.example"}
    ).content.decode().replace("contoso", "Contoso")


def test_the_list_finds_and_pages(db: None) -> None:
    for number in range(130):
        make_tenant(name=f"T{number:03d} {uuid4()}")
    client = client_of(make_user(organisation_admin=True))
    first = page(client, reverse("tenants")).split("<main")[1]
    assert "T099" in first
    assert "T100" not in first
    after = re.search(r'href="([^"]+)">Next', first)
    assert after
    assert "T129" in page(client, after.group(1)).split("<main")[1]
    assert "T007" not in page(client, reverse("tenants") + "?text=T12").split("<main")[1]
    assert "No tenant matches" in page(client, reverse("tenants") + "?text=zzz")


def test_people_are_invited_changed_and_removed(visit: Visit, tenant: Tenant) -> None:
    admin = visit("admin")
    bad = admin.post(reverse("invite", args=[tenant.id]), {"email": "nobody", "role": "viewer"})
    assert bad.status_code == 400
    assert "This is not an e-mail address." in bad.content.decode()

    reply = admin.post(reverse("invite", args=[tenant.id]), {"email": "new@x.example", "role": "viewer"})
    link = re.search(r"http://testserver(/invitation/[^/]+/)", reply.content.decode())
    assert link
    assert link.group(1) not in page(admin, reverse("tenant", args=[tenant.id])), "shown once"

    known = make_user(make_tenant(), "admin")
    admin.post(reverse("invite", args=[tenant.id]), {"email": known.email.upper(), "role": "viewer"})
    member = next(member for member in members_of(tenant) if member.user == known)
    admin.post(reverse("member_role", args=[tenant.id, member.id]), {"role": "analyst"})
    member.refresh_from_db()
    assert member.role == "analyst"
    assert admin.post(reverse("member_role", args=[tenant.id, member.id]), {"role": "x"}).status_code == 400
    admin.post(reverse("remove_member", args=[tenant.id, member.id]))
    assert known not in [found.user for found in members_of(tenant)]
    assert User.objects.filter(pk=known.pk).exists()


def test_whoever_removes_oneself_is_led_home(tenant: Tenant) -> None:
    user = make_user(tenant, "admin")
    [member] = members_of(tenant)
    reply = client_of(user).post(reverse("remove_member", args=[tenant.id, member.id]))
    assert reply.headers["Location"] == "/"


def test_only_admins_see_the_way_to_the_configuration(visit: Visit, tenant: Tenant) -> None:
    for role, shown in (("admin", True), ("analyst", False), ("viewer", False)):
        html = page(visit(role), reverse("tenant", args=[tenant.id]))
        assert (configuration(tenant) in html) is shown
        assert ("Invite a person" in html) is shown
        assert "contoso.example" in html


def test_saving_checks_and_shows_every_item(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra()
    client = visit("admin")
    empty = page(client, configuration(tenant))
    for label in ("Entra Client ID", "Entra Client Secret", "Entra Tenant ID", "Cloud"):
        assert re.search(rf"<label[^>]*>{label}</label>", empty), label
    assert ">Save</button>" in empty
    assert "Custom (set by the operator)" in empty

    saved = client.post(configuration(tenant), FORM)
    assert saved.headers["Location"] == f"{configuration(tenant)}{DIRECTORY}/"

    html = page(client, configuration(tenant))
    for text in (
        "Saved. The connection works.",
        "Entra ID accepts the client ID and secret.",
        "Stored; leave",
    ):
        assert text in html
    assert "Active" in html.split("Connection</h2>")[1][:700]
    assert SECRET not in html
    assert "value" not in html.split('id="id_client_secret"')[1].split(">")[0].replace('value=""', "")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("client_secret", APP, "This looks like the secret&#x27;s ID; paste the Value."),
        ("client_id", "not a guid", "The Entra Client ID is not an ID such as"),
        ("entra_tenant_id", "", "The Entra Tenant ID is missing."),
        ("entra_tenant_id", APP, "are the same value"),
        ("cloud", "moon", "There is no cloud named moon"),
    ],
)
def test_a_mistake_stands_beside_its_field(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, field: str, value: str, sentence: str
) -> None:
    start_entra()
    client = visit("admin")
    reply = client.post(configuration(tenant), FORM | {field: value})
    html = reply.content.decode()
    assert reply.status_code == 400
    beside = html.split(f'id="hint_{field}"')[1].split("</div>\n</div>")[0]
    assert sentence in beside
    assert SECRET not in html
    assert not DirectoryConnection.objects.exists()
    assert client.post(configuration(tenant), FORM).status_code == 302


def test_a_wrong_secret_is_one_sentence_and_a_banner(
    start_entra: StartEntra, visit: Visit, tenant: Tenant
) -> None:
    start_entra()
    client = visit("admin")
    client.post(configuration(tenant), FORM | {"client_secret": "wrong~value-of-a-secret"})
    html = page(client, configuration(tenant))
    assert html.count("Entra ID does not accept the client secret.") == 1
    assert "paste the Value column, not the Secret ID" in html
    assert "never" in html.split("Last good check")[1][:40]
    feed = page(visit("viewer"), reverse("feed", args=[tenant.id]))
    assert "The directory connection does not work." in feed
    assert "A tenant admin can mend it." in feed
    client.post(configuration(tenant), FORM)
    assert "does not work" not in page(visit("viewer"), reverse("feed", args=[tenant.id]))


def test_switching_off_and_on_again_checks(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    entra = start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    client, switch = visit("admin"), reverse("switch_directory", args=[tenant.id])
    client.post(switch, {"disabled": "yes"})
    assert DirectoryConnection.objects.get().status == ConnectionStatus.DISABLED
    html = page(client, configuration(tenant))
    assert "Enable" in html
    assert "Switched off by an admin." in html
    assert "switched off" in page(client, reverse("feed", args=[tenant.id]))

    entra.faults.add(FaultRule(where="graph", kind="5xx", count=20))
    client.post(switch, {"disabled": "no"})
    assert DirectoryConnection.objects.get().status == ConnectionStatus.ERROR
    entra.faults.clear()
    client.post(reverse("check_directory", args=[tenant.id]))
    assert DirectoryConnection.objects.get().status == ConnectionStatus.ACTIVE


def test_there_is_nothing_to_check_before_it_is_saved(visit: Visit, tenant: Tenant) -> None:
    for name in ("check_directory", "switch_directory"):
        reply = visit("admin").post(reverse(name, args=[tenant.id]))
        assert reply.status_code == 404
        assert "not connected to a directory yet" in reply.content.decode()
