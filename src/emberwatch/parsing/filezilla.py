"""The site lists of an FTP client that stealers take: XML, with passwords in base64.

Read tag by tag and not as a document, so that a cut file still gives what it holds and no entity is ever expanded.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.base import ANYBODY, Noise, Outcome, ParseContext, Reject, RejectReason, SourceKind
from emberwatch.parsing.credentials import Entry, judge
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.lines import MAX_LINE

_SURE: Final = 0.99
_TAG: Final = lazy(
    r"<(?P<begin>Server|LastServer)\b[^>]*>|</(?P<end>Server|LastServer)\s*>"
    r"|<(?P<name>Host|Port|Protocol|User|Pass)\b(?P<attributes>[^>]*)>(?P<value>[^<]*)</(?P=name)\s*>"
)
_BASE64: Final = lazy(r"encoding\s*=\s*[\"']base64[\"']", re.IGNORECASE)
_SCHEMES: Final = {"0": "ftp", "1": "sftp", "3": "ftps", "4": "ftpes"}
_APPLICATION: Final = "FileZilla"


class FileZilla:
    """``sitemanager.xml`` and ``recentservers.xml``."""

    name = "filezilla"
    kind = SourceKind.STEALER_LOG

    def sniff(self, head: bytes, name: str) -> float:  # noqa: ARG002 - the content tells enough
        text = head.replace(b"\0", b"")
        known = b"<FileZilla" in text or b"<Servers>" in text or b"<RecentServers>" in text
        return _SURE if known and b"<Host>" in text else 0.0

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        server: _Server | None = None
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_LINE:
                yield Reject(number, RejectReason.LINE_TOO_LONG, "")
                continue
            text, flags = decode(clean(line))
            told = False
            for tag in _TAG.finditer(text):
                if tag["begin"]:
                    server = _Server(number)
                elif tag["end"] and server:
                    yield judge(server.entry(), context)
                    server, told = None, True
                elif tag["name"] and server:
                    server.take(tag, flags)
            if not told:
                yield Noise(number)
        if server and server.values:
            yield judge(server.entry(), context)


class _Server:
    __slots__ = ("flags", "line", "values")

    def __init__(self, line: int) -> None:
        self.line = line
        self.flags: tuple[str, ...] = ()
        self.values: dict[str, str] = {}

    def take(self, tag: re.Match[str], flags: tuple[str, ...]) -> None:
        from html import unescape  # Its table of names is large, and few files are of this kind.

        value = unescape(tag["value"])
        if tag["name"] == "Pass" and _BASE64.search(tag["attributes"]):
            value = _decoded(value)
        self.values[tag["name"]] = value
        self.flags = tuple(dict.fromkeys(self.flags + flags))

    def entry(self) -> Entry:
        return Entry(
            line=self.line,
            login=self.values.get("User", ""),
            password=self.values.get("Pass"),
            url=self._url(),
            application=_APPLICATION,
            flags=self.flags,
        )

    def _url(self) -> str:
        host, port = self.values.get("Host", ""), self.values.get("Port", "")
        if not host:
            return ""
        scheme = _SCHEMES.get(self.values.get("Protocol", "0"), "ftp")
        return f"{scheme}://{host}:{port}/" if port else f"{scheme}://{host}/"


def _decoded(value: str) -> str:
    try:
        return decode(base64.b64decode(value, validate=True))[0]
    except (binascii.Error, ValueError):
        return value
