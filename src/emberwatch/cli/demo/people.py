"""Draws made-up people and passwords, always the same ones for one seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

from emberwatch.simulator import UserScenario

_SYLLABLES: Final = (
    *("ba", "den", "fi", "gor", "hal", "ke", "lum", "mi", "nor", "ra"),
    *("sel", "tu", "vo", "wen", "zi", "cas", "pel", "rin", "dou", "yar"),
)
_WORDS: Final = (
    "Amber",
    "Birch",
    "Cobalt",
    "Delta",
    "Flint",
    "Grove",
    "Harbor",
    "Indigo",
    "Juniper",
    "Larch",
)
_MARKS: Final = "-_.!#"
_HASH_LETTERS: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGH23456789./"
_MONTHS_AGO: Final = range(200, 900)


class Draw:
    """People of one company."""

    def __init__(self, seed: int, domain: str, now: datetime) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a demo repeats itself on purpose
        self._names: set[str] = set()
        self.now = now
        self.domain = domain
        self.users: list[UserScenario] = []

    def password(self) -> str:
        draw = self._random
        first, second = draw.sample(_WORDS, 2)
        return f"{first}{draw.choice(_MARKS)}{second}{draw.randint(1000, 999_999)}"

    def hashed(self) -> str:
        return "$2b$12$" + "".join(self._random.choices(_HASH_LETTERS, k=53))

    def login(self, domain: str = "") -> str:
        return f"{self._name()}@{domain or self.domain}"

    def user(self, **facts: Any) -> UserScenario:
        """A new account; without further facts an ordinary one that may sign in."""
        upn = facts.pop("upn", "") or self.login()
        ordinary: dict[str, Any] = {
            "upn": upn,
            "mail": upn,
            "password": self.password(),
            "display_name": " ".join(part.capitalize() for part in upn.partition("@")[0].split(".")),
            "last_password_change": self.now - timedelta(days=self._random.choice(_MONTHS_AGO)),
        }
        made = UserScenario(**(ordinary | facts))
        self.users.append(made)
        return made

    def _name(self) -> str:
        while True:
            name = ".".join("".join(self._random.sample(_SYLLABLES, 2)) for _ in range(2))
            if name not in self._names:
                self._names.add(name)
                return name
