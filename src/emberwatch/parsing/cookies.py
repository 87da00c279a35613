"""Cookie files in the Netscape layout: whose sign-in sessions were taken, and until when they last.

A cookie is never a credential; its value is a secret all the same, as it may still open a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import Foreign, Noise, Reject, RejectReason
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.parsing.samples import shape_of

COOKIES: Final = "cookies"
"""What reads such files is called so."""
_FIELDS: Final = 7
_MARKS: Final = (b"\tTRUE\t", b"\tFALSE\t", b"\t0\t", b"\t1\t")
_TRUTH: Final = frozenset({"TRUE", "FALSE", "0", "1"})
_HTTP_ONLY: Final = "#HttpOnly_"
# Some writers count in milliseconds, and Chromium's own store in microseconds since 1601.
_MILLISECONDS: Final = 10**11
_MICROSECONDS: Final = 10**16
_SINCE_1601: Final = 11_644_473_600


@dataclass(frozen=True, slots=True)
class ParsedCookie:
    """One cookie of a site of ours."""

    host: str
    """Lower-case, without the dot that stands for "and all below"."""
    name: str
    value: Secret
    path: str
    secure: bool
    expires_at: datetime | None
    """Aware, in UTC; ``None`` for one that ends with the browser's session."""
    line: int

    def is_live(self, now: datetime) -> bool:
        """Whether it may still open a session: one without an end may."""
        return self.expires_at is None or self.expires_at > now


CookieOutcome: TypeAlias = ParsedCookie | Foreign | Reject | Noise


def read_cookies(
    lines: Iterable[bytes], host_is_ours: Callable[[str], bool] | None = None
) -> Iterator[CookieOutcome]:
    """One outcome a line. Without ``host_is_ours`` every host is."""
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE:
            yield Reject(number, RejectReason.LINE_TOO_LONG, "")
        else:
            yield _read(number, decode(clean(line))[0], host_is_ours)


def looks_like_cookie_lines(head: bytes) -> bool:
    """Whether most of a file's first lines are cookies."""
    if b"\t" not in head:
        return False
    folded = head.upper()
    if not any(mark in folded for mark in _MARKS):
        return False
    texts = [decode(clean(line))[0] for line in head.splitlines()[:50]]
    telling = [text for text in texts if text.strip() and not _is_comment(text)]
    return bool(telling) and sum(map(_is_cookie, telling)) > len(telling) / 2


def _read(number: int, text: str, host_is_ours: Callable[[str], bool] | None) -> CookieOutcome:
    if not text.strip() or _is_comment(text):
        return Noise(number)
    fields = _fields(text)
    if fields is None:
        return Reject(number, RejectReason.UNREADABLE, shape_of(text))
    domain, _, path, secure, expiry, name, value = fields
    host = bare_host(domain.strip().removeprefix(_HTTP_ONLY))
    if host_is_ours is not None and not host_is_ours(host):
        return Foreign(number)
    return ParsedCookie(
        host=host,
        name=name,
        value=Secret(value),
        path=path,
        secure=secure.upper() in ("TRUE", "1"),
        expires_at=instant(expiry),
        line=number,
    )


def _fields(text: str) -> list[str] | None:
    fields = text.split("\t", _FIELDS - 1)
    if len(fields) == _FIELDS - 1:
        fields.append("")
    if len(fields) != _FIELDS or fields[1].strip().upper() not in _TRUTH or not fields[0].strip():
        return None
    return fields


def _is_cookie(text: str) -> bool:
    return _fields(text) is not None


def _is_comment(text: str) -> bool:
    return text.startswith("#") and not text.startswith(_HTTP_ONLY)


def bare_host(domain: str) -> str:
    """Lower-case, without the dot that stands for "and all below"."""
    return domain.strip().strip(".").lower()


def instant(text: str) -> datetime | None:
    """When a cookie ends: seconds, milliseconds or microseconds, or a date with its zone; ``None`` for a session's."""
    bare = text.strip().partition(".")[0]
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 18):
        return _dated(text.strip())
    if int(bare) == 0:
        return None
    seconds = int(bare)
    if seconds > _MICROSECONDS:
        seconds = seconds // 1_000_000 - _SINCE_1601
    elif seconds > _MILLISECONDS:
        seconds //= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _dated(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
