"""Which machine each file of a stealer archive came from, and which of the files hold credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from emberwatch.parsing.stealer_files import LogFile, log_file
from emberwatch.parsing.system_info import MachineFacts, facts_from_folder, parse_system_info
from emberwatch.sources.base import CutShort, SkipReason
from emberwatch.sources.containers.base import Entry

_SYSTEM_FILE_LIMIT: Final = 256 * 1024
_JUNK: Final = ("__macosx/", "._", ".ds_store", "thumbs.db")
# What is neither text nor a container by its name is not unpacked to find out. Office files are zips.
_OTHER_SUFFIXES: Final = frozenset(
    {
        *(
            "exe",
            "dll",
            "sys",
            "msi",
            "apk",
            "jar",
            "bin",
            "iso",
            "pyc",
            "class",
            "lnk",
            "url",
            "kdbx",
            "ldb",
        ),
        *("jpg", "jpeg", "png", "gif", "bmp", "webp", "ico", "tif", "tiff", "heic", "svg"),
        *("mp3", "mp4", "m4a", "avi", "mov", "mkv", "wav", "ttf", "otf", "woff", "woff2"),
        *("pdf", "doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "odt", "ods", "odp", "rtf"),
    }
)


class Victims:
    """The machines of one archive, by the folder that holds each."""

    __slots__ = ("_container", "_facts", "_password_folders")

    def __init__(self, entries: Iterable[Entry], container: str) -> None:
        """Reads the system files among the entries; ``container`` names a machine that has no folder."""
        self._container = container
        self._facts: dict[str, MachineFacts] = {}
        self._password_folders: set[str] = set()
        for entry in entries:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        kind = log_file(entry.path)
        if kind is LogFile.PASSWORDS:
            self._password_folders.add(_owner(entry.path))
        elif kind is LogFile.SYSTEM:
            folder = _parent(entry.path)
            facts = self._described(entry, folder)
            if facts is not None:
                self._facts.setdefault(folder, facts)

    def _described(self, entry: Entry, folder: str) -> MachineFacts | None:
        data, whole = (b"", False) if entry.refusal is not None else _beginning(entry)
        facts = parse_system_info(data, folder or self._container)
        # A system file that cannot be read is one all the same.
        return self._by_folder(folder) if facts is None and not data and not whole else facts

    def _by_folder(self, folder: str) -> MachineFacts:
        return facts_from_folder(folder or self._container)

    def folder_of(self, path: str) -> str | None:
        """The nearest folder with a system file or, failing that, with a password file."""
        described = _nearest(path, self._facts)
        return described if described is not None else _nearest(path, self._password_folders)

    def describes(self, folder: str) -> bool:
        """Whether the folder holds a system file."""
        return folder in self._facts

    def machine(self, folder: str) -> MachineFacts:
        return self._facts.get(folder) or self._by_folder(folder)

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


def _beginning(entry: Entry) -> tuple[bytes, bool]:
    """Its first bytes, and whether nothing kept them from being had."""
    data = b""
    try:
        for chunk in entry.chunks():
            data += chunk
            if len(data) >= _SYSTEM_FILE_LIMIT:
                break
    except CutShort:
        return data, False
    return data[:_SYSTEM_FILE_LIMIT], True


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
    suffix = path.rpartition("/")[2].rpartition(".")[2].casefold()
    return SkipReason.UNSUPPORTED_FORMAT if suffix in _OTHER_SUFFIXES else None
