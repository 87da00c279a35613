"""From an active credential to a contained account: plan, a second person's approval, read back, undo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from emberwatch.simulator import UserScenario
from emberwatch.simulator.scenario import RoleScenario
from emberwatch.simulator.state import DirectoryState
from tests.e2e.conftest import PASSWORD, Product
from tests.e2e.test_journey import configure, make_tenant
from tests.integration.remediation.world import ALL, READS, app
from tests.world import DIRECTORY, RIGHT, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

CARL = UserScenario(upn="carl@contoso.example", password=RIGHT, display_name="Carl of Contoso")
DORA = UserScenario(
    upn="dora-elisabeth.von-und-zu-hohenstein@contoso.example", password=RIGHT, display_name="Dora of Contoso"
)
HELPDESK = RoleScenario(
    template_id="729827e3-9c14-49f7-bb1b-9608f156bbb8", display_name="Helpdesk Administrator"
)


@pytest.fixture
def directory(product: Product) -> Iterator[DirectoryState]:
    """The application may change accounts; Carl holds a role."""
    directory = product.entra.directory(DIRECTORY)
    directory.put_app(app(*ALL))
    carl = directory.add_user(CARL)
    directory.add_user(DORA)
    directory.memberships.fill_role(HELPDESK, [carl.id])
    product.entra.world.end_tokens()
    yield directory
    directory.put_app(app(READS))
    product.entra.world.end_tokens()


def second_person(page: Page, browser: Browser) -> Page:
    page.get_by_role("link", name="Configure").click()
    page.get_by_role("link", name="Tenants", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Trey").click()
    page.get_by_label("E-mail").fill("second@emberwatch.example")
    page.get_by_label("Role").last.select_option("analyst")
    page.get_by_role("button", name="Make invitation link").click()
    link = page.get_by_text("/invitation/").first.inner_text()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    other = context.new_page()
    other.goto(link.strip())
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Set password and sign in").click()
    expect(other.get_by_role("link", name="Credentials browser").first).to_be_visible()
    return other


def open_validated(page: Page, login: str) -> None:
    page.get_by_role("link", name="Credentials browser").click()
    page.get_by_role("main").get_by_role("link", name="Trey").click()
    page.get_by_role("link", name=login).click()
    panel = page.get_by_role("region", name="Details")
    panel.get_by_role("button", name="Validate").click()
    expect(panel.locator('[data-verdict="active"], [data-verdict="not_testable"]').first).to_be_visible()
    page.reload()


def is_enabled(directory: DirectoryState, user: UserScenario) -> bool:
    found = directory.find(user.upn)
    assert found is not None
    return found.scenario.enabled


def look_at(page: Page, name: str) -> None:
    """No page is wider than the window; a folder for screenshots may be named."""
    folder = os.environ.get("SCREENSHOTS_FOLDER")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_an_active_credential_is_contained_by_two_people(
    page: Page, browser: Browser, product: Product, directory: DirectoryState, tmp_path: Path
) -> None:
    make_tenant(page, "Margie", "margie.example")
    make_tenant(page, "Trey", "contoso.example")
    leak = tmp_path / "leak.txt"
    leak.write_text(f"{CARL.upn}:{RIGHT}\n{DORA.upn}:{RIGHT}\n", encoding="utf-8")
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(leak)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Done")).to_be_visible()
    configure(page, "Trey", SECRET)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()

    # An ordinary account: whoever asks approves.
    open_validated(page, DORA.upn)
    look_at(page, "card")
    page.get_by_label("Disable the account").check()
    page.get_by_label("Revoke sessions").check()
    page.get_by_role("region", name="Remediation").get_by_label("Reason").fill("Her password is for sale.")
    page.get_by_role("button", name="Make a plan").click()
    look_at(page, "plan")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator('[data-state="confirmed"]')).to_have_count(2, timeout=60_000)
    look_at(page, "confirmed")
    assert not is_enabled(directory, DORA)
    page.get_by_label("Reason").fill("It was a drill.")
    page.get_by_role("button", name="Make a plan that undoes it").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator('[data-state="confirmed"]')).to_have_count(1, timeout=60_000)
    assert is_enabled(directory, DORA)

    # A privileged account: somebody else has to.
    open_validated(page, CARL.upn)
    page.get_by_label("Revoke sessions").check()
    page.get_by_role("region", name="Remediation").get_by_label("Reason").fill("His password is for sale.")
    page.get_by_role("button", name="Make a plan").click()
    expect(page.get_by_text("A second person has to approve.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    look_at(page, "second-person")
    plan = page.url
    other = second_person(page, browser)
    other.goto(plan)
    other.get_by_role("button", name="Approve").click()
    expect(other.locator('[data-state="confirmed"]')).to_have_count(1, timeout=60_000)
    other.context.close()

    page.get_by_role("link", name="Remediation").click()
    expect(page.get_by_role("row").filter(has_text=CARL.upn)).to_contain_text("Done")
    look_at(page, "plans")
    counts = product.entra.journal.write_counts()
    assert all(set(by_status) <= {"200", "204"} for kinds in counts.values() for by_status in kinds.values())
