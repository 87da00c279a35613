"""A made-up leak of gigabytes, made in a minute: urls, logins and passwords in the usual mixture, and dirt.

The names are made of random syllables under the suffixes that the world uses, in about the shares in which it does:
how fast a search for names is depends on how they end. Nothing of it leaves the folder, which is deleted after.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LINES: Final = 100_000
"""Of one block; about six megabytes."""
_DISTINCT: Final = 40
"""Blocks, far more than any cache holds, written again and again."""
_OURS: Final = 100
"""Lines of each block with a login of a watched domain: one in a thousand."""
_LOOKALIKES: Final = 40
_DIRT: Final = 150


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SUFFIXES: Final = (
    ("com",) * 46
    + _words("net org de ru co.uk com.br fr it nl pl in es info ca com.au eu co.in ch jp se us io cz at be")
    + _words("com.mx com.ar com.tr co.jp ro hu gr pt dk no fi ie ac.uk co.za co.nz vn com.vn id co.id ph")
    + _words("com.ph my com.my th co.th ua com.ua by kz tv me biz online xyz shop app dev cloud edu gov")
)
_ONSETS: Final = _words(
    "b br c ch cl cr d dr f fl g gl gr h j k kl l m n p ph pl qu r s sc sh sp st t th tr v w x y z"
)
_NUCLEI: Final = _words("a e i o u ai ea ee ia ie io oo ou y")
_CODAS: Final = ("", "", "", "", *_words("b ck d ft g l ll m n nd ng nt p r rd rk s sk ss st t x"))
_BIG_MAIL: Final = _words(
    "gmail.com hotmail.com yahoo.com outlook.com mail.ru web.de icloud.com yandex.ru live.com"
)
_BIG_SITES: Final = _words("accounts.google.com www.facebook.com login.live.com www.netflix.com discord.com")
_PREFIXES: Final = ("", "", "www.", "login.", "my.", "accounts.", "app.", "auth.", "shop.", "mail.")
_PATHS: Final = (
    "", "/", "/login", "/signin", "/account/login", "/register", "/wp-login.php", "/users/sign_in",
    "/auth/realms/main/login", "/signup?next=%2Fhome", "/en/login", "/index.php",
)  # fmt: skip
_DIRTY: Final = (
    "",
    "===============",
    "Telegram: @freelogs",
    "https://t.test/join\t",
    "\x00\x01\x02",
    "-----",
)
_SIGNS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789!@#$%&*.-_"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file, and the domains to look for in it: the first ones are the shorter lists."""

    file: Path
    domains: list[str]


def make_corpus(folder: Path, size: int, domains: int) -> Corpus:
    """A file of ``size`` bytes or a little more, the same on every machine."""
    names = _Names(random.Random(1))
    watched = names.domains(domains)
    file = folder / "leak.txt"
    pools = _Pools(random.Random(2), watched)
    blocks = [_block(pools, number) for number in range(_DISTINCT)]
    with file.open("wb") as opened:
        number = 0
        while opened.tell() < size:
            opened.write(blocks[number % _DISTINCT])
            number += 1
    return Corpus(file, watched)


class _Names:
    """Names of people and places that nobody has."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def word(self, syllables: int) -> str:
        choose = self._rng.choice
        return "".join(choose(_ONSETS) + choose(_NUCLEI) + choose(_CODAS) for _ in range(syllables))

    def domain(self) -> str:
        rng = self._rng
        label = self.word(rng.choice((1, 2, 2, 2, 3, 3)))
        if rng.random() < 0.15:
            label += rng.choice(("-", "")) + self.word(1)
        if rng.random() < 0.05:
            label += str(rng.randint(1, 365))
        return f"{label}.{rng.choice(_SUFFIXES)}"

    def domains(self, number: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < number:
            found[self.domain()] = None
        return list(found)

    def local(self) -> str:
        rng = self._rng
        return rng.choice(
            (
                self.word(2),
                f"{self.word(1)}.{self.word(2)}",
                f"{self.word(2)}{rng.randint(1, 2005)}",
                f"{self.word(1)}_{self.word(1)}{rng.randint(1, 99)}",
            )
        )

    def password(self) -> str:
        rng = self._rng
        if rng.random() < 0.5:
            return f"{self.word(2).capitalize()}{rng.randint(1, 9999)}{rng.choice(('', '!', '@', '#', '.'))}"
        return "".join(rng.choices(_SIGNS, k=rng.randint(6, 14)))


class _Pools:
    """What lines are drawn from."""

    def __init__(self, rng: random.Random, watched: Sequence[str]) -> None:
        names = _Names(rng)
        taken = set(watched)
        domains = [domain for domain in names.domains(30_000) if domain not in taken]
        hosts = [rng.choice(_PREFIXES) + rng.choice(domains) for _ in range(40_000)]
        hosts += _BIG_SITES * 2_000
        self.names = names
        self.watched = watched
        self.urls = [
            f"{rng.choice(('https://', 'https://', 'https://', 'http://', ''))}{rng.choice(hosts)}{rng.choice(_PATHS)}"
            for _ in range(120_000)
        ] + [self._app(rng, names) for _ in range(3_000)]
        self.logins = [
            f"{names.local()}@{rng.choice(_BIG_MAIL) if rng.random() < 0.6 else rng.choice(domains)}"
            for _ in range(150_000)
        ]
        self.passwords = [names.password() for _ in range(150_000)]

    @staticmethod
    def _app(rng: random.Random, names: _Names) -> str:
        token = "".join(rng.choices(_SIGNS[:58], k=86))
        return f"android://{token}==@com.{names.word(2)}.{names.word(1)}/"


def _block(pools: _Pools, number: int) -> bytes:
    rng = random.Random(number)
    draw = (rng.choices(pool, k=LINES) for pool in (pools.urls, pools.logins, pools.passwords))
    urls, logins, passwords = draw
    split = LINES * 3 // 4
    lines = [f"{u}:{n}:{p}" for u, n, p in zip(urls[:split], logins, passwords, strict=False)]
    lines += [f"{n}:{p}" for n, p in zip(logins[split:], passwords[split:], strict=True)]
    for at in range(_OURS):
        lines.append(f"{urls[at]}:{_login(rng, pools, at)}:{passwords[at]}")
    for at in range(_LOOKALIKES):
        lines.append(f"{urls[at]}:{_lookalike(rng, pools)}:{passwords[at]}")
    lines += rng.choices(_DIRTY, k=_DIRT)
    rng.shuffle(lines)
    return ("\n".join(lines) + "\n").encode()


def _login(rng: random.Random, pools: _Pools, at: int) -> str:
    """A third of them at the first domain, a third among the first hundred, a third at any."""
    listed = (pools.watched[:1], pools.watched[:100], pools.watched)[at % 3]
    return f"{pools.names.local()}@{rng.choice(('', '', '', 'mail.', 'eu.'))}{rng.choice(listed)}"


def _lookalike(rng: random.Random, pools: _Pools) -> str:
    domain = rng.choice((pools.watched[0], rng.choice(pools.watched)))
    like = (f"not{domain}", f"{domain}.evil.test", f"{domain}s", domain.replace(".", "-", 1) + ".test")
    return f"{pools.names.local()}@{rng.choice(like)}"
