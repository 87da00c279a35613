"""From a credential to the person behind it, what the account opens, the machine, and back; in a browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Product
from tests.e2e.test_journey import bring_in, configure, make_tenant
from tests.people import CORA, EMPTY, GUEST, LONG
from tests.world import SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture
def stealer_log(tmp_path: Path) -> Path:
    """One machine, with a password of each of these people on it."""
    block = "URL: https://portal.contoso.example/\nUsername: {}\nPassword: Some-0ther-{}\nApplication: Chrome\n====\n"
    people = (CORA, GUEST, LONG)
    archive = tmp_path / "logs.zip"
    with zipfile.ZipFile(archive, "w") as out:
        about = (
            "HWID: HW1\nMachineName: CORA-PC\nUserName: cora\nCountry: NL\nLog date: 2026-02-01 10:00:00\n"
        )
        out.writestr("v/UserInformation.txt", about)
        out.writestr("v/Passwords.txt", "".join(block.format(who, n) for n, who in enumerate(people)))
    return archive


def read_directory(page: Page) -> None:
    page.get_by_role("link", name="Progress and settings").click()
    expect(page.get_by_role("heading", name="Directory sync")).to_be_visible()
    if page.get_by_role("button", name="Sync now").count():
        page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Up to date", exact=True)).to_be_visible(timeout=60_000)


def test_from_a_credential_to_the_person_the_machine_and_back(
    page: Page, product: Product, stealer_log: Path
) -> None:
    make_tenant(page, "Persons", "contoso.example")
    configure(page, "Persons", SECRET)
    read_directory(page)
    bring_in(page, stealer_log)
    page.get_by_role("link", name="Open the tenant feed").click()
    expect(page.get_by_role("row", name=CORA)).to_contain_text("Cora Controller")
    page.get_by_role("link", name=CORA).click()

    panel = page.get_by_role("region", name="Details")
    expect(
        panel.get_by_text("A leaked password is not ruled out, and the account is privileged")
    ).to_be_visible()
    panel.get_by_role("link", name="Identity profile").click()
    expect(page.get_by_role("heading", name="Cora Controller")).to_be_visible()
    profile = page.url
    expect(page.locator(".ew-severity-large")).to_contain_text("High")
    expect(page.get_by_role("link", name="Open user in Entra admin center")).to_be_visible()
    expect(page.get_by_text("The application lacks the permission AuditLog.Read.All.").first).to_be_visible()

    # The picture is drawn, and holds what the table holds.
    box = page.locator("[data-picture]")
    expect(box.locator("canvas")).to_be_visible()
    table = page.locator("#opened tbody tr")
    assert int(box.get_attribute("data-drawn") or 0) == table.count() + 1
    assert _inked(page) > 0.005
    administrator = page.get_by_role("row", name="Global Administrator")
    expect(administrator).to_contain_text("privileged")
    expect(administrator).to_contain_text("Tier-0 admins")
    expect(page.get_by_role("row", name="Payroll")).to_contain_text("Payroll administrator")

    page.get_by_role("link", name="CORA-PC", exact=True).click()
    expect(page.get_by_role("heading", name="CORA-PC")).to_be_visible()
    page.get_by_role("link", name="Cora Controller").click()
    assert page.url == profile

    page.get_by_role("link", name="Identities").first.click()
    page.get_by_role("link", name="Privileged").click()
    expect(page.locator("tbody tr").filter(has_text="new.starter")).to_have_count(0)
    expect(page.locator("tbody tr").filter(has_text="Cora Controller")).to_have_count(1)
    page.get_by_role("link", name="Privileged").click()
    page.get_by_label("Name, sign-in name or object ID").fill(EMPTY)
    page.get_by_role("button", name="Search").click()
    page.locator("tbody").get_by_role("link", name="new.starter").click()
    expect(page.get_by_text("Nothing known against it")).to_be_visible()

    page.set_viewport_size({"width": 390, "height": 844})
    for address in (profile, page.url, profile.rpartition("/identities/")[0] + "/identities/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    _nothing_is_missing_without_the_picture(page, profile)


def _inked(page: Page) -> float:
    """The share of the picture's points on which something is drawn."""
    share: float = page.evaluate(
        """() => {
          const canvas = document.querySelector("[data-picture] canvas");
          const points = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          let drawn = 0;
          for (let at = 3; at < points.length; at += 4) if (points[at]) drawn += 1;
          return drawn / (points.length / 4);
        }"""
    )
    return share


def _nothing_is_missing_without_the_picture(page: Page, profile: str) -> None:
    page.route("**/echarts.min.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(profile)
    expect(page.get_by_role("row", name="Global Administrator")).to_be_visible()
    expect(page.locator("[data-picture]")).to_be_hidden()
