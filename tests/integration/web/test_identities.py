"""The list of identities and the profile of one, as pages; and the ways to them from other pages."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential, Machine, Sighting
from emberwatch.exposures.services import set_verdict
from emberwatch.identities.models import Application, ApplicationOpening, Group, GroupMember, Identity
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_attempt, make_credential, make_tenant
from tests.integration.web.conftest import HTMX, Visit, page
from tests.world import DIRECTORY

pytestmark = pytest.mark.django_db

PLACE: Final = UUID(DIRECTORY)
QUERIES_OF_A_LIST: Final = 20


def make_identity(tenant: Tenant, upn: str = "ann@contoso.example", **facts: Any) -> Identity:
    known: dict[str, Any] = {"object_id": uuid4(), "display_name": "Ann", "enabled": True, "read_at": NOW}
    return Identity.objects.create(
        tenant=tenant, entra_tenant_id=PLACE, user_principal_name=upn, **{**known, **facts}
    )


def make_group(tenant: Tenant, identity: Identity, name: str, **facts: Any) -> Group:
    group = Group.objects.create(tenant=tenant, entra_tenant_id=PLACE, object_id=uuid4(), name=name, **facts)
    GroupMember.objects.create(
        tenant=tenant,
        entra_tenant_id=PLACE,
        group_object_id=group.object_id,
        member_object_id=identity.object_id,
    )
    return group


def give(tenant: Tenant, identity: Identity, name: str, **facts: Any) -> None:
    application = Application.objects.create(
        tenant=tenant, entra_tenant_id=PLACE, object_id=uuid4(), app_id=uuid4(), name=name
    )
    ApplicationOpening.objects.create(
        tenant=tenant,
        entra_tenant_id=PLACE,
        application_object_id=application.object_id,
        principal_object_id=identity.object_id,
        **facts,
    )


def leak(identity: Identity, verdict: Verdict = Verdict.ACTIVE) -> Credential:
    row = make_credential(identity.tenant, identity.user_principal_name, leaked_at=NOW - timedelta(days=9))
    Credential.objects.filter(pk=row.pk).update(identity=identity)
    row.refresh_from_db()
    set_verdict(row, verdict, Certainty.PROVED, {"because": "x", "facts": []}, actor=SYSTEM, now=NOW)
    return row


def address(identity: Identity, query: str = "") -> str:
    return reverse("identity", args=[identity.tenant_id, identity.pk]) + query


def picture(text: str) -> dict[str, Any]:
    found = re.search(r'data-picture="([^"]*)"', text)
    assert found
    drawn: dict[str, Any] = json.loads(html.unescape(found[1]))
    return drawn


def table(text: str) -> list[list[str]]:
    """The cells of the table of what is opened, as plain words."""
    body = text.partition('id="opened"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body.partition("<tbody>")[2], re.DOTALL)
    return [
        [
            re.sub(r"<[^>]+>|\s+", " ", cell).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in rows
    ]


def test_the_picture_and_the_table_say_the_same(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant)
    make_group(tenant, ann, "Global Administrator", is_role=True, privileged=True, template_id=uuid4())
    staff = make_group(tenant, ann, "Staff")
    give(tenant, ann, "Payroll", role="Payroll administrator", privileged=True)
    text = page(visit("viewer"), address(ann))
    assert [row[:4] for row in table(text)] == [
        ["Global Administrator", "Role", "privileged", "directly"],
        ["Payroll", "Application", "privileged", "directly"],
        ["Staff", "Group", "no", "directly"],
    ]
    drawn = picture(text)
    told = {(node["name"], node["kind"].capitalize(), node["privileged"]) for node in drawn["nodes"]}
    assert told - {("Ann", "Person", False)} == {
        (row[0], row[1], row[2] == "privileged") for row in table(text)
    }
    assert {link["from"] for link in drawn["links"]} == {"person"}
    assert str(staff.object_id) in {link["to"] for link in drawn["links"]}


def test_the_table_is_paged_and_narrowed(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant)
    for number in range(60):
        make_group(tenant, ann, f"Group {number:02}")
    make_group(tenant, ann, "Reader", is_role=True, template_id=uuid4())
    client = visit("viewer")
    pages = [[row[0] for row in table(page(client, address(ann, f"?page={number}")))] for number in (1, 2, 3)]
    assert pages[0][0] == "Reader"
    assert [name for names in pages for name in names] == [
        "Reader",
        *(f"Group {number:02}" for number in range(60)),
    ]
    assert "There is no such page" in page(client, address(ann, "?page=4"))
    assert [row[0] for row in table(page(client, address(ann, "?kind=role")))] == ["Reader"]
    assert "and 50 more groups" in page(client, address(ann))
    for bad in ("?page=0", "?page=x", "?page=-1", "?page=999999999999", "?page=٣", "?kind=x"):
        assert client.get(address(ann, bad)).status_code == 400, bad


def test_a_profile_shows_what_is_known_and_why_the_rest_is_not(visit: Visit, tenant: Tenant) -> None:
    boss = make_identity(tenant, "boss@contoso.example", display_name="Boss")
    ann = make_identity(
        tenant,
        manager_object_id=boss.object_id,
        department="Finance",
        mfa_registered=False,
        licences=[uuid4()],
    )
    row = leak(ann)
    machine = Machine.objects.create(tenant=tenant, key="pc", computer_name="ANN-PC", infected_at=NOW)
    Sighting.objects.filter(credential=row).update(machine=machine)
    text = page(visit("analyst"), address(ann))
    assert f'href="{address(boss)}">Boss</a>' in text
    assert 'data-level="critical"' in text
    assert "no second factor is registered" in text
    assert "The directory has not been read yet." in text
    assert reverse("machine", args=[tenant.id, machine.id]) in text
    assert reverse("credential", args=[tenant.id, row.id]) in text
    assert set(re.findall(r'data-step="(\w+)"', text)) == {"leaked", "seen", "validated"}
    assert "Leaked-Passw0rd" not in text


def test_an_empty_profile_says_so(visit: Visit, tenant: Tenant) -> None:
    text = page(visit("viewer"), address(make_identity(tenant, display_name="")))
    for sentence in (
        "Nothing known against it",
        "No leaked credential of this person is known here.",
        "No role, no group and no application was given to this account.",
        "No infected machine of this person is known.",
        "Nothing has happened yet.",
    ):
        assert sentence in text
    assert "data-picture" not in text


def test_names_are_text_wherever_they_stand(visit: Visit, tenant: Tenant) -> None:
    evil = "<img src=x onerror=alert(1)>\"'"
    ann = make_identity(tenant, display_name=evil, department=evil)
    make_group(tenant, ann, evil)
    for where in (address(ann), reverse("identities", args=[tenant.id])):
        text = page(visit("viewer"), where)
        assert "<img" not in text
    assert evil in {node["name"] for node in picture(page(visit("viewer"), address(ann)))["nodes"]}


def test_the_password_is_masked_as_elsewhere(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant)
    leak(ann)
    assert "ew-secret" in page(visit("analyst"), address(ann))
    assert "ew-secret" not in page(visit("viewer"), address(ann))


def test_another_tenants_identity_is_not_there(visit: Visit, tenant: Tenant) -> None:
    theirs = make_identity(make_tenant())
    ours = make_identity(tenant)
    client = visit("admin")
    assert client.get(address(ours)).status_code == 200
    assert client.get(address(theirs)).status_code == 404
    assert client.get(reverse("identity", args=[tenant.id, theirs.pk])).status_code == 404


# The list


def listing(tenant: Tenant, query: str = "") -> str:
    return reverse("identities", args=[tenant.id]) + query


def listed(text: str) -> list[str]:
    return re.findall(r'<td class="ew-main"><a[^>]*>([^<]*)</a>', text)


def test_the_list_with_its_filters_and_counts(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant)
    make_group(tenant, ann, "Admins", privileged=True)
    leak(ann)
    make_identity(tenant, "bob@contoso.example", display_name="Bob", enabled=False)
    make_identity(tenant, "cyd@contoso.example", display_name="Cyd", external=True, user_type="Guest")
    make_identity(tenant, "dan@contoso.example", display_name="Dan", deleted_at=NOW)
    client = visit("viewer")
    text = page(client, listing(tenant))
    assert listed(text) == ["Ann", "Bob", "Cyd"]
    switches = re.findall(r'<a class="btn btn-sm[^>]*>(.*?) <span class="ew-count">([^<]*)<', text)
    assert dict(switches) == {
        "Privileged": "1",
        "Active exposure": "1",
        "Stale": "0",
        "Disabled": "1",
        "Guest": "1",
        "Deleted": "1",
    }
    assert listed(page(client, listing(tenant, "?privileged=true&exposed=true"))) == ["Ann"]
    assert listed(page(client, listing(tenant, "?disabled=true"))) == ["Bob"]
    assert listed(page(client, listing(tenant, "?gone=true"))) == ["Dan"]
    assert listed(page(client, listing(tenant, "?text=CYD"))) == ["Cyd"]
    assert "Nothing matches" in page(client, listing(tenant, "?text=nobody"))
    assert "is not known here" in page(client, listing(tenant, "?stale=true"))
    assert client.get(listing(tenant, "?stale=maybe")).status_code == 400
    assert client.get(listing(tenant, "?cursor=x")).status_code == 400


def test_a_pressed_filter_keeps_the_others_and_leads_back(visit: Visit, tenant: Tenant) -> None:
    make_identity(tenant)
    text = page(visit("viewer"), listing(tenant, "?guest=true&text=a"))
    links = dict(
        re.findall(
            r'href="[^"]*/identities/([^"]*)"[^>]*>(?:<svg.*?</svg>)?(?:<span[^>]*>[^<]*</span>)?(\w[\w ]*?) <span',
            text,
        )
    )
    by_label = {label: html.unescape(query) for query, label in links.items()}
    assert by_label["Guest"] == "?text=a"
    assert set(by_label["Stale"].lstrip("?").split("&")) == {"guest=true", "text=a", "stale=true"}


def test_the_first_page_of_a_new_tenant_says_what_to_do(visit: Visit, tenant: Tenant) -> None:
    assert "Entra ID Configuration" in page(visit("admin"), listing(tenant))
    assert "An admin of this tenant can connect it." in page(visit("viewer"), listing(tenant))


def test_the_list_asks_as_often_for_fifty_as_for_one(visit: Visit, tenant: Tenant) -> None:
    client = visit("viewer")
    numbers = []
    for size in (1, 49):
        for number in range(size):
            leak(make_identity(tenant, f"p{size}-{number}@contoso.example"))
        page(client, listing(tenant))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(client, listing(tenant))
        numbers.append(len(asked))
    assert numbers[0] == numbers[1] <= QUERIES_OF_A_LIST


# The ways to it


def test_the_credential_leads_to_the_profile_and_shows_the_severity(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant, mfa_registered=False)
    row = leak(ann)
    client = visit("analyst")
    where = reverse("credential", args=[tenant.id, row.id])
    for text in (page(client, where), page(client, where, **HTMX)):
        assert text.count(f'href="{address(ann)}"') == 2
        assert 'data-level="critical"' in text
    assert f'href="{address(ann)}"' in page(client, reverse("feed", args=[tenant.id]))
    assert f'href="{address(ann)}"' in page(client, reverse("case", args=[tenant.id, row.id]))


def test_machine_and_attempts_lead_to_the_profile(visit: Visit, tenant: Tenant) -> None:
    ann = make_identity(tenant)
    row = leak(ann)
    machine = Machine.objects.create(tenant=tenant, key="pc")
    Sighting.objects.filter(credential=row).update(machine=machine)
    client = visit("analyst")
    assert f'href="{address(ann)}"' in page(client, reverse("machine", args=[tenant.id, machine.id]))
    make_attempt(tenant, PLACE, object_id=ann.object_id)
    make_attempt(tenant, PLACE, object_id=uuid4())
    text = page(client, reverse("attempts", args=[tenant.id]))
    assert text.count("Identity profile") == text.count(f'href="{address(ann)}"') == 1
