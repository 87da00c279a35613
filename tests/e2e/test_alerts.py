"""From a channel to a message that arrived: make it, test it, make a rule, validate, see the delivery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from emberwatch.simulator import UserScenario
from tests.e2e.conftest import Product
from tests.e2e.test_journey import configure, make_tenant
from tests.e2e.test_remediation import look_at
from tests.receivers import Answer, HttpReceiver, http_receiver
from tests.world import DIRECTORY, RIGHT, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

EVE = UserScenario(
    upn="eve-alexandra.of-the-night-shift@contoso.example", password=RIGHT, display_name="Eve of Contoso"
)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


def open_alerts(page: Page) -> None:
    page.get_by_role("link", name="Configure").click()
    page.get_by_role("link", name="Tenants", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Tailwind").click()
    page.get_by_role("link", name="Alerts").click()


def test_somebody_is_told(page: Page, product: Product, receiver: HttpReceiver, tmp_path: Path) -> None:
    product.entra.directory(DIRECTORY).add_user(EVE)
    make_tenant(page, "Bellows", "bellows.example")
    make_tenant(page, "Tailwind", "contoso.example")
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_text("No channel yet")).to_be_visible()
    look_at(page, "alerts-empty")

    page.get_by_role("link", name="New channel").first.click()
    look_at(page, "alerts-kinds")
    page.get_by_role("link", name="Email").click()
    look_at(page, "alerts-email")
    page.go_back()
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("The night shift of the security operations centre, on call")
    page.get_by_label("URL").fill(f"{receiver.url}/hook")
    page.get_by_label("Signing secret", exact=True).fill("a secret to sign with")
    page.get_by_role("button", name="Make channel").click()
    expect(page.get_by_text("Untested")).to_be_visible()

    receiver.answers = [Answer(401, "unknown key " * 40)]
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("Error, stopped")).to_be_visible()
    look_at(page, "alerts-error")
    page.get_by_role("button", name="Test").click()
    expect(page.locator('[data-state="success"]')).to_be_visible()
    look_at(page, "alerts-channel")
    assert receiver.requests[-1].json["type"] == "emberwatch.test"

    open_alerts(page)
    page.get_by_role("link", name="New rule").first.click()
    page.get_by_label("Name").fill("Fires")
    page.get_by_label("Not active").check()
    look_at(page, "alerts-rule")
    page.get_by_role("button", name="Make rule").click()
    expect(page.get_by_text("The rule was made")).to_be_visible()

    leak = tmp_path / "leak.txt"
    leak.write_text(f"{EVE.upn}:{RIGHT}\n", encoding="utf-8")
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(leak)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Done")).to_be_visible()
    configure(page, "Tailwind", SECRET)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()
    page.get_by_role("link", name="Credentials browser").click()
    page.get_by_role("main").get_by_role("link", name="Tailwind").click()
    page.get_by_role("link", name=EVE.upn).click()
    panel = page.get_by_role("region", name="Details")
    panel.get_by_role("button", name="Validate").click()
    expect(panel.locator('[data-verdict="active"]').first).to_be_visible()

    for _ in range(300):
        if len(receiver.requests) == 3:
            break
        page.wait_for_timeout(200)
    told = receiver.requests[-1].json
    assert told["alerts"][0]["login"] == EVE.upn
    assert told["alerts"][0]["identity_name"] == "Eve of Contoso"
    assert told["alerts"][0]["link"].startswith(product.address)
    assert RIGHT not in json.dumps(told)

    page.goto(f"{product.address}/tenants/")
    open_alerts(page)
    newest = page.get_by_role("region", name="Newest deliveries")
    expect(newest.get_by_role("row", name=f"Active: {EVE.upn}")).to_contain_text("Sent")
    look_at(page, "alerts-overview")
    page.get_by_role("link", name="All deliveries").click()
    page.get_by_label("State").select_option("sent")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row", name=f"Active: {EVE.upn}")).to_be_visible()
    look_at(page, "alerts-deliveries")
    page.goto(told["alerts"][0]["link"])
    expect(page.get_by_role("heading", name=EVE.upn)).to_be_visible()
