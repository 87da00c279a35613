"""An archive of a thousand stealer logs: scanned for one domain, and for all logins, beside unpacking it alone.

No other parser stands beside it: in the package lists of PyPI and npm none was found that reads stealer logs, and
those that are published as source alone are not measured here. Processor time stands beside the time on the clock.
"""

from __future__ import annotations

import compileall
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Final

import emberwatch

VICTIMS: Final = 1_000
CREDENTIALS: Final = 71
ROUNDS: Final = 5
_SYSTEM: Final = (
    "Operation System: Windows 10 Pro x64\nFileLocation: C:\\Users\\u\\x.exe\nHWID: {hwid:032X}\n"
    "UserName: u{number}\nMachineName: PC-{number}\nCountry: DE\nIP: 203.0.113.9\nLog date: 2026-01-02T03:04:05+00:00\n"
)
_BLOCK: Final = (
    "URL: https://site{site}.test/login\nUsername: {login}\nPassword: {password}\n"
    "Application: Google_[Chrome]_Default\n===============\n"
)


def scan_archive() -> None:
    # As an installed package has it: otherwise each start would compile the sources first.
    compileall.compile_dir(Path(emberwatch.__file__).parent, quiet=2)
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    try:
        archive = _archive(folder)
        print(
            f"scan-archive: {VICTIMS:,} victims, {VICTIMS * CREDENTIALS:,} credentials, medians of {ROUNDS}"
        )
        _print("unpack every file, and nothing else", [_unpack(archive) for _ in range(ROUNDS)])
        for name, domains in (("contoso.example", "one login in two hundred"), ("test", "every site")):
            listed = "contoso.example" if name != "test" else "\n".join(f"site{n}.test" for n in range(500))
            (folder / "domains").write_text(listed)
            _print(f"scan, {domains}", [_scan(folder, archive) for _ in range(ROUNDS)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _archive(folder: Path) -> Path:
    rng, file = random.Random(3), folder / "logs.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number in range(VICTIMS):
            victim = f"DE_{number:05}"
            archive.writestr(
                f"{victim}/UserInformation.txt", _SYSTEM.format(hwid=rng.getrandbits(128), number=number)
            )
            blocks = [_block(rng) for _ in range(CREDENTIALS)]
            archive.writestr(f"{victim}/Passwords.txt", "\n".join(blocks))
            archive.writestr(f"{victim}/Cookies/Chrome.txt", ".test\tTRUE\t/\tFALSE\t0\tid\tx\n" * 200)
    return file


def _block(rng: random.Random) -> str:
    domain = "contoso.example" if rng.random() < 0.005 else f"mail{rng.randint(1, 99)}.test"
    return _BLOCK.format(
        site=rng.randint(0, 499),
        login=f"u{rng.randint(1, 10**6)}@{domain}",
        password=f"pw:{rng.getrandbits(40):x}",
    )


def _unpack(file: Path) -> tuple[float, float]:
    started, used = time.perf_counter(), time.process_time()
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            archive.read(name)
    return time.perf_counter() - started, time.process_time() - used


def _scan(folder: Path, archive: Path) -> tuple[float, float]:
    command = [str(Path(sys.executable).with_name("emberwatch")), "scan", str(archive)]
    options = [
        "--domains",
        str(folder / "domains"),
        "--output",
        str(folder / "found.jsonl"),
        "--processes",
        "1",
    ]
    started, before = time.perf_counter(), os.times()
    subprocess.run([*command, *options], check=True, capture_output=True)
    wall, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def _print(name: str, times: list[tuple[float, float]]) -> None:
    walls, used = zip(*times, strict=True)
    print(f"  {name:<40}{statistics.median(walls):6.2f} s {statistics.median(used):6.2f} s of processors")
