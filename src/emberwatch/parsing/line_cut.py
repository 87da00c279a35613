"""Cuts one line into url, login and password, though no quoting says where each ends.

The login is found first: an address that separators or line edges bound. What stands before it must be
nothing, or a url and one separator; everything after the same separator is the password, whole. When nothing
stands after the address, the password may have come first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from itertools import islice
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.urls import SEPARATORS, URL_START, is_likely_site, is_page, is_site, is_url

_LOCAL: Final = r"[^\s:;|,@/\\?&=\"<>()\[\]]{1,64}"
# A dot and a top level of letters: without them "P@ssw0rd" would be an address.
_DOMAIN: Final = r"(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})\.?"
_LOGIN: Final = lazy(rf"(?:(?<=[:;|\t ,])|^)({_LOCAL}@{_DOMAIN})(?=[:;|\t ,]|\s*$)")
# Whatever stands around it: a line that cannot be read may hold an address all the same.
_ANY_DOMAIN: Final = lazy(rf"(?<=[^\s@])@(?>{_DOMAIN})(?![\w-])")
_NAME_AT_END: Final = lazy(r"(?:://|(?<![\w.+-]))[\w.+-]*\Z")
_LONGEST_NAME: Final = 64

_BEFORE: Final = lazy(r"(?P<text>.*?)(?P<separator> [:;|,-] |[:;|,] |[:;|\t ,])", re.DOTALL)
_AFTER: Final = lazy(r"(?P<separator> [:;|,-] |[:;|\t ,])(?P<rest>.*)", re.DOTALL)

_AFTER_WIDE: Final = lazy(r"(?P<separator>[:;|,] )(?P<rest>.*)", re.DOTALL)

_FRONT_STOPS: Final = ":;|\t "
# "name:address:secret": the name that the account had where it was lost, which is no site.
_NAME_BEFORE: Final = lazy(r"\s*[^\s:;|,@/]{1,64}(?P<separator>[:;|\t])")


# "login => secret", "login::secret", "login~secret", "<login>:secret": what no single line proves, but many do.
_JOINED: Final = lazy(
    rf"\s*(?P<opening>[<(\[\"'])?{_LOCAL}@(?>{_DOMAIN})(?P<joint>[>)\]\"']?(?P<blank>\s?)"
    r"(?:=>|->|::+|;;+|\|\|+|--+|[~^#=/*+]|(?(opening)[:;|,]?|(?!)))(?P=blank))(?=[^\s])"
)


@lru_cache(maxsize=64)
def _joined_by(joint: str) -> re.Pattern[str]:
    return re.compile(
        rf"\s*[<(\[\"']?(?P<login>{_LOCAL}@(?>{_DOMAIN})){re.escape(joint)}(?P<password>.+)", re.DOTALL
    )


def joint_of(text: str) -> str | None:
    """What unusual signs stand between an address at the beginning of the line and what follows."""
    found = _JOINED.match(text)
    return found["joint"] if found else None


@lru_cache(maxsize=64)
def _site_first(separator: str) -> re.Pattern[str]:
    """A url that ends at ``separator`` (or at any, when that is empty), a name, and the secret."""
    if separator:
        core = separator.strip()
        ends = re.escape(core or separator)
        stops = ends + (r"\s" if core else "")
        first = second = re.escape(separator)
        name = rf"[^\s{ends}][^{ends}]*?"
    else:
        # "url login:secret" is written too: after a blank, the second separator may be another.
        stops, name = _FRONT_STOPS, r"[^\s:;|](?(blank)[^\s:;|]*?|[^:;|\t]*?)"
        first, second = r"(?P<blank> (?:[:;|,-] )?)|[:;|\t]", r"(?(blank)[ :;|]|(?P=separator))"
    # Atomic: a port that is not followed by what must follow makes no other url.
    return re.compile(
        rf"(?>{_front(stops)})(?P<separator>{first})(?P<login>{name}){second}(?P<password>.+)", re.DOTALL
    )


def _front(stops: str) -> str:
    return (
        rf"(?P<url>\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*://(?:\[[0-9a-fA-F:.]+\]|[^/:\s{stops}]*)"
        rf"|(?:[\w-]+\.)+\w{{2,}}|\d{{1,3}}(?:\.\d{{1,3}}){{3}}|localhost)"
        rf"(?::\d{{1,5}}(?=[/?#{stops}]))?(?:[/?#][^{stops}]*)?)"
    )


_SITE_SECRET: Final = lazy(rf"{_front(_FRONT_STOPS)}(?P<separator>[:;|\t ])(?P<password>.+)", re.DOTALL)
_NAME_SECRET: Final = lazy(r"\s*(?P<login>[^\s:;|]+)(?P<separator>[:;|\t])(?P<password>.*\S.*)", re.DOTALL)
_URL_ONLY: Final = lazy(_front(_FRONT_STOPS))

_LABELS: Final = r"[^\s:;|,@/?#\[\]]+"
# The lines that most files are full of. They are read the same way below, only slower.
_USUAL: Final = lazy(
    rf"(?:(?P<url>(?:https?://{_LABELS}\.{_LABELS}|(?:[\w-]+\.)+[^\W\d_]{{2,}}|android://{_LABELS}@{_LABELS})"
    r"(?::\d{1,5})?(?:/[^\s:;|,@?#]*)?(?:\?[^\s:;|,@#]*)?)(?P<first>[:;|\t]))?"
    rf"(?P<login>{_LOCAL}@{_DOMAIN})(?P<separator>(?(first)(?P=first)|[:;|\t]))"
    r"(?P<password>(?(first).+|[^\s:;|,/]+))",
    re.DOTALL,
)

# "Email: u@…" names its field; it is no password in front of a login.
LABELS: Final = frozenset(
    {"", "email", "e-mail", "mail", "login", "user", "username", "usr", "account", "id"}
)

# A hostile line may hold thousands of addresses and separators; trying each would cost quadratic time.
_MOST_TRIES: Final = 16


class Order(Enum):
    LOGIN_FIRST = auto()
    SECRET_FIRST = auto()
    NAME_ONLY = auto()
    """The login is a bare name, not an address."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the first lines of a file told about the rest of it. Each line is still decided on its own."""

    secret_first: bool = False
    login_first: bool = False
    site_last: bool = False
    site_sometimes: bool = True
    separator: str = ""
    """That nearly all lines use."""
    padded: bool = False
    mostly_hashes: bool = False
    named: bool = False
    """Whether another name of the account stands before its address."""
    joint: str = ""
    """Unusual signs that nearly all lines have between an address and its secret."""


