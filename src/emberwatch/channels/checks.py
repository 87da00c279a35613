"""Checks of what is typed into the settings of a channel. Each raises ``ValueError`` with what is needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,253}")
_HOST: Final = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")
MOST_RECIPIENTS: Final = 50


def url(text: str) -> str:
    """An address without anything that could hide where it leads."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("needs an address such as https://example.org/hook")
    if parts.username is not None or parts.password is not None:
        raise ValueError("needs an address without a user name and password in it")
    _port_of(text)
    return text


def origin(text: str) -> str:
    """The address of a server, to which paths are added."""
    parts = urlsplit(url(text))
    if parts.query or parts.fragment:
        raise ValueError("needs the address alone, without ? or #")
    return text.rstrip("/")


def _port_of(text: str) -> None:
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError("needs a port from 1 to 65535") from None


def host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("needs a host name or an address, without https://")
    return text.strip("[]")


def port(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise ValueError("needs a number from 1 to 65535")
    return str(int(text))


def mail_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("needs an address such as soc@example.org")
    return text


def mail_addresses(text: str) -> str:
    """One a line."""
    entries = list(dict.fromkeys(mail_address(entry) for entry in text.replace(",", " ").split()))
    if len(entries) > MOST_RECIPIENTS:
        raise ValueError(f"takes at most {MOST_RECIPIENTS} addresses")
    return "\n".join(entries)


def name(text: str) -> str:
    """A word that becomes part of an address or a query."""
    if not _NAME.fullmatch(text):
        raise ValueError("takes letters, digits, dots, hyphens and underscores")
    return text


def matching(pattern: str, needs: str) -> Callable[[str], str]:
    wanted = re.compile(pattern)

    def check(text: str) -> str:
        if not wanted.fullmatch(text):
            raise ValueError(needs)
        return text

    return check


def long_enough(text: str) -> str:
    if len(text) < 16:
        raise ValueError("needs at least 16 characters")
    return text


def guid(text: str) -> str:
    return matching(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "needs an id such as 00000000-…")(
        text
    ).lower()
