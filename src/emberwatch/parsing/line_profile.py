"""Learns from the first lines of a file what one line alone cannot tell: the usual order of its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.hashes import hash_shape
from emberwatch.parsing.line_cut import Cut, Order, Profile, cut, cut_behind_name, joint_of, split_off_site
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.parsing.noise import has_address
from emberwatch.parsing.urls import is_site

SAMPLE_LINES: Final = 200
_FEW: Final = 5
_MANY: Final = 20
_NEARLY_ALL: Final = 0.8
_MOST_LINES: Final = 0.6


def cuts_of(lines: Iterable[bytes]) -> list[Cut]:
    """Those of the lines that can be cut, each on its own."""
    texts = (decode(clean(line))[0] for line in lines if len(line) <= MAX_LINE)
    return [found for text in texts if (found := cut(text))]


def learn(lines: Iterable[bytes]) -> Profile:
    """What the lines have in common, where enough of them agree."""
    lines = list(lines)
    if joint := _joint(lines):
        return Profile(login_first=True, joint=joint)
    named = _behind_names(lines)
    cuts = named or cuts_of(lines)
    by_address = [found for found in cuts if found.order is not Order.NAME_ONLY]
    secret_first = [found for found in by_address if found.order is Order.SECRET_FIRST]
    login_first = [found for found in by_address if found.order is Order.LOGIN_FIRST]
    url_free = [found for found in login_first if found.password and (found.url_last or not found.url)]
    site_last = [found for found in url_free if found.url_last or _ends_in_site(found)]
    secrets = [found.password for found in cuts if found.password]
    return Profile(
        secret_first=_most(secret_first, by_address, 0.6, _FEW),
        login_first=_most(login_first, by_address, 0.97, _MANY),
        site_last=_most(site_last, url_free, 0.6, _FEW),
        site_sometimes=len(url_free) < _FEW or _most(site_last, url_free, 0.03, _FEW),
        separator=_usual_separator(by_address if len(by_address) >= _FEW else cuts),
        padded=_most([secret for secret in secrets if secret.startswith(" ")], secrets, 0.8, _FEW),
        mostly_hashes=_most([s for s in secrets if hash_shape(s, mostly_hashes=True)], secrets, 0.5, _FEW),
        named=bool(named),
    )


def _joint(lines: Sequence[bytes]) -> str:
    texts = [decode(clean(line))[0] for line in lines if len(line) <= MAX_LINE and has_address(line)]
    joint, count = Counter(joint_of(text) or "" for text in texts).most_common(1)[0] if texts else ("", 0)
    return joint if len(texts) >= _FEW and count > _MOST_LINES * len(texts) else ""


def _behind_names(lines: Sequence[bytes]) -> list[Cut]:
    """The lines as ``name:address:secret``, if nearly all that hold an address are such and none other is sound."""
    texts = [decode(clean(line))[0] for line in lines if len(line) <= MAX_LINE and b"@" in line]
    found = [named for text in texts if _may_be_named(text) and (named := cut_behind_name(text))]
    return found if _most(found, texts, _NEARLY_ALL, _FEW) else []


def _may_be_named(text: str) -> bool:
    found = cut(text)
    return found is None or found.order is Order.NAME_ONLY


def _most(part: Sequence[object], whole: Sequence[object], share: float, enough: int) -> bool:
    return len(whole) >= enough and len(part) / len(whole) > share


def _ends_in_site(found: Cut) -> bool:
    password, site = split_off_site(found.password or "", found.separator, is_site)
    return bool(password and site)


def _usual_separator(cuts: Sequence[Cut]) -> str:
    used = Counter(found.separator for found in cuts if found.separator)
    separator, count = used.most_common(1)[0] if used else ("", 0)
    return separator if len(cuts) >= _FEW and count > _NEARLY_ALL * len(cuts) else ""
