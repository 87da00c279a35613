"""A second directory is added, found in the list, looked at, and removed, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SECOND_APP, SECOND_DIRECTORY, Product
from tests.e2e.test_journey import configure, make_tenant
from tests.world import SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def add_directory(page: Page, client_id: str, directory: str) -> None:
    page.get_by_label("Entra Client ID").fill(client_id)
    page.get_by_label("Entra Client Secret").fill(SECRET)
    page.get_by_label("Entra Tenant ID").fill(directory)
    page.get_by_label("Cloud").select_option("custom")
    page.get_by_role("button", name="Save").click()


def test_a_second_directory_comes_and_goes(page: Page, product: Product) -> None:
    make_tenant(page, "Holding", "contoso.example")
    configure(page, "Holding", SECRET)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()
    page.get_by_role("link", name="Add another directory").click()
    expect(page.get_by_role("heading", name="Add a directory")).to_be_visible()
    add_directory(page, SECOND_APP, SECOND_DIRECTORY)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()

    page.get_by_role("link", name="Directories").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Wide World Importers").click()
    assert SECOND_DIRECTORY in page.url
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", name="Directory health")).to_be_visible()
    page.get_by_role("link", name="Wide World Importers").click()

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove this directory").click()
    expect(page.get_by_text("Wide World Importers is no longer connected.")).to_be_visible()
    expect(page.get_by_role("link", name="Add another directory")).to_be_visible()
