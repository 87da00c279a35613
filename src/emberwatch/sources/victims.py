"""Which machine each file of a stealer archive came from, and which of the files hold credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from emberwatch.parsing.stealer_files import LogFile, log_file
from emberwatch.parsing.system_info import MachineFacts, facts_from_folder, parse_system_info
from emberwatch.sources.base import Damaged, Member, SkipReason

_SYSTEM_FILE_LIMIT: Final = 256 * 1024
_JUNK: Final = ("__macosx/", "._", ".ds_store", "thumbs.db")
_TEXT_SUFFIXES: Final = frozenset({"txt", "log", "lst", "text", "ulp", "combo"})
_ARCHIVE_SUFFIXES: Final = frozenset({"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "zst"})


class Victims:
    """The machines of one archive, by the folder that holds each."""

    __slots__ = ("_facts", "_password_folders")

    def __init__(self, members: Sequence[Member]) -> None:
        kinds = [(member, log_file(member.path)) for member in members]
        self._facts = dict(_described(member for member, kind in kinds if kind is LogFile.SYSTEM))
        self._password_folders = {_owner(member.path) for member, kind in kinds if kind is LogFile.PASSWORDS}

    def folder_of(self, path: str) -> str | None:
        """The nearest folder with a system file or, failing that, with a password file."""
        described = _nearest(path, self._facts)
        return described if described is not None else _nearest(path, self._password_folders)

    def describes(self, folder: str) -> bool:
        """Whether the folder holds a system file."""
        return folder in self._facts

    def machine(self, folder: str) -> MachineFacts:
        return self._facts.get(folder) or facts_from_folder(folder)

    def why_not(self, path: str) -> SkipReason | None:
        """Why a file is not looked at, judged by its name and place."""
        kind = log_file(path)
        if _is_junk(path) or kind is LogFile.SYSTEM:
            return SkipReason.NOT_CREDENTIALS
        if kind is LogFile.PASSWORDS:
            return None
        folder = self.folder_of(path)
        if folder is not None and kind is LogFile.GRABBED:
            return SkipReason.GRABBED_FILE
        # A list called passwords.txt lies beside other lists as well: only a system file proves a log.
        of_log = folder is not None and (kind is LogFile.BROWSER_DATA or self.describes(folder))
        return SkipReason.NOT_CREDENTIALS if of_log else _why_not_by_suffix(path)


def _described(members: Iterable[Member]) -> Iterable[tuple[str, MachineFacts]]:
    for member in members:
        folder = _parent(member.path)
        if member.refusal is not None:
            yield folder, facts_from_folder(folder)
        elif facts := parse_system_info(_beginning(member), folder):
            yield folder, facts


def _beginning(member: Member) -> bytes:
    data = b""
    try:
        for chunk in member.chunks():
            data += chunk
            if len(data) >= _SYSTEM_FILE_LIMIT:
                break
    except Damaged:
        pass
    return data[:_SYSTEM_FILE_LIMIT]


def _nearest(path: str, folders: Mapping[str, object] | set[str]) -> str | None:
    folder = _parent(path)
    while folder and folder not in folders:
        folder = _parent(folder)
    return folder if folder in folders else None


def _owner(path: str) -> str:
    """The folder of a password file, or the one above when it lies in ``Passwords/``."""
    folder = _parent(path)
    return _parent(folder) if folder.rpartition("/")[2].casefold() in ("passwords", "logins") else folder


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _is_junk(path: str) -> bool:
    name = path.rpartition("/")[2].casefold()
    return path.casefold().startswith(_JUNK[0]) or name.startswith(_JUNK[1]) or name in _JUNK[2:]


def _why_not_by_suffix(path: str) -> SkipReason | None:
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    if not dot or suffix.casefold() in _TEXT_SUFFIXES:
        return None
    archive = suffix.casefold() in _ARCHIVE_SUFFIXES
    return SkipReason.NESTED_ARCHIVE if archive else SkipReason.UNSUPPORTED_FORMAT
