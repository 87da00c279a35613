"""A made-up organisation with a known truth: thousands of people, what leaked of them, and what is right today."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.exposures.models import Credential, SourceKind
from emberwatch.exposures.services import secret_opener
from emberwatch.ingestion.recording import Origin, Part, Recorder
from emberwatch.parsing.base import ParsedCredential, SecretKind
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import watchlist_of
from tests.fakes.directory import FakeAccount, FakeEntra, federated, managed

BEGIN: Final = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DOMAINS: Final = ("contoso.example", "fabrikam.example")
"""Passwords of the second are checked elsewhere."""
LEAKS_PER_PERSON: Final = 5
BATCH: Final = 2_000

# How many of a hundred people are what.
KINDS: Final[tuple[tuple[str, int], ...]] = (
    ("plain", 34),
    ("changed since", 24),
    ("set again", 8),
    ("weak", 6),
    ("alias", 8),
    ("disabled", 5),
    ("guest", 3),
    ("gone", 5),
    ("deleted", 3),
    ("federated", 4),
)
UNTESTABLE: Final = frozenset({"disabled", "guest", "gone", "deleted", "federated"})
BASES: Final = ("infection", "breach", "stated", "first_seen")


@dataclass(frozen=True, slots=True)
class Person:
    kind: str
    login: str
    alias: str
    old: str
    """What the password was until it was changed; the present one where it was not."""
    now: str
    changed_at: datetime


@dataclass
class Population:
    """People, their accounts, and what leaked: the same for the same seed."""

    size: int
    seed: int = 1
    people: list[Person] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        kinds, weights = zip(*KINDS, strict=True)
        for number, kind in enumerate(rng.choices(kinds, weights, k=self.size)):
            self.kinds[kind] += 1
            self.people.append(_person(number, kind, rng))

    def directory(self, entra: FakeEntra) -> None:
        entra.domains = {name: managed(name) for name in DOMAINS[:1]} | {DOMAINS[1]: federated(DOMAINS[1])}
        for person in self.people:
            if person.kind != "gone":
                _account(entra, person)

    def leak(self, tenant: Tenant) -> int:
        """Records everything that leaked, as imports would; returns how many credentials that makes."""
        rng = random.Random(self.seed + 1)
        by_origin: dict[tuple[str, int], list[ParsedCredential]] = {}
        for person in self.people:
            for parsed, basis, days in _leaked(person, rng):
                by_origin.setdefault((basis, days), []).append(parsed)
        for (basis, days), found in sorted(by_origin.items(), key=lambda each: each[0]):
            _record(tenant, basis, BEGIN - timedelta(days=days), found)
        return Credential.objects.filter(tenant=tenant).count()


def _person(number: int, kind: str, rng: random.Random) -> Person:
    domain = DOMAINS[1] if kind == "federated" else DOMAINS[0]
    old, new = f"Spring-{number}-{rng.randrange(999)}", f"Autumn-{number}-{rng.randrange(999)}"
    if kind == "weak":
        old = f"weak{number}"
    changed = kind in ("changed since", "set again")
    days = rng.choice((20, 100, 300)) if changed else rng.choice((800, 1500))
    return Person(
        kind=kind,
        login=f"person{number}@{domain}",
        alias=f"alias{number}@{domain}" if kind == "alias" else "",
        old=old,
        # Whoever set the leaked password again has it today, and a date of change after the leak.
        now=new if kind == "changed since" else old,
        changed_at=BEGIN - timedelta(days=days, hours=rng.randrange(24)),
    )


def _account(entra: FakeEntra, person: Person) -> FakeAccount:
    account = entra.add(
        person.login,
        password=person.now,
        aliases=(person.alias,) if person.alias else (),
        enabled=person.kind != "disabled",
        user_type="Guest" if person.kind == "guest" else "Member",
        last_password_change_at=person.changed_at,
        password_policies="DisableStrongPassword" if person.kind == "weak" else "",
    )
    if person.kind == "deleted":
        entra.delete(account)
    return account


def _leaked(person: Person, rng: random.Random) -> Iterator[tuple[ParsedCredential, str, int]]:
    """What leaked, the kind of its date, and how many days before the beginning it did."""
    login = person.login
    # Half of the people's own passwords leaked; before the change when there was one.
    age = (
        rng.choice((400, 700))
        if person.kind in ("changed since", "set again")
        else rng.choice((3, 90, 400, 700))
    )
    left = LEAKS_PER_PERSON
    if rng.random() < 0.5 or person.kind == "set again":
        left -= 1
        yield _parsed(login, person.old), rng.choice(BASES), age
        if rng.random() < 0.2:
            yield _parsed(login, person.old), rng.choice(BASES), age + 30
        if person.alias:
            left -= 1
            yield _parsed(person.alias, person.old), rng.choice(BASES), age
    for number in range(left):
        yield _other(login, number, rng), rng.choice(BASES), rng.choice((3, 90, 400, 700))


def _other(login: str, number: int, rng: random.Random) -> ParsedCredential:
    """What never was the account's password, some of it no password at all."""
    draw = rng.random()
    if draw < 0.1:
        return _parsed(login, f"{rng.randrange(16**32):032x}", SecretKind.HASH)
    if draw < 0.2:
        return _parsed(login, rng.choice(("123456", "short", "x" * 300, "alllowercase")))
    if draw < 0.25:
        return _parsed(login, f"Edge-{number}-{rng.randrange(10**6)} ")
    return _parsed(login, f"Other-{number}-{rng.randrange(10**6)}")


