"""Where a demo lives: a throw-away folder or a named one, and settings that lead to nothing real."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emberwatch.cli.children import Child
from emberwatch.core.errors import BadInput
from emberwatch.core.files import private_file
from emberwatch.core.secret import Secret

if TYPE_CHECKING:
    from emberwatch.simulator import SimulatedEntra

MARK: Final = "demo.json"
KEPT_VARIABLES: Final = frozenset({"EMBERWATCH_CHROMIUM"})


class Place:
    """The demo's folder. Its mark tells it from a real installation and says whether the run was finished."""

    def __init__(self, folder: Path, *, is_thrown_away: bool = False) -> None:
        self.folder = folder
        self.is_thrown_away = is_thrown_away
        self._mark = folder / MARK

    @property
    def is_complete(self) -> bool:
        return self._mark.exists()

    def complete(self, password: Secret) -> None:
        """Remembers that the run is done, and the demo's own sign-in."""
        private_file(self._mark, lambda: json.dumps({"password": password.expose()}))

    def child(self, command: str, *arguments: str) -> Child:
        """One of our own commands as a process; its log stays in the folder."""
        return Child(command, *arguments, log=self.folder / f"{command}.log")

    def password(self) -> Secret:
        """What the demo's person signs in with: kept from the run that made the folder, or a new one."""
        if not self.is_complete:
            return Secret(secrets.token_urlsafe(12))
        return Secret(json.loads(self._mark.read_text(encoding="ascii"))["password"])


def take(data_dir: Path | None) -> Place:
    """A new folder that is gone when the process is, or the named one if it is empty or a demo's."""
    if data_dir is None:
        folder = Path(tempfile.mkdtemp(prefix="emberwatch-demo-"))
        # A database that runs under another account has to pass through.
        folder.chmod(0o711)
        # Registered before the database starts, so it runs after that has stopped.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Place(folder, is_thrown_away=True)
    place = Place(data_dir.expanduser().resolve())
    if place.folder.is_dir() and any(place.folder.iterdir()) and not place.is_complete:
        raise BadInput(
            f"{place.folder} holds something other than a finished demo.",
            remedy="Name an empty folder, or none.",
            field="data_dir",
        )
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def settle(place: Place, entra: SimulatedEntra) -> None:
    """Points this process and its children at the demo, whatever their settings were."""
    for name in [
        name for name in os.environ if name.startswith("EMBERWATCH_") and name not in KEPT_VARIABLES
    ]:
        del os.environ[name]
    os.environ |= {
        "EMBERWATCH_DATA_DIR": str(place.folder),
        "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": entra.url,
        "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": entra.graph_url,
        "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": entra.portal_url,
        "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(entra.ca_file),
    }
    if place.is_thrown_away:
        # Nothing here has to outlive the machine, so no commit waits for the disk.
        os.environ["PGOPTIONS"] = "-c synchronous_commit=off"


@contextmanager
def leak_folder() -> Iterator[Path]:
    """Leaks lie in clear only while they are imported."""
    with tempfile.TemporaryDirectory(prefix="emberwatch-demo-leaks-") as name:
        yield Path(name)