UNKNOWN: Final = Profile()


@dataclass(slots=True, repr=False)
class Cut:
    """A line in its parts; ``password`` is ``None`` when nothing stands for it."""

    login: str
    password: str | None
    url: str
    separator: str
    order: Order
    url_last: bool = False
    """Whether the url stood behind the password."""


def cut(text: str, profile: Profile = UNKNOWN) -> Cut | None:
    """The line in its parts, or ``None`` when no reading is sound."""
    if profile.joint and (joined := _joined_by(profile.joint).fullmatch(text)):
        return Cut(joined["login"], joined["password"], "", profile.joint, Order.LOGIN_FIRST)
    if not profile.secret_first and not profile.padded and (usual := _USUAL.fullmatch(text)):
        return Cut(
            usual["login"], usual["password"], usual["url"] or "", usual["separator"], Order.LOGIN_FIRST
        )
    return cut_with_care(text, profile)


def cut_with_care(text: str, profile: Profile = UNKNOWN) -> Cut | None:
    """What :func:`cut` gives for any line, without its shortcut for usual ones."""
    logins = list(islice(_LOGIN.finditer(text), _MOST_TRIES)) if "@" in text else []
    if profile.named and logins and (found := _behind_name(text, logins[0])):
        return found
    if profile.secret_first and (found := _secret_first(text, logins, profile)):
        return found
    for lone_host in (False, True):
        for login in logins:
            if found := _login_first(text, login, profile, lone_host=lone_host):
                return found
    if not profile.login_first and (found := _secret_first(text, logins, profile)):
        return found
    return _by_fields(text, profile, name_only=profile.login_first or not logins)


def cut_behind_name(text: str) -> Cut | None:
    """The line as ``name:address:secret``; one alone may be anything, and only many of them are that."""
    login = _LOGIN.search(text) if "@" in text else None
    return _behind_name(text, login) if login else None


def _behind_name(text: str, login: re.Match[str]) -> Cut | None:
    before = _NAME_BEFORE.fullmatch(text, 0, login.start())
    separator = before["separator"] if before else ""
    if not separator or not text.startswith(separator, login.end()):
        return None
    password = text[login.end() + 1 :]
    return Cut(login[1], password, "", separator, Order.LOGIN_FIRST) if password.strip() else None


def stray_logins(text: str) -> list[str]:
    """Every address in the line, whatever stands around it; what stands in front of a url's host is none."""
    found = (_name_before(text, at.start()) + at[0] for at in _ANY_DOMAIN.finditer(text))
    return [login for login in islice(found, _MOST_TRIES) if "://" not in login]


def _name_before(text: str, end: int) -> str:
    # Searched for in front of the sign: from the front, a long word would be tried from each of its letters.
    found = _NAME_AT_END.search(text[max(0, end - _LONGEST_NAME) : end])
    return found[0] if found and found[0] else "?"


