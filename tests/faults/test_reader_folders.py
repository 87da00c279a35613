"""kill -9 of a service, of its archive reader, or of both: no work folder stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from emberwatch.sources.reader.folders import PREFIX, clear_abandoned

SERVICE: Final = """
import time
from emberwatch.sources.events import ReadRequest
from emberwatch.sources.reader.process import ReaderProcess
reader = ReaderProcess(ReadRequest())
print(reader.pid, flush=True)
time.sleep(600)
"""


@dataclass(frozen=True, slots=True)
class Service:
    process: subprocess.Popen[str]
    reader: int


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def service(room: Path) -> Iterator[Service]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE],
        env=os.environ | {"TMPDIR": str(room)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = Service(process, int(process.stdout.readline()))
    yield found
    process.kill()
    process.communicate()
    with suppress(ProcessLookupError):
        kill(found.reader)


def folders(room: Path) -> list[Path]:
    return list(room.glob(f"{PREFIX}*"))


def grown_old(room: Path) -> None:
    for folder in folders(room):
        os.utime(folder, (0, 0))


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_both_leave_behind_is_cleared_away_by_the_next(room: Path, service: Service) -> None:
    assert len(folders(room)) == 1
    # The reader cannot clear up when it goes first, and the service has no chance to.
    os.kill(service.process.pid, signal.SIGSTOP)
    kill(service.reader)
    kill(service.process.pid)
    service.process.wait()
    until(lambda: has_ended(service.reader))
    assert len(folders(room)) == 1
    assert clear_abandoned() == 0, "it may have been made a moment ago"
    grown_old(room)
    assert clear_abandoned() == 1
    assert folders(room) == []


def test_a_folder_stays_while_either_of_them_lives(room: Path, service: Service) -> None:
    grown_old(room)
    assert clear_abandoned() == 0
    os.kill(service.reader, signal.SIGSTOP)
    kill(service.process.pid)
    service.process.wait()
    assert clear_abandoned() == 0
    assert len(folders(room)) == 1
    os.kill(service.reader, signal.SIGCONT)
    # Left alone, the reader notices that its service is gone and clears up itself.
    until(lambda: folders(room) == [])
    until(lambda: has_ended(service.reader))


def test_folders_of_others_are_left_alone(room: Path) -> None:
    (room / f"{PREFIX}file").write_text("x")
    (room / f"{PREFIX}link").symlink_to(room)
    (room / "emberwatch-else").mkdir()
    grown_old(room)
    assert clear_abandoned() == 0
    assert len(list(room.iterdir())) == 3
