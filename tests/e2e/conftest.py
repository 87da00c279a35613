"""The real product in a real browser: its own processes, a simulated directory over TLS, nothing outside."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
    SkuScenario,
    UserScenario,
)
from tests import people
from tests.world import APP, DIRECTORY, RIGHT, SECRET

EMAIL: Final = "root@emberwatch.example"
PASSWORD: Final = "a long enough password 9"
ANN: Final = "33333333-aaaa-4bbb-8ccc-000000000003"
STRICT: Final = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'")
START_SECONDS: Final = 90
ENDED: Final = ""

SECOND_DIRECTORY: Final = "11111111-aaaa-4bbb-8ccc-00000000000b"
SECOND_APP: Final = "22222222-aaaa-4bbb-8ccc-00000000000b"


@dataclass
class Product:
    """The running product and the directory beside it."""

    entra: SimulatedEntra
    address: str
    invitation: str


@dataclass
class Watch:
    """Everything that a browser did and that no page of ours may do."""

    complaints: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def on_request(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.complaints.append(f"left the machine: {request.url}")

    def on_response(self, response: Response) -> None:
        if response.request.resource_type != "document" or response.status in range(300, 400):
            return
        self.documents.append(response.url)
        policy = response.headers.get("content-security-policy", "")
        loose = [wanted for wanted in STRICT if wanted not in policy]
        if loose or "unsafe" in policy:
            self.complaints.append(f"loose policy at {response.url}: {policy}")


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get("EMBERWATCH_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium")
    return found


@pytest.fixture(scope="session")
def product(chromium: str) -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="emberwatch-e2e-") as name, SimulatedEntra(_world()) as entra:
        folder = Path(name)
        folder.chmod(0o711)
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        environment = _environment(folder, entra, address)
        with _running(environment, "serve", "--port", str(port)) as lines:
            invitation = _wait_for(lines, r"http\S+/invitation/\S+")
            with _running(environment, "worker"):
                yield Product(entra, address, invitation)


def _world() -> Scenario:
    ann = UserScenario(upn="ann@contoso.example", id=ANN, password=RIGHT, display_name="Ann of Contoso")
    contoso = DirectoryScenario(
        id=DIRECTORY,
        name="Contoso",
        domains=(DomainScenario(name="contoso.example", default=True),),
        apps=(_app(APP), *people.applications()),
        users=(ann, *people.users()),
        groups=people.groups(),
        roles=people.roles(),
        skus=(SkuScenario(part_number="SPE_E5"),),
    )
    importers = DirectoryScenario(
        id=SECOND_DIRECTORY,
        name="Wide World Importers",
        domains=(DomainScenario(name="wideworld.example", default=True),),
        apps=(_app(SECOND_APP),),
    )
    return Scenario(directories=(contoso, importers))


def _app(client_id: str) -> AppScenario:
    return AppScenario(
        client_id=client_id,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(folder: Path, entra: SimulatedEntra, address: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EMBERWATCH_")}
    return inherited | {
        "EMBERWATCH_DATA_DIR": str(folder),
        "EMBERWATCH_BASE_URL": address,
        "EMBERWATCH_CHANNEL_PRIVATE_HOSTS": "127.0.0.1",
        "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": entra.url,
        "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": entra.graph_url,
        "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": entra.portal_url,
        "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(entra.ca_file),
    }


@contextmanager
def _running(environment: dict[str, str], *arguments: str) -> Iterator[Queue[str]]:
    command = [sys.executable, "-u", "-m", "emberwatch.cli.main", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        reader.join()
        if process.stdout:
            process.stdout.close()


def _read(process: subprocess.Popen[str], lines: Queue[str]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(ENDED)


def _wait_for(lines: Queue[str], pattern: str) -> str:
    while True:
        try:
            line = lines.get(timeout=START_SECONDS)
        except Empty:
            line = ENDED
        assert line != ENDED, f"serve never printed {pattern}"
        if found := re.search(pattern, line):
            return found.group()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, product: Product) -> dict[str, object]:
    """The first organisation admin joins by the link that ``serve`` printed; later pages share the session."""
    page = browser.new_page()
    for _ in range(100):
        try:
            page.goto(product.invitation)
            break
        except Exception:
            page.wait_for_timeout(200)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    page.wait_for_url(f"{product.address}/tenants/")
    state = dict(page.context.storage_state())
    page.context.close()
    return state


@pytest.fixture
def page(browser: Browser, product: Product, signed_in: dict[str, object]) -> Iterator[Page]:
    """A page of the admin, watched: at the end it must have done nothing that our pages never do."""
    context = browser.new_context(storage_state=signed_in, viewport={"width": 1440, "height": 900})  # type: ignore[arg-type]
    page, watch = context.new_page(), Watch()
    page.set_default_timeout(20_000)
    page.on("console", watch.on_console)
    page.on("pageerror", lambda error: watch.complaints.append(f"script: {error}"))
    page.on("request", watch.on_request)
    page.on("response", watch.on_response)
    page.goto(product.address)
    yield page
    assert watch.documents
    assert watch.complaints == []
    context.close()


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    file = tmp_path / "leak.txt"
    file.write_text(
        f"https://portal.contoso.example/login:ann@contoso.example:{RIGHT}\n"
        "https://portal.contoso.example/login:gone@contoso.example:Some-0ther-word\n"
        "https://elsewhere.example/:somebody@nobody.example:not-ours\n"
    )
    return file