def _login_first(text: str, login: re.Match[str], profile: Profile, *, lone_host: bool) -> Cut | None:
    after = _wide(text, login) or _AFTER.fullmatch(text, login.end())
    separator = after["separator"] if after else ""
    url = _url_before(text[: login.start()], separator, lone_host=lone_host)
    if url is None:
        return None
    if after is None:
        # "pass.word:u@contoso.example": a bare host in front of a bare address is as likely a password.
        sure = not url or ("/" in url and _URL_ONLY.fullmatch(url))
        return Cut(login[1], None, url, "", Order.LOGIN_FIRST) if sure else None
    rest = after["rest"]
    if profile.padded and rest.startswith(" "):
        rest = rest[1:]
    if url:
        return Cut(login[1], rest, url, separator, Order.LOGIN_FIRST)
    password, url = _split_off_url(rest, separator, profile)
    return Cut(login[1], password, url, separator, Order.LOGIN_FIRST, url_last=bool(url))


def _wide(text: str, login: re.Match[str]) -> re.Match[str] | None:
    """What stands behind a login when the same sign and a blank stand on both sides of it."""
    sign = text[max(0, login.start() - 2) : login.start()]
    is_wide = len(sign) == 2 and sign[0] in ":;|," and sign[1] == " " and text.startswith(sign, login.end())
    return _AFTER_WIDE.fullmatch(text, login.end()) if is_wide else None


def _url_before(before: str, separator: str, *, lone_host: bool) -> str | None:
    if not before.strip():
        return ""
    found = _BEFORE.fullmatch(before)
    if found is None:
        return None
    url = found["text"].strip()
    if not url:
        return ""
    # Between one separator before the login and another after it, any of them may end the url.
    forbidden = separator.strip() or separator if found["separator"] == separator else SEPARATORS
    return url if is_url(url, forbidden, lone_host=lone_host) else None


def _split_off_url(rest: str, separator: str, profile: Profile) -> tuple[str | None, str]:
    if URL_START.match(rest):
        found = _SITE_SECRET.fullmatch(rest)
        return (found["password"], found["url"]) if found else (None, rest)
    starts = [at.start() for at in URL_START.finditer(rest) if rest.endswith(separator, 0, at.start())]
    if starts:
        return rest[: starts[-1] - len(separator)], rest[starts[-1] :].rstrip()
    belongs = is_site if profile.site_last else is_likely_site if profile.site_sometimes else is_page
    return split_off_site(rest, separator, belongs)


def split_off_site(rest: str, separator: str, belongs: Callable[[str], bool]) -> tuple[str, str]:
    """The site that stands behind one of the last separators, and what is before it."""
    at = len(rest)
    for _ in range(_MOST_TRIES):
        at = rest.rfind(separator, 0, at)
        if at < 0:
            break
        site = rest[at + len(separator) :].rstrip()
        if belongs(site):
            return rest[:at], site
    return rest, ""


def _secret_first(text: str, logins: list[re.Match[str]], profile: Profile) -> Cut | None:
    if not logins or text[logins[-1].end() :].strip():
        return None
    found = _BEFORE.fullmatch(text, 0, logins[-1].start())
    if found is None or not found["text"].strip():
        return None
    password, url, separator = found["text"], "", found["separator"]
    if URL_START.match(password):
        split = _SITE_SECRET.fullmatch(password) if profile.secret_first else None
        if split is None:
            return None
        password, url = split["password"], split["url"]
    if separator == " " and (" " in password or password.endswith(tuple(SEPARATORS))):
        return None
    if not profile.secret_first and password.strip(SEPARATORS).casefold() in LABELS:
        return None
    return Cut(logins[-1][1], password, url, separator, Order.SECRET_FIRST)


def _by_fields(text: str, profile: Profile, *, name_only: bool) -> Cut | None:
    """A line whose login is no address: told by its url, or by the separators alone."""
    for separator in dict.fromkeys((profile.separator, "", ",")):
        found = _site_first(separator).fullmatch(text)
        if found and found["password"].strip():
            return Cut(
                found["login"], found["password"], found["url"].strip(), found["separator"], Order.NAME_ONLY
            )
    if not name_only or URL_START.match(text):
        return None
    return _name_first(text, profile)


def _name_first(text: str, profile: Profile) -> Cut | None:
    found = _name_secret(profile.separator).fullmatch(text) if profile.separator else None
    found = found or _NAME_SECRET.fullmatch(text)
    if found is None:
        return None
    password, url = _split_off_url(found["password"], found["separator"], profile)
    return Cut(found["login"], password, url, found["separator"], Order.NAME_ONLY, url_last=bool(url))


@lru_cache(maxsize=64)
def _name_secret(separator: str) -> re.Pattern[str]:
    stop = re.escape(separator.strip() or separator)
    return re.compile(
        rf"\s*(?P<login>[^\s{stop}]+)(?P<separator>{re.escape(separator)})(?P<password>.*\S.*)", re.DOTALL
    )
