"""Cookies as browser extensions and automation tools export them: JSON objects, one for each cookie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import Foreign, Noise, Reject, RejectReason
from emberwatch.parsing.cookies import CookieOutcome, ParsedCookie, bare_host, instant
from emberwatch.parsing.decoding import decode
from emberwatch.parsing.json_cut import Document, Json, documents
from emberwatch.parsing.pieces import pieces_of_chunks
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.urls import host_of

# Keys as they are once folded, without blanks and lines within.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "host": ("domain", "host", "hostkey", "hostraw", "hostname"),
    "name": ("name", "nameraw", "key", "cookiename"),
    "value": ("value", "contentraw", "cookievalue"),
    "path": ("path", "pathraw"),
    "secure": ("secure", "issecure", "sendforraw"),
    "ends": ("expirationdate", "expires", "expiresutc", "expiresraw", "expiry", "expire", "expiration", "maxage"),
    "session": ("session", "issession", "httponly", "ishttponly", "samesite", "hostonly", "storeid"),
}  # fmt: skip
_FIELD_OF: Final = {key: field for field, keys in _KEYS.items() for key in keys}
_NEEDED: Final = frozenset({"host", "name", "value"})
_TELLING: Final = frozenset({"path", "secure", "ends", "session"})
"""Many things have a host, a name and a value; a cookie has one of these as well."""
_JSON_START: Final = (b"{", b"[")
_BEFORE: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_SAMPLE: Final = 50
_DEEPEST: Final = 4


def read_json_cookies(
    chunks: Iterable[bytes], host_is_ours: Callable[[str], bool] | None = None
) -> Iterator[CookieOutcome]:
    """One outcome a cookie, in flat memory. Without ``host_is_ours`` every host is."""
    for document in documents(pieces_of_chunks(chunks), _is_record):
        if document.value is None:
            reason = RejectReason.LINE_TOO_LONG if document.cut else RejectReason.UNREADABLE
            yield Reject(document.line, reason, shape_of(decode(document.text)[0]))
        else:
            yield from _of_document(document.line, document.value, host_is_ours)


def looks_like_json_cookies(head: bytes) -> bool:
    """Whether most of the objects that a file begins with are cookies."""
    if not head.lstrip(_BEFORE).startswith(_JSON_START):
        return False
    *pieces, last = pieces_of_chunks([head])
    # The head may end anywhere: what its last line begins is not broken.
    pieces.append(last._replace(ends=False))
    found: list[Document] = list(islice(documents(pieces, _is_record, only_head=True), _SAMPLE))
    whole = [document.value for document in found if document.value is not None]
    return bool(whole) and sum(map(_is_record, whole)) > len(whole) / 2


def _of_document(
    line: int, value: Json, host_is_ours: Callable[[str], bool] | None
) -> Iterator[CookieOutcome]:
    none = True
    for cookie in _cookies_in(value):
        none = False
        host = _host(cookie["host"])
        if not host:
            yield Reject(line, RejectReason.UNREADABLE, shape_of(cookie["host"]))
        elif host_is_ours is not None and not host_is_ours(host):
            yield Foreign(line)
        else:
            yield _cookie(line, host, cookie)
    if none:
        yield Noise(line)


def _cookie(line: int, host: str, cookie: Mapping[str, str]) -> ParsedCookie:
    return ParsedCookie(
        host=host,
        name=cookie["name"],
        value=Secret(cookie["value"]),
        path=cookie.get("path", ""),
        secure=cookie.get("secure", "").casefold() in ("true", "1"),
        expires_at=instant(cookie.get("ends", "")),
        line=line,
    )


def _host(text: str) -> str:
    return bare_host(host_of(text) if "://" in text else text)


def _is_record(value: Json) -> bool:
    return next(_cookies_in(value), None) is not None


def _cookies_in(value: object, depth: int = 0) -> Iterator[dict[str, str]]:
    """The object itself, or those in it: tools put their cookies into a list under some name."""
    if isinstance(value, dict):
        if (cookie := _fields(value)) is not None:
            yield cookie
            return
        inner: Iterable[object] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return
    if depth < _DEEPEST:
        for part in inner:
            yield from _cookies_in(part, depth + 1)


def _fields(value: Mapping[str, object]) -> dict[str, str] | None:
    fields: dict[str, str] = {}
    for key, item in value.items():
        field = _FIELD_OF.get(key.casefold().translate(_JOINTS))
        if field and isinstance(item, str | int | float) and not _is_told(field, fields):
            fields[field] = _storable(str(item))
    return fields if fields.keys() >= _NEEDED and fields.keys() & _TELLING else None


def _is_told(field: str, fields: Mapping[str, str]) -> bool:
    """Some write the end twice, once for people."""
    return field in fields and (field != "ends" or instant(fields[field]) is not None)


_JOINTS: Final = str.maketrans("", "", " _-")


def _storable(text: str) -> str:
    """A lone half of a surrogate pair cannot be stored; what it stood for is lost."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
