"""Made-up logins, passwords and urls, chosen to be hard to tell apart once they stand on one line."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Final

from emberwatch.parsing.base import Match
from tests.corpus.truth import Entry

_OURS: Final = (
    "contoso.example", "contoso.example", "tailspin.example", "mail.contoso.example", "eu.mail.tailspin.example",
    "CONTOSO.example", "Contoso.Example", "bücher.example", "xn--bcher-kva.example", "BÜCHER.example",
)  # fmt: skip
_LOOK_ALIKES: Final = (
    "contoso.example.evil.test", "notcontoso.example", "contoso-example.test", "c\u043entoso.example",
    "contoso.examples.test", "xcontoso.example", "contoso.exampl", "contoso.example-mail.test", "bücher.example.test",
    "bucher.example", "contos\u00f6.example", "\uff43ontoso.example", "contoso.local", "xn--contoso-example.test",
    "tailspin.example.co.test", "fabrikam.test", "gmail.test", "mail.fabrikam.test",
)  # fmt: skip
_NAMES: Final = (
    "mira.holt",
    "j.doe",
    "o'brien",
    "sven+vpn",
    "k_lind",
    "ana-maria",
    "info",
    "Max.Weber",
    "x1",
    "søren",
)
_SHORT: Final = (
    "hunter2",
    "Xk2",
    "9q",
    "Sommer",
    "p",
    "ß",
    "Пароль",
    "密码",
    "🔑",
    "e\u0301",
    "pw",
    "Qz7",
    "0",
)
_JOINTS: Final = (
    ":", ";", "|", ",", "\t", " ", "@", "/", "\\", "=", "#", "&", "?", "'", '"', "%", ".", "-", "::", "://", "@@", "<>",
    "()", "{}", "[]", "$", "`", "&amp;", "\u00a0", "''", '""',
)  # fmt: skip
_STRANGE: Final = (
    "Password: y", "URL: x", "p:9q.a", "P@ss:x@y.z", "a=b\t\"c\"'", "===", "---", "***", "k:V7;pLm qZ", "12345678",
    "pass.word", "null1", "=SUM(1)", "+49151", "-x", "a@contoso.examplex", "C:\\Temp\\", "x\\n", "\\", "\\'", "'; --",
    "it's", "it''s", '"quoted"', "{json}", "[1]", "%41", "&lt;", "<b>", "Q", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
    "pw@contoso", "1:2:3:4", "a;b;c", "a|b|c", "a,b,c", "a b c", "login:pass", "$2a$nothash", "0x41", "N'x'", "),(",
    "');", "u@x.test:pw", "2020-01-01", "NULLx", "unknown1", "{SSHA}x", "ab" * 40,
)  # fmt: skip
_HOSTS: Final = (
    "a.test",
    "login.fabrikam.test",
    "sub-1.b.test",
    "xn--bcher-kva.test",
    "bücher.test",
    "shop.co.test",
)
_URLS: Final[tuple[Callable[[str, random.Random], str], ...]] = (
    lambda h, r: f"https://{h}/login",
    lambda h, r: f"https://{h}",
    lambda h, r: f"http://{h}/",
    lambda h, r: f"https://{h}:8443/x?p=1:2",
    lambda h, r: f"https://{h}:443",
    lambda h, r: f"https://{h}/?next=https://contoso.example/",
    lambda h, r: f"https://{h}/a/b.php?user=1&mail=x@contoso.example",
    lambda h, r: f"https://bob@{h}/x",
    lambda h, r: f"https://{h}/login#section",
    lambda h, r: f"https://{h}/@profile/settings",
    lambda h, r: f"https://{h}/a:b/login",
    lambda h, r: "https://203.0.113.9:8443/admin",
    lambda h, r: "http://198.51.100.7/",
    lambda h, r: "https://[2001:db8::1]:8443/x",
    lambda h, r: f"ftp://files.{h}/",
    lambda h, r: "android://Zm9vYmFy-_9vQmFy==@com.app.name/",
    lambda h, r: "android://c2hhNTEyLW9mLWtleQ==@com.contoso.example/",
    lambda h, r: "chrome-extension://abcdefghijklmnop/popup.html",
    lambda h, r: "moz-extension://1f2e-33/page.html",
    lambda h, r: "http://localhost:3000/login",
    lambda h, r: "https://intranet/login",
    lambda h, r: "https://contoso.example.evil.test/login",
    lambda h, r: "https://notcontoso.example/",
    lambda h, r: f"https://{h}/{'x' * r.randrange(200)}",
)  # fmt: skip
_BARE: Final[tuple[Callable[[str], str], ...]] = (
    lambda h: f"{h}/login",
    lambda h: h,
    lambda h: f"www.{h}",
    lambda h: f"{h}:8443/x",
    lambda h: f"{h}/a/b.php?x=1",
    lambda h: f"{h}:8080",
    lambda h: "203.0.113.9/admin",
    lambda h: "192.0.2.4:8080",
)
_SHAPES: Final = (
    lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest(),
    lambda text: hashlib.sha256(text).hexdigest(),
    lambda text: hashlib.sha512(text).hexdigest().upper(),
    lambda text: "$2y$10$" + (hashlib.sha256(text).hexdigest())[:53],
    lambda text: "$P$B" + hashlib.sha256(text).hexdigest()[:30],
    lambda text: "*" + hashlib.sha1(text, usedforsecurity=False).hexdigest().upper(),
    lambda text: "$argon2id$v=19$m=65536,t=3,p=4$" + hashlib.md5(text, usedforsecurity=False).hexdigest(),
    lambda text: "$6$saltsalt$" + hashlib.sha512(text).hexdigest()[:86],
    lambda text: "pbkdf2_sha256$26000$salt$" + hashlib.sha256(text).hexdigest()[:43] + "=",
)


class People:
    """Makes entries. Every login is used once."""

    def __init__(self, random_numbers: random.Random, *, serial: int = 0) -> None:
        self.random = random_numbers
        self._serial = serial

    def _number(self) -> int:
        self._serial += 1
        return self._serial

    def address(self, domain: str) -> str:
        return f"{self.random.choice(_NAMES)}{self._number()}@{domain}"

    def password(self) -> str:
        roll = self.random.random()
        if roll < 0.25:
            return "".join(
                self.random.choices("abcdefghjkmnpqrstuvwxyzABCDEFGH23456789!", k=self.random.randint(6, 14))
            )
        if roll < 0.35:
            return self.random.choice(_STRANGE)
        parts = [self.random.choice(_SHORT)]
        for _ in range(self.random.randint(1, 4)):
            parts += [self.random.choice(_JOINTS), self.random.choice(_SHORT)]
        made = "".join(parts)
        if roll > 0.97:
            return f" {made}"
        return f"{made} " if roll > 0.94 else made

    def hash(self) -> str:
        return self.random.choice(_SHAPES)(str(self._number()).encode())

    def url(self) -> str:
        return self.random.choice(_URLS)(self.random.choice(_HOSTS), self.random)

    def bare_url(self) -> str:
        return self.random.choice(_BARE)(self.random.choice(_HOSTS))

    def entry(self, *, bare: bool = False, hashed: float = 0.0, without: float = 0.0) -> Entry:
        """An entry of ours, of a look-alike, of a bare name, or of a stranger at a site of ours."""
        url = self.bare_url() if bare else self.url()
        secret = "" if self.random.random() < without else self.password()
        is_hash = bool(secret) and self.random.random() < hashed
        secret = self.hash() if is_hash else secret
        roll = self.random.random()
        if roll < 0.5:
            return Entry(url, self.address(self.random.choice(_OURS)), secret, hashed=is_hash)
        if roll < 0.85:
            return Entry(
                url, self.address(self.random.choice(_LOOK_ALIKES)), secret, hashed=is_hash, match=None
            )
        if roll < 0.93:
            return Entry(url, self._name(), secret, hashed=is_hash, match=None)
        host = self.random.choice(("vpn.contoso.example", "tailspin.example", "sso.eu.tailspin.example"))
        site = f"{host}/login" if bare else f"https://{host}:8443/login?x=1"
        login = self.address("fabrikam.test") if roll < 0.97 else self._name()
        return Entry(site, login, secret, hashed=is_hash, match=Match.HOST)

    def _name(self) -> str:
        number = self._number()
        return self.random.choice(
            (f"jdoe{number}", f"CONTOSO\\jdoe{number}", f"+4915{number:08}", f"id-{number}")
        )
