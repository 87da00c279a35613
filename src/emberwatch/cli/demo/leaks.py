"""Writes the world's leaks as files: stealer logs, ULP and combo lists, with the dirt that real ones have."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from emberwatch.cli.demo.scenario import SEED, Company, Leaked, Wave

_PEOPLE_A_MACHINE: Final = 5
_SITES: Final = (
    "login.tailspin.example",
    "mail.wingtip.example",
    "shop.litware.example",
    "vpn.proseware.example",
)
_BROWSERS: Final = ("Google_[Chrome]_Default", "Microsoft_[Edge]_Default", "Mozilla_[Firefox]_default")
_COUNTRIES: Final = ("NL", "DE", "FR", "IT", "PL")
_LOGS_DAYS: Final = 20
_BANNER: Final = ("*" * 42, "*         DEMO DATA, ALL OF IT MADE UP     *", "*" * 42, "")


@dataclass(frozen=True, slots=True)
class LeakFile:
    """A file with what the person who imports it states about it."""

    path: Path
    source_kind: str
    source_name: str
    leaked_at: datetime
    wave: Wave


class LeakWriter:
    """Writes the leaks of one company into a folder."""

    def __init__(self, folder: Path, company: Company, now: datetime) -> None:
        self._folder = folder
        self._company = company
        self._now = now.astimezone(UTC).replace(microsecond=0)
        self._random = random.Random(f"{SEED} {company.domain}")  # noqa: S311 - a demo repeats itself on purpose

    def write(self) -> list[LeakFile]:
        self._folder.mkdir(parents=True, exist_ok=True)
        recent = self._shuffled(Wave.RECENT)
        third = len(recent) // 3
        logs, ulp, combo = recent[:third], recent[third : 2 * third], recent[2 * third :]
        # What one collection holds comes around again in others.
        repeated = logs[: third // 5]
        return [
            self._stealer_logs(logs),
            self._lines("ulp", "ULP channel", 60, Wave.RECENT, map(self._with_site, [*ulp, *repeated])),
            self._lines("combo_list", "Combo collection", 120, Wave.RECENT, map(_pair, [*combo, *repeated])),
            self._lines("breach", "Old breach", 1200, Wave.OLD, map(_pair, self._shuffled(Wave.OLD))),
            self._lines("combo_list", "Fresh paste", 1, Wave.LATE, map(_pair, self._shuffled(Wave.LATE))),
        ]

    def _shuffled(self, wave: Wave) -> list[Leaked]:
        found = [leaked for leaked in self._company.leaked if leaked.wave is wave]
        self._random.shuffle(found)
        return found

    def _path(self, name: str, suffix: str) -> Path:
        return self._folder / f"{self._company.domain}-{name.lower().replace(' ', '-')}.{suffix}"

    def _stealer_logs(self, leaked: Sequence[Leaked]) -> LeakFile:
        newest = self._now - timedelta(days=_LOGS_DAYS)
        path = self._path("stealer logs", "zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, start in enumerate(range(0, len(leaked), _PEOPLE_A_MACHINE)):
                self._victim(archive, number, leaked[start : start + _PEOPLE_A_MACHINE])
        return LeakFile(path, "stealer_log", "Stealer logs", newest, Wave.RECENT)

    def _victim(self, archive: zipfile.ZipFile, number: int, leaked: Sequence[Leaked]) -> None:
        at = self._now - timedelta(days=_LOGS_DAYS + 2 * number)
        hardware, country = f"{self._random.getrandbits(128):032X}", self._random.choice(_COUNTRIES)
        blocks = [self._block(entry.login, entry.password) for entry in leaked]
        blocks += [self._block(*self._stranger()) for _ in range(4)]
        self._random.shuffle(blocks)
        files = {
            "UserInformation.txt": _machine(number, hardware, country, at),
            "Cookies/Google_[Chrome]_Default Network.txt": _cookies(self._company.domain, hardware, at),
            "Passwords.txt": "\r\n".join([*_BANNER, *blocks]),
        }
        folder = f"{country}[{hardware}] [{at:%Y-%m-%dT%H_%M_%S}.0000000+00_00]"
        when = (at.year, at.month, at.day, at.hour, at.minute, at.second)
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", when), text, zipfile.ZIP_DEFLATED)

    def _block(self, login: str, password: str) -> str:
        lines = (
            f"URL: https://{self._random.choice(_SITES)}/signin",
            f"Username: {login}",
            f"Password: {password}",
            f"Application: {self._random.choice(_BROWSERS)}",
            "===============",
        )
        return "\r\n".join(lines)

    def _lines(self, kind: str, name: str, days: int, wave: Wave, entries: Iterable[str]) -> LeakFile:
        ours = list(entries)
        shaped = self._stranger_with_site if kind == "ulp" else self._stranger_pair
        lines = [*ours, *(shaped() for _ in range(3 * len(ours) + 20))]
        self._random.shuffle(lines)
        path = self._path(name, "txt")
        path.write_bytes("\r\n".join([*_BANNER, *lines]).encode() + self._dirt())
        return LeakFile(path, kind, name, self._now - timedelta(days=days), wave)

    def _dirt(self) -> bytes:
        """Logins without passwords, rules, and letters of another code page."""
        ours = self._company.domain
        lines = (
            "",
            f"{ours}:",
            f"nobody@{ours}:",
            "",
            "=" * 30,
            "caf\xe9@elsewhere.example:\xe9t\xe9-1999",
            "",
        )
        return "\r\n".join(lines).encode("cp1252")

    def _with_site(self, entry: Leaked) -> str:
        return f"https://{self._random.choice(_SITES)}/account:{_pair(entry)}"

    def _stranger(self) -> tuple[str, str]:
        """Somebody of another domain, which may look a little like ours."""
        ours = self._company.domain
        stem = ours.removesuffix(".example")
        domains = (
            f"not{ours}",
            f"{ours}.lookalike.example",
            f"{stem}-mail.example",
            f"{stem}.elsewhere.example",
        )
        number = self._random.randint(1, 9999)
        return f"someone{number}@{self._random.choice(domains)}", f"Elsewhere-{number}"

    def _stranger_pair(self) -> str:
        return ":".join(self._stranger())

    def _stranger_with_site(self) -> str:
        return f"https://{self._random.choice(_SITES)}/account:{self._stranger_pair()}"


def _pair(entry: Leaked) -> str:
    return f"{entry.login}:{entry.password}"


def _cookies(domain: str, hardware: str, at: datetime) -> str:
    """A session of the company's portal, one that has ended, and a stranger's."""
    lasting, ended = at + timedelta(days=180), at - timedelta(days=1)
    lines = (
        f".portal.{domain}\tTRUE\t/\tTRUE\t{lasting.timestamp():.0f}\tportal_session\t{hardware[:16]}",
        f"{domain}\tFALSE\t/\tFALSE\t{ended.timestamp():.0f}\tvisited\tyes",
        f".shop.example\tTRUE\t/\tFALSE\t{lasting.timestamp():.0f}\tbasket\t7",
    )
    return "\r\n".join(lines)


def _machine(number: int, hardware: str, country: str, at: datetime) -> str:
    lines = (
        *_BANNER,
        "Build ID: demo",
        f"IP: 203.0.113.{number + 1}",
        "FileLocation: C:\\Temp\\setup.exe",
        f"UserName: person{number}",
        f"Country: {country}",
        f"HWID: {hardware}",
        "TimeZone: (UTC+00:00) Coordinated Universal Time",
        "Operation System: Windows 11 Pro x64",
        f"Log date: {at.month}/{at.day}/{at.year} {at:%I:%M:%S %p}",
    )
    return "\r\n".join(lines)
