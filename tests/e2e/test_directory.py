"""A key is renewed without a gap, and the directory's health is looked at, in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from emberwatch.core.clock import utc_now
from emberwatch.simulator import AppScenario, CertificateScenario, SecretScenario
from tests.e2e.conftest import Product
from tests.e2e.test_journey import configure, make_tenant
from tests.unit.directories.keys import PASSWORD, make_keys
from tests.world import APP, DIRECTORY, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_from_a_secret_to_a_certificate_without_a_gap(page: Page, product: Product, tmp_path: Path) -> None:
    keys, file = make_keys(now=utc_now()), tmp_path / "app.pfx"
    file.write_bytes(keys.pfx(PASSWORD))
    directory = product.entra.directory(DIRECTORY)
    before = directory.apps[APP]
    directory.put_app(
        AppScenario(
            client_id=APP,
            secrets=(SecretScenario(value=SECRET),),
            certificates=(CertificateScenario(pem=keys.public_pem),),
            granted_roles=("Directory.Read.All", "Mail.ReadWrite"),
            consented_scopes=("openid",),
        )
    )
    try:
        make_tenant(page, "Rotation", "contoso.example")
        configure(page, "Rotation", SECRET)
        expect(page.get_by_text("Saved. The connection works.")).to_be_visible()
        expect(page.get_by_text("it opens everybody's mail", exact=True)).to_be_visible()

        page.get_by_text("Add a second one, to renew without a gap").click()
        second = page.locator("#keys form")
        second.get_by_label("Certificate").set_input_files(file)
        second.get_by_label("Password of the file").fill(PASSWORD)
        second.get_by_role("button", name="Add").click()
        expect(page.get_by_text("Added. Both were checked.")).to_be_visible()
        expect(page.get_by_text(keys.thumbprint, exact=True)).to_be_visible()
        expect(page.get_by_text("Certificate · in use")).to_be_visible()

        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Remove Client secret").click()
        expect(page.get_by_text("Entra ID accepts the client ID and certificate.")).to_be_visible()
        expect(page.get_by_role("button", name="Remove Client secret")).to_have_count(0)

        page.get_by_role("link", name="Health").click()
        expect(page.get_by_role("heading", name="Directory health")).to_be_visible()
        expect(page.get_by_text("GET /v1.0/organization").first).to_be_visible()
        page.get_by_role("link", name="Sign-in service").click()
        expect(page.get_by_text("POST /{id}/oauth2/v2.0/token").first).to_be_visible()
        expect(page.get_by_text("GET /v1.0/organization")).to_have_count(0)
    finally:
        directory.apps[APP] = before