def _parsed(login: str, password: str, kind: SecretKind = SecretKind.PLAINTEXT) -> ParsedCredential:
    return ParsedCredential(login=login, secret=Secret(password), kind=kind)


def _record(tenant: Tenant, basis: str, at: datetime, found: list[ParsedCredential]) -> None:
    origin = Origin(
        tenant.id,
        None,
        f"{basis} {at:%Y-%m-%d}.txt",
        SourceKind.STEALER_LOG if basis == "infection" else SourceKind.BREACH,
        f"{basis} {at:%Y-%m-%d}",
        at if basis == "stated" else None,
        at if basis == "breach" else None,
        at if basis == "first_seen" else BEGIN,
    )
    machine = MachineFacts(computer_name=f"PC {at:%Y%m%d}", infected_at=at) if basis == "infection" else None
    part = Part("leak.txt", origin.source_kind, machine, f"pc {at:%Y%m%d}" if machine else "")
    recorder = Recorder(origin, watchlist_of(tenant))
    for begin in range(0, len(found), BATCH):
        with transaction.atomic():
            recorder.store([(each, part) for each in found[begin : begin + BATCH]])


@dataclass
class Judgement:
    """What came out, beside the truth."""

    credentials: int = 0
    right: int = 0
    """Credentials whose password is the account's today, of accounts that can be tested."""
    found: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    false_active: list[str] = field(default_factory=list)
    false_proved_not_active: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def judge(population: Population, tenant: Tenant) -> Judgement:
    by_login = {person.login: person for person in population.people}
    by_login |= {person.alias: person for person in population.people if person.alias}
    opened, result = secret_opener(tenant.id), Judgement()
    for row in Credential.objects.filter(tenant=tenant).order_by("pk").iterator():
        person, verdict = by_login[row.login], Verdict(row.verdict)
        matches = row.secret_kind == "plaintext" and opened(row).expose() == person.now
        right = matches and person.kind not in UNTESTABLE
        said = f"{row.login} ({person.kind}): {row.verdict} {row.certainty}"
        result.credentials += 1
        result.verdicts[f"{row.verdict} {row.certainty}".strip()] += 1
        result.right += right
        if verdict.group is VerdictGroup.ACTIVE:
            result.found += right
            result.false_active += [] if right else [said]
        elif right:
            result.missed.append(said)
            if verdict.group is VerdictGroup.NOT_ACTIVE and row.certainty == Certainty.PROVED:
                result.false_proved_not_active.append(said)
    return result


def tenant_directory_id(population: Population) -> UUID:
    return UUID(int=population.seed + 4_000)
