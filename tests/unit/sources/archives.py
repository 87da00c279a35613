"""Makes synthetic leaks: zip archives in memory, and the files of made-up victims."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

HWID = "0123456789ABCDEF0123456789ABCDEF"


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer


def block(login: str, password: str, url: str = "https://a.test/") -> str:
    return f"URL: {url}\nUsername: {login}\nPassword: {password}\nApplication: Chrome\n===============\n"


def system_file(hwid: str = HWID, user: str = "mholt") -> str:
    return (
        f"IP: 203.0.113.9\nFileLocation: C:\\x.exe\nUserName: {user}\nCountry: DE\nHWID: {hwid}\n"
        "Operation System: Windows 10\nLog date: 8/30/2023 6:22:24 AM\n"
    )
