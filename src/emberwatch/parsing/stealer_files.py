"""Which files of a stealer log hold credentials and which describe the machine, told by their names."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from emberwatch.core.patterns import lazy

_PASSWORD_NAME: Final = lazy(
    r"(?:.*(?:password(?!cracker)|logins).*|pws|pwds|credentials|found_credentials|filezilla_credentials)\.(?:txt|log)"
    r"|(?:sitemanager|recentservers)\.xml",
    re.IGNORECASE | re.DOTALL,
)
_TEXT_NAME: Final = lazy(r".*\.(?:txt|log)", re.IGNORECASE | re.DOTALL)
_COOKIE_NAME: Final = lazy(r".*\.(?:txt|log|json)", re.IGNORECASE | re.DOTALL)
_SYSTEM_NAME: Final = lazy(
    r"(?:userinformation|system[ _]?info|system|_?information|info|pc info)\.txt", re.IGNORECASE
)
_PASSWORD_FOLDERS: Final = frozenset({"passwords", "logins"})
_GRABBED_FOLDERS: Final = frozenset({"filegrabber", "grabfiles", "desktop", "documents", "usb"})
_COOKIE_FOLDERS: Final = frozenset({"cookies", "cookie"})
_DATA_FOLDERS: Final = frozenset(
    {"cookies", "autofill", "autofills", "history", "creditcards", "downloads", "wallets", "keychain"}
)
# The Hangul filler is invisible, and one family pads its file names with it.
_PADDING: Final = " \t\u3164\u00a0."


class LogFile(Enum):
    """What a file in a stealer log is, by its path."""

    PASSWORDS = auto()
    SYSTEM = auto()
    GRABBED = auto()
    """Taken from the victim's own folders: any name may stand there."""
    BROWSER_DATA = auto()
    """Cookies, history and the like: full of addresses, but none of it a login."""
    OTHER = auto()


# Each file of an archive is asked for several times on the way to what stands in it.
@lru_cache(maxsize=4096)
def log_file(path: str) -> LogFile:
    """What the file at ``path`` (with forward slashes) is."""
    *folders, name = path.split("/")
    folded = [folder.strip(_PADDING).casefold() for folder in folders]
    if any(folder in _GRABBED_FOLDERS for folder in folded):
        return LogFile.GRABBED
    if any(folder in _DATA_FOLDERS for folder in folded):
        return LogFile.BROWSER_DATA
    if is_system_file(name):
        return LogFile.SYSTEM
    in_password_folder = bool(folded) and folded[-1] in _PASSWORD_FOLDERS and _TEXT_NAME.fullmatch(name)
    return LogFile.PASSWORDS if in_password_folder or is_password_file(name) else LogFile.OTHER


def is_cookie_file(path: str) -> bool:
    """Whether the file at ``path`` holds a browser's cookies, by its name or its folder."""
    *folders, name = path.split("/")
    in_folder = any(folder.strip(_PADDING).casefold() in _COOKIE_FOLDERS for folder in folders)
    return _COOKIE_NAME.fullmatch(name) is not None and (in_folder or "cookie" in name.casefold())


def is_password_file(name: str) -> bool:
    """Whether a base name is one that password files have."""
    return _PASSWORD_NAME.fullmatch(_plain(name)) is not None


def is_system_file(name: str) -> bool:
    """Whether a base name is one that descriptions of the machine have."""
    return _SYSTEM_NAME.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    stem, dot, suffix = name.rpartition("/")[2].strip().rpartition(".")
    return f"{stem.strip(_PADDING)}{dot}{suffix.strip(_PADDING)}"
