"""An archive of stealer logs as they are handed round: three families, each with its own files beside the passwords."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

SITES: Final = 500
_BANNER: Final = "\n".join(
    ("*" * 48, *("*" + "  free logs t.test/synthetic ".center(46) + "*",) * 5, "*" * 48, "", "")
)
_PROGRAMS: Final = "".join(f"\tSynthetic Runtime Library 20{n} (x64) - 14.3{n}.{n * 7}\n" for n in range(60))
_PROCESSES: Final = "".join(f"\tservice_{n % 17}.exe [{n * 37}]\n" for n in range(150))
_COOKIES: Final = ".test\tTRUE\t/\tFALSE\t0\tid\tx\n" * 200
_FORMS: Final = "name: field\nvalue: text\n" * 40


class Found(NamedTuple):
    """What tells one credential from all others."""

    url: str
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class _Family:
    passwords: str
    """Of one credential."""
    files: Callable[[str, int], Mapping[str, str]]
    """What else lies in a victim's folder, by name."""
    banner: str = ""


def _redline(hwid: str, number: int) -> Mapping[str, str]:
    described = (
        f"{_BANNER}Build ID: synthetic\nIP: 203.0.113.9\nFileLocation: C:\\Users\\u\\x.exe\nUserName: u{number}\n"
        f"MachineName: PC-{number}\nCountry: DE\nZip Code: 10115\nLocation: Berlin\nHWID: {hwid}\n"
        "Current Language: German (Germany)\nScreenSize: {Width=1920, Height=1080}\nTimeZone: (UTC+01:00)\n"
        "Operation System: Windows 10 Pro x64\nUAC: AllowAll\nProcess Elevation: False\n"
        "Log date: 2026-01-02T03:04:05+00:00\n\nHardwares: \nName: Synthetic CPU, 4 Cores\n\nAnti-Viruses: \nNone\n"
    )
    return {
        "UserInformation.txt": described,
        "ProcessList.txt": _PROCESSES,
        "InstalledSoftware.txt": _PROGRAMS,
        "Cookies/Google_[Chrome]_Default Network.txt": _COOKIES,
        "Autofills/Google_[Chrome]_Default.txt": _FORMS,
    }


def _stealc(hwid: str, number: int) -> Mapping[str, str]:
    described = (
        f"Network Info:\n\t- IP: 203.0.113.9\n\t- Country: DE\n\nSystem Summary:\n\t- HWID: {hwid}\n"
        f"\t- OS: Windows 11\n\t- UserName: u{number}\n\t- Computer Name: PC-{number}\n"
        f"\t- Local Time: 2026-01-21 08:01:02\n\t- UTC: -8\n\nProcess List:\n{_PROCESSES}\nInstalled Apps:\n{_PROGRAMS}"
    )
    return {"system_info.txt": described, "cookies/Chrome.txt": _COOKIES, "autofill/Chrome.txt": _FORMS}


def _vidar(hwid: str, number: int) -> Mapping[str, str]:
    described = (
        f"Ip: 203.0.113.9\nCountry: DE\n\nVersion: 1.2\n\nDate: 22/12/2025 9:05:01\nMachineID: {hwid}\nHWID: {hwid}\n"
        f"Windows: Windows 10 Pro\nComputer Name: PC-{number}\nUser Name: u{number}\n\n"
        f"[Processes]\n{_PROCESSES}\n[Software]\n{_PROGRAMS}"
    )
    return {
        "information.txt": described,
        "Cookies/Chrome_Default.txt": _COOKIES,
        "Autofill/Chrome.txt": _FORMS,
    }


_FAMILIES: Final = (
    _Family(
        "URL: {0}\nUsername: {1}\nPassword: {2}\nApplication: Google_[Chrome]_Default\n===============\n",
        _redline,
        _BANNER,
    ),
    _Family("browser: Google Chrome\nprofile: Default\nurl: {0}\nlogin: {1}\npassword: {2}\n\n", _stealc),
    _Family("Soft: Google Chrome [Default]\nHost: {0}\nLogin: {1}\nPassword: {2}\n\n\n", _vidar),
)


def write_archive(file: Path, victims: int, each: int) -> list[Found]:
    """So many victims with so many credentials each; gives what stands in them."""
    rng, truth = random.Random(3), list[Found]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number in range(victims):
            family = _FAMILIES[number % len(_FAMILIES)]
            found = [_credential(rng) for _ in range(each)]
            truth += found
            folder = f"DE[{number:05}]"
            blocks = "".join(family.passwords.format(*one) for one in found)
            archive.writestr(f"{folder}/Passwords.txt", family.banner + blocks)
            for name, text in family.files(f"{rng.getrandbits(128):032X}", number).items():
                archive.writestr(f"{folder}/{name}", text)
    return truth


def _credential(rng: random.Random) -> Found:
    domain = "contoso.example" if rng.random() < 0.005 else f"mail{rng.randint(1, 99)}.test"
    return Found(
        f"https://site{rng.randrange(SITES)}.test/login",
        f"u{rng.randint(1, 10**6)}@{domain}",
        f"pw:{rng.getrandbits(40):x}",
    )
