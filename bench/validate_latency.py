"""From the press of Validate to the verdict on the page, in a real browser, less the directory's own time.

One web process, one worker that runs one job at a time, embedded PostgreSQL, a simulated directory over TLS.
The limit that it stands beside is what no design can avoid in the same browser: loading the same page once.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
    UserScenario,
)

PRESSES: Final = 200
PORT: Final = 8687
DIRECTORY: Final = "11111111-aaaa-4bbb-8ccc-00000000000b"
APP: Final = "22222222-aaaa-4bbb-8ccc-00000000000b"
SECRET: Final = "Zx8Q~client-secret-value-of-the-bench.1"  # noqa: S105 - invented
EMAIL: Final = "bench@emberwatch.example"
PASSWORD: Final = "a password of the bench only"  # noqa: S105 - invented

# Runs in the page: presses the button and resolves when the verdict stands there, in milliseconds.
PRESS: Final = """() => new Promise((resolve, reject) => {
  const button = document.querySelector('[data-action="validate"]');
  const done = () => document.querySelector('[data-verdict]:not([data-verdict="unvalidated"])');
  const started = performance.now();
  const observer = new MutationObserver(() => {
    if (done()) { observer.disconnect(); resolve(performance.now() - started); }
  });
  observer.observe(document.body, {subtree: true, childList: true, attributes: true});
  setTimeout(() => reject(new Error('no verdict within 30 s')), 30000);
  button.click();
})"""


@dataclass(frozen=True, slots=True)
class Press:
    whole_ms: float
    directory_ms: float

    @property
    def own_ms(self) -> float:
        return self.whole_ms - self.directory_ms


def validate_latency() -> None:
    """Prints the figure; absolute times mean little on a shared machine, the ratio is what to compare."""
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    # Registered before the database's own hook, so it runs after the database has been left.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with SimulatedEntra(_scenario()) as entra:
        os.environ.update(_environment(folder, entra))
        addresses = _prepare(folder)
        with _process("serve", "--port", str(PORT)), _process("worker", "--concurrency", "1"):
            presses, loads = _press_all(entra, addresses)
    _print(presses, loads)


def _scenario() -> Scenario:
    users = tuple(
        UserScenario(upn=f"u{n}@contoso.example", password=f"Right-{n}-word") for n in range(PRESSES + 1)
    )
    app = AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    domain = DomainScenario(name="contoso.example", default=True)
    return Scenario(
        directories=(
            DirectoryScenario(id=DIRECTORY, name="Bench", domains=(domain,), apps=(app,), users=users),
        )
    )


def _environment(folder: Path, entra: SimulatedEntra) -> dict[str, str]:
    return {
        "EMBERWATCH_DATA_DIR": str(folder),
        "EMBERWATCH_BASE_URL": f"http://127.0.0.1:{PORT}",
        "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": entra.url,
        "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": entra.graph_url,
        "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": entra.portal_url,
        "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(entra.ca_file),
    }


def _prepare(folder: Path) -> list[str]:
    """Half of the credentials are right, half wrong; returns the address of each one's details page."""
    from emberwatch.config.boot import boot

    boot()
    from django.core.management import call_command

    from emberwatch.accounts.actor import SYSTEM
    from emberwatch.accounts.services import create_user
    from emberwatch.core.clock import utc_now
    from emberwatch.core.secret import Secret
    from emberwatch.directories.services import ConnectionForm, save_connection
    from emberwatch.exposures.models import Credential
    from emberwatch.ingestion.services import ImportOptions, import_file
    from emberwatch.tenants.services import create_tenant

    call_command("migrate", verbosity=0)
    now = utc_now()
    create_user(EMAIL, Secret(PASSWORD), actor=SYSTEM, now=now, is_organisation_admin=True)
    tenant = create_tenant("Bench", ["contoso.example"], actor=SYSTEM, now=now)
    form = ConnectionForm(APP, DIRECTORY, "custom", Secret(SECRET))
    _, report = save_connection(tenant, form, actor=SYSTEM, now=now)
    if report.fault:
        raise SystemExit(f"The bench could not connect: {report.fault.sentence}")
    leak = folder / "leak.txt"
    leak.write_text(
        "".join(
            f"u{n}@contoso.example:{'Right' if n % 2 else 'Wrong'}-{n}-word\n" for n in range(PRESSES + 1)
        )
    )
    import_file(tenant, leak, ImportOptions(), actor=SYSTEM)
    found = Credential.objects.filter(tenant=tenant).values_list("id", flat=True)
    return [
        f"http://127.0.0.1:{PORT}/tenants/{tenant.id}/credentials/{credential_id}/" for credential_id in found
    ]


@contextmanager
def _process(*arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "emberwatch.cli.main", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=30)


def _press_all(entra: SimulatedEntra, addresses: Sequence[str]) -> tuple[list[Press], list[float]]:
    chromium = (
        os.environ.get("EMBERWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if chromium is None:
        raise SystemExit("This benchmark needs Chromium (on Debian: apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        _sign_in(page)
        # The first press warms up the token, the connections and the templates; it is not counted.
        _press(page, entra, addresses[0])
        loads = [_load(page, address) for address in addresses[1:21]]
        presses = [_press(page, entra, address) for address in addresses[1:]]
        browser.close()
    return presses, loads


def _sign_in(page: Page) -> None:
    for _ in range(100):
        try:
            page.goto(f"http://127.0.0.1:{PORT}/")
            break
        except Exception:
            time.sleep(0.2)
    page.fill('input[name="login"]', EMAIL)
    page.fill('input[name="password"]', PASSWORD)
    page.click('button[type="submit"]')
    page.wait_for_load_state()


def _load(page: Page, address: str) -> float:
    page.goto(address)
    timing: dict[str, Any] = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    return float(timing["loadEventEnd"])


def _press(page: Page, entra: SimulatedEntra, address: str) -> Press:
    page.goto(address)
    before = entra.journal.server_seconds()
    whole = float(page.evaluate(PRESS))
    return Press(whole, (entra.journal.server_seconds() - before) * 1000)


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _print(presses: Sequence[Press], loads: Sequence[float]) -> None:
    own = [press.own_ms for press in presses]
    p50, p95 = _quantile(own, 50), _quantile(own, 95)
    directory = statistics.median(press.directory_ms for press in presses)
    load = statistics.median(loads)
    print(f"validate-latency: {len(presses)} presses, one worker, one job at a time")
    print(f"  press to verdict, less the directory's time   p50 {p50:7.1f} ms   p95 {p95:7.1f} ms")
    print(f"  the directory's own time                      p50 {directory:7.1f} ms")
    print(f"  limit: one load of the same page              p50 {load:7.1f} ms")
    print(f"  ratio, p95 to one load of the page            {p95 / load:7.2f}")
    print(f"  aim: p95 under 300 ms                         {'reached' if p95 < 300 else 'NOT reached'}")
