"""Where does a url end, and is this text one: the questions that a line without quoting asks."""

from __future__ import annotations

import re
from typing import Final

from emberwatch.core.patterns import lazy

SEPARATORS: Final = ":;|\t ,"

_SCHEME: Final = r"[a-zA-Z][a-zA-Z0-9+.-]{0,40}"
_HOST: Final = r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,}))"

_WITH_SCHEME: Final = lazy(
    rf"\s*(?P<scheme>{_SCHEME})://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>[?#].*)?", re.DOTALL
)
_AUTHORITY: Final = lazy(
    r"(?:[^@]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^:;|\t ,@\[\]]*)(?P<port>:\d{1,5})?", re.DOTALL
)
_WITHOUT_SCHEME: Final = lazy(
    rf"\s*(?:[^@/?#\s]*@)?{_HOST}(?::\d{{1,5}})?(?P<path>/[^?#]*)?(?P<query>[?#].*)?", re.DOTALL
)
_KNOWN_SCHEMES: Final = (
    r"https?|s?ftps?|wss?|android(?:-app)?|ios(?:-app)?|(?:chrome|moz|ms-browser|safari(?:-web)?)-extension|chrome|edge|"
    r"opera|brave|vivaldi|oauth2?|file|ldaps?|rdp|ssh|smb|vnc|telnet|imaps?|pop3s?|smtps?|app|intent|view-source"
)
URL_START: Final = lazy(
    rf"(?:(?i:{_KNOWN_SCHEMES})://(?=\S)|[a-z][a-z+.-]{{1,40}}://(?:[^\s/@]*@)?{_HOST}(?=[:/?#;|,\s]|\Z))"
)
"""How a url with a scheme begins; a scheme that nobody knows needs a host behind it, since passwords may hold "://"."""
_ABOUT: Final = lazy(r"\s*about:[\w-]*")
_SITE: Final = lazy(rf"{_HOST}(?::\d{{1,5}})?(?:[/?#]\S*)?")
_USUAL_END: Final = lazy(
    r"(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|edu|gov|io|co|app|dev|online|site|shop|xyz|test|example|local|[a-z]{2})"
    r"(?=[:/?#]|\Z)|localhost|\d{1,3}(?:\.\d{1,3}){3}"
)
_PAGE: Final = lazy(rf"{_HOST}(?::\d{{1,5}})?/\S*")
_AUTHORITY_END: Final = lazy(r"[/\\?#\s]")
_URL_PASSWORD: Final = lazy(rf"^(\s*{_SCHEME}://[^/@:\s]*):[^/@]*@")


def is_url(text: str, separators: str, *, lone_host: bool = False) -> bool:
    """Whether ``text`` as a whole is a url.

    ``separators`` may not stand in its last path segment: what follows one there is a field of its own. In a
    query or before a later slash they are the url's. A host of one label without port or path
    (``https://intranet``) counts only with ``lone_host``, since ``https://bob`` may be the beginning of
    ``https://bob:pw@host``.
    """
    found = _WITH_SCHEME.fullmatch(text)
    if found is None:
        found = _WITHOUT_SCHEME.fullmatch(text)
        return (found is not None and _ends_cleanly(found, separators)) or bool(_ABOUT.fullmatch(text))
    authority = _AUTHORITY.fullmatch(found["authority"])
    if authority is None or not _ends_cleanly(found, separators):
        return False
    host_tells = "." in authority["host"] or authority["host"].lower() == "localhost"
    has_more = bool(authority["port"] or found["path"] or found["query"])
    web = found["scheme"].lower() in ("http", "https")
    return host_tells or has_more or not web or (lone_host and authority["host"] != "")


def _ends_cleanly(found: re.Match[str], separators: str) -> bool:
    if found["query"]:
        return True
    last_segment = (found["path"] or "").rpartition("/")[2]
    return not any(separator in last_segment for separator in separators)


def is_site(text: str) -> bool:
    """Whether ``text`` is a host, with port or path if any, written without a scheme."""
    return _SITE.fullmatch(text) is not None


def is_likely_site(text: str) -> bool:
    """Whether ``text`` is a site with a usual ending, as passwords seldom have one."""
    found = _SITE.fullmatch(text)
    return found is not None and _USUAL_END.match(text) is not None


def is_page(text: str) -> bool:
    """Whether ``text`` is a host and a path: what no password ends in, though it may end in ``.ab``."""
    return _PAGE.fullmatch(text) is not None


def without_password(url: str) -> str:
    """The url with the password in its user info, if any, replaced by stars: a url is stored in the clear."""
    return _URL_PASSWORD.sub(r"\1:***@", url) if "@" in url else url


# How nearly all urls are written; what has anything unusual about it is taken apart piece by piece.
_PLAIN_SITE: Final = lazy(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d{1,5})?(?=[/?#]|\Z)")
_NO_SITE: Final = frozenset({"android", "file", "chrome-extension", "moz-extension", "data", "javascript"})


def host_of(url: str) -> str:
    """The host that a url names, lower-case, without user info, port and final dot; empty where none is.

    Package names and extension ids look like hosts and are none.
    """
    if (plain := _PLAIN_SITE.match(url)) is not None:
        return plain[1]
    text = url.strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        rest = text
    elif scheme.lower() in _NO_SITE:
        return ""
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0][1:].lower()
    return authority.partition(":")[0].rstrip(".").lower()
