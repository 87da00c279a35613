"""How many sign-ins a feed costs until every credential has a first verdict, and until none is merely likely.

The mix is made up, and stated here; the naive way beside it sends every leaked pair once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bench.driven import MovedClock, run_to_its_end
from bench.place import installation, tenant_with_directory

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant
    from tests.fakes.directory import FakeEntra

LOGINS: Final = 2_000
SEED: Final = 20260601
NOW: Final = datetime(2026, 6, 1, 8, tzinfo=UTC)
AIM: Final = 0.08

# Of all logins in a leak of some years.
STATES: Final = (("gone", 0.45), ("disabled", 0.08), ("guest", 0.02), ("live", 0.45))
# Kind of source, its share, how old it is at most in days, and the chance that its value was this account's.
SOURCES: Final = (
    ("combo_list", 0.50, 2500, 0.05),
    ("breach", 0.22, 2500, 0.05),
    ("ulp", 0.16, 900, 0.30),
    ("stealer_log", 0.12, 600, 0.60),
)
HASHED: Final = 0.06
WEAK: Final = 0.30
"""Of values from elsewhere: too short or too plain for the directory's rules."""
SET_AGAIN: Final = 0.01
"""Of live accounts: the owner set a leaked password once more after its leak."""
CREDENTIALS_EACH: Final = 4.0
MEAN_PASSWORD_AGE: Final = 400.0


@dataclass(frozen=True, slots=True)
class Leaked:
    login: str
    password: str
    source_kind: str
    leaked_at: datetime
    hashed: bool


class Population:
    """People, their passwords over time, and what leaked of them."""

    def __init__(self, entra: FakeEntra) -> None:
        self._random = random.Random(SEED)
        self._entra = entra
        self.right: set[tuple[str, str]] = set()
        self.leaked = list(dict.fromkeys(self._all()))

    def _all(self) -> Iterator[Leaked]:
        for number in range(LOGINS):
            state = self._draw(STATES)
            login = f"u{number}@contoso.example"
            changed = NOW - timedelta(days=self._random.expovariate(1 / MEAN_PASSWORD_AGE) + 1)
            now, before = f"Now-{number}-passw0rd", f"Before-{number}-passw0rd"
            leaked = list(self._leaked(login, state == "live", now, before, changed))
            if leaked and state == "live" and self._random.random() < SET_AGAIN:
                now = next((each.password for each in leaked if not each.hashed), now)
            if state != "gone":
                self._account(login, state, now, changed)
            if state == "live":
                self.right |= {
                    (each.login, each.password) for each in leaked if each.password == now and not each.hashed
                }
            yield from leaked

    def _account(self, login: str, state: str, password: str, changed: datetime) -> None:
        self._entra.add(
            login,
            password=password,
            enabled=state != "disabled",
            user_type="Guest" if state == "guest" else "Member",
            last_password_change_at=changed,
            created_at=NOW - timedelta(days=3000),
        )

    def _leaked(
        self, login: str, is_live: bool, now: str, before: str, changed: datetime
    ) -> Iterator[Leaked]:
        for number in range(1 + int(self._random.expovariate(1 / (CREDENTIALS_EACH - 0.5)))):
            kind, _, oldest, own = self._random.choices(SOURCES, [share for _, share, _, _ in SOURCES])[0]
            at = NOW - timedelta(days=self._random.uniform(1, oldest))
            if is_live and self._random.random() < own:
                value = now if at > changed else before
            else:
                value = (
                    f"x{number}abc" if self._random.random() < WEAK else f"Else-{login[:6]}-{number}-Where"
                )
            yield Leaked(login, value, kind, at, self._random.random() < HASHED)

    def _draw(self, shares: tuple[tuple[str, float], ...]) -> str:
        return self._random.choices([name for name, _ in shares], [share for _, share in shares])[0]


def attempt_economy() -> None:
    installation()
    from tests.fakes.directory import CLIENT, FakeEntra

    clock = MovedClock(NOW)
    entra = FakeEntra(clock)
    population = Population(entra)
    tenant = tenant_with_directory(NOW, CLIENT, pace=50.0)
    _record(tenant, population)
    first = run_to_its_end(tenant, entra, clock, confirm=False)
    likely = _likely(tenant)
    after_first = len(entra.attempts)
    run_to_its_end(tenant, entra, clock, confirm=True)
    _print(tenant, population, first, after_first, len(entra.attempts), likely, entra)


def _record(tenant: Tenant, population: Population) -> None:
    from django.db import transaction

    from emberwatch.core.secret import Secret
    from emberwatch.ingestion.recording import Origin, Part, Recorder
    from emberwatch.parsing.base import ParsedCredential, SecretKind
    from emberwatch.tenants.queries import watchlist_of

    for kind, *_ in SOURCES:
        for number, each in enumerate(e for e in population.leaked if e.source_kind == kind):
            found = ParsedCredential(
                each.login,
                Secret(each.password),
                SecretKind.HASH if each.hashed else SecretKind.PLAINTEXT,
                line=number + 1,
            )
            origin = Origin(tenant.id, None, "leak.txt", kind, kind, each.leaked_at, None, NOW)
            with transaction.atomic():
                Recorder(origin, watchlist_of(tenant)).store([(found, Part("leak.txt", kind))])


def _likely(tenant: Tenant) -> int:
    from emberwatch.exposures.models import Credential

    return Credential.objects.filter(tenant=tenant, certainty="likely").count()


def _print(
    tenant: Tenant,
    population: Population,
    first: Any,
    after_first: int,
    after_all: int,
    likely: int,
    entra: FakeEntra,
) -> None:
    from emberwatch.exposures.models import Credential

    rows = Credential.objects.filter(tenant=tenant)
    total, left = rows.count(), _likely(tenant)
    naive = sum(1 for each in population.leaked if not each.hashed)
    found = set(rows.filter(verdict_group="active", certainty="proved").values_list("login", "id"))
    verdicts = Counter(rows.values_list("verdict", flat=True))
    per_first, per_all = after_first / total, after_all / total
    print(
        f"attempt-economy: {total:,} credentials of {LOGINS:,} logins; {len(population.right):,} right passwords"
    )
    print(f"  mix: {', '.join(f'{name} {share:.0%}' for name, share in STATES)}; see the module for the rest")
    print(
        f"  until every credential has a first verdict    {after_first:6,} sign-ins, {per_first:.3f} a credential"
    )
    print(f"  merely likely then                            {likely:6,}")
    print(
        f"  until none is merely likely                   {after_all:6,} sign-ins, {per_all:.3f} a credential"
    )
    print(f"  merely likely then, and no sign-in can tell   {left:6,}")
    print(
        f"  naive: every pair once                        {naive:6,} sign-ins, {naive / total:.3f} a credential"
    )
    print(f"  right passwords found                         {len(found):6,} of {len(population.right):,}")
    print(f"  accounts locked by us                         {len(entra.locks_by([_client()])):6,}")
    print(f"  verdicts: {dict(verdicts)}; state of the first run: {first.state}")
    print(
        f"  aim: at most {AIM} for the first verdicts     {'reached' if per_first <= AIM else 'NOT reached'}"
    )


def _client() -> Any:
    from tests.fakes.directory import CLIENT

    return CLIENT
