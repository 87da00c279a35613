"""An archive of a thousand stealer logs: scanned for one domain, and for all logins, beside unpacking it alone.

No parser of stealer logs is published as a package that installs, so there is none to compare with.
"""

from __future__ import annotations

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


def _unpack(file: Path) -> float:
    started = time.perf_counter()
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            archive.read(name)
    return time.perf_counter() - started


def _scan(folder: Path, archive: Path) -> float:
    command = [str(Path(sys.executable).with_name("emberwatch")), "scan", str(archive)]
    options = [
        "--domains",
        str(folder / "domains"),
        "--output",
        str(folder / "found.jsonl"),
        "--processes",
        "1",
    ]
    started = time.perf_counter()
    subprocess.run([*command, *options], check=True, capture_output=True)
    return time.perf_counter() - started


def _print(name: str, times: list[float]) -> None:
    print(f"  {name:<40}{statistics.median(times):6.2f} s")
