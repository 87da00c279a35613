"""Monitored domains, and the logins that belong to them.

Domains compare by their ASCII (IDNA) form, label by label, without case. Letters that merely look alike never
compare equal: no compatibility mapping is made, so that Cyrillic, full-width and Kelvin-sign spellings of a
monitored domain stay what they are, other domains.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import idna

from emberwatch.core.errors import BadInput
from emberwatch.core.patterns import lazy

_ASCII_DOMAIN: Final = lazy(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_MAX_DOMAIN: Final = 253
_OTHER_DOTS: Final = lazy("[\u3002\uff0e\uff61]")
_EXAMPLE: Final = "Give the bare domain, such as contoso.example."


class DomainSet:
    """The domains that one tenant watches."""

    __slots__ = ("_domains", "_hints")

    def __init__(self, domains: Iterable[str]) -> None:
        self._domains = frozenset(normalise_domain(domain) for domain in domains)
        self._hints = tuple(sorted({hint for domain in self._domains for hint in _hints_of(domain)}))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._domains))

    def __len__(self) -> int:
        return len(self._domains)

    def match(self, login: str) -> str | None:
        """The most specific monitored domain that ``login`` belongs to."""
        domain = login_domain(login)
        while domain:
            if domain in self._domains:
                return domain
            domain = domain.partition(".")[2]
        return None

    def owns(self, login: str) -> bool:
        return self.match(login) is not None

    @property
    def hints(self) -> tuple[bytes, ...]:
        """Lower-case literals: a line that holds none of them holds no login that :meth:`match` accepts."""
        return self._hints


def normalise_domain(text: str) -> str:
    """The ASCII form of a domain that a person typed; ``BadInput`` says what is wrong with anything else."""
    typed = text.strip().removeprefix("@").removeprefix("*.").rstrip(".")
    if not typed:
        raise BadInput("The domain is empty.", remedy=_EXAMPLE)
    if "/" in typed or "@" in typed or ":" in typed:
        raise BadInput("This is an address, not a domain.", remedy=_EXAMPLE)
    domain = ascii_domain(typed)
    if domain is None:
        raise BadInput("This is not a domain name.", remedy=_EXAMPLE)
    return _checked_breadth(domain)


def login_domain(login: str) -> str | None:
    """The ASCII form of what follows the one ``@`` of an address, or ``None`` when it is not an address."""
    local, at, domain = login.strip().rpartition("@")
    if not at or not local or "@" in local:
        return None
    return ascii_domain(domain)


def canonical_login(login: str) -> str:
    """The form in which two spellings of one login compare equal; what is no address is only folded."""
    trimmed = login.strip()
    domain = login_domain(trimmed)
    if domain is None:
        return _fold(trimmed)
    return f"{_fold(trimmed.rpartition('@')[0])}@{domain}"


def _checked_breadth(domain: str) -> str:
    labels = domain.split(".")
    if labels[-1].isdigit():
        raise BadInput("This is an IP address, not a domain.", remedy=_EXAMPLE)
    if len(labels) < 2:
        raise BadInput("A domain of one label would match far too much.", remedy=_EXAMPLE)
    return domain


@lru_cache(maxsize=4096)
def ascii_domain(text: str) -> str | None:
    """The form in which two spellings of one host or domain compare equal, or ``None`` when it is neither."""
    folded = _fold(text)
    if not folded.isascii():
        return _idna(folded)
    fits = len(folded) <= _MAX_DOMAIN and _ASCII_DOMAIN.fullmatch(folded)
    return folded if fits else None


def _idna(folded: str) -> str | None:
    composed = unicodedata.normalize("NFC", folded)
    # Composing turns a few signs (Kelvin, Angstrom) into plain letters: that would fold a look-alike.
    if _ascii_count(composed) > _ascii_count(folded) or _OTHER_DOTS.search(composed):
        return None
    try:
        return idna.encode(composed).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    folded = letter.casefold()
    # The long s, the Kelvin sign and the sharp s fold to ASCII letters, and would then pass for them.
    return letter if not letter.isascii() and _ascii_count(folded) else folded


def _ascii_count(text: str) -> int:
    return sum(map(str.isascii, text))


def _hints_of(domain: str) -> Iterator[bytes]:
    yield b"@" + domain.encode()
    yield b"." + domain.encode()
    if "xn--" not in domain:
        return
    # Non-ASCII letters have several byte forms (case, composition, code page); ASCII ones have one.
    try:
        spelled = idna.decode(domain)
    except idna.IDNAError:
        return
    yield max(re.findall(r"[\x00-\x7f]+", spelled), key=len).encode()
