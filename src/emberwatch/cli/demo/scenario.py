"""A made-up world: two directories, their people, what leaked of them, and the verdict that is true for each leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from emberwatch.cli.demo.people import Draw
from emberwatch.core.verdict import Verdict
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    ScriptedAnswer,
    SecretScenario,
    UserScenario,
    stable_id,
)

SEED: Final = 20260101
# No table of codes holds it: what Microsoft may answer one day.
UNKNOWN_CODE: Final = 599123
# Each account may fail twice a day in these directories.
TRIES: Final = 2


class Wave(StrEnum):
    """When a credential leaked. What leaked last is validated first."""

    OLD = "old"
    RECENT = "recent"
    LATE = "late"
    """Arrives after the run: there is something left to press Validate on."""


@dataclass(frozen=True, slots=True)
class Leaked:
    """One leaked credential and the verdict that is true for it."""

    login: str
    password: str
    verdict: Verdict
    wave: Wave = Wave.RECENT
    order_decides: bool = False
    """Of several wrong passwords of one account, whichever come first are tried: only their number is true."""


@dataclass(frozen=True, slots=True)
class Company:
    name: str
    domain: str
    partner_domain: str
    """Federated: somebody else checks the passwords of its accounts."""
    entra_tenant_id: str
    client_id: str
    client_secret: str
    users: tuple[UserScenario, ...]
    leaked: tuple[Leaked, ...]


Case: TypeAlias = Callable[[Draw], Iterator[Leaked]]


def _right(verdict: Verdict, **facts: Any) -> Case:
    """An account whose leaked password is the one that it has."""

    def case(draw: Draw) -> Iterator[Leaked]:
        user = draw.user(**facts)
        yield Leaked(user.upn, user.password or "", verdict)

    return case


def _wrong(verdict: Verdict, **facts: Any) -> Case:
    """An account whose leaked password is not the one that it has."""

    def case(draw: Draw) -> Iterator[Leaked]:
        yield Leaked(draw.user(**facts).upn, draw.password(), verdict)

    return case


def _value(verdict: Verdict, value: Callable[[Draw], str]) -> Case:
    """An ordinary account of which something leaked that settles the matter by itself."""

    def case(draw: Draw) -> Iterator[Leaked]:
        yield Leaked(draw.user().upn, value(draw), verdict)

    return case


def _replaced(draw: Draw) -> Iterator[Leaked]:
    """The directory says of this one that it was right once."""
    before = draw.password()
    yield Leaked(draw.user(previous_passwords=(before,), previous_answer=50054).upn, before, Verdict.INACTIVE)


def _superseded(draw: Draw) -> Iterator[Leaked]:
    user = draw.user()
    yield Leaked(user.upn, user.password or "", Verdict.ACTIVE)
    yield Leaked(user.upn, draw.password(), Verdict.SUPERSEDED, Wave.OLD)


def _throttled(draw: Draw) -> Iterator[Leaked]:
    user = draw.user()
    for number in range(2 * TRIES):
        verdict = Verdict.INACTIVE if number < TRIES else Verdict.THROTTLED
        yield Leaked(user.upn, draw.password(), verdict, order_decides=True)


def _locked(draw: Draw) -> Iterator[Leaked]:
    """One alone, and late: two locked accounts, or the very first sign-in, rightly stop a directory."""
    unchanged_since_the_leak = draw.now - timedelta(days=1500)
    user = draw.user(locked_seconds=365 * 86_400, last_password_change=unchanged_since_the_leak)
    yield Leaked(user.upn, draw.password(), Verdict.LOCKED, Wave.OLD)


def _not_found(draw: Draw) -> Iterator[Leaked]:
    yield Leaked(draw.login(), draw.password(), Verdict.ACCOUNT_NOT_FOUND)


def _deleted(draw: Draw) -> Iterator[Leaked]:
    user = draw.user(deleted=draw.now - timedelta(days=20))
    yield Leaked(user.upn, user.password or "", Verdict.ACCOUNT_NOT_FOUND)


def _federated(draw: Draw) -> Iterator[Leaked]:
    user = draw.user(upn=draw.login(_partners(draw.domain)))
    yield Leaked(user.upn, user.password or "", Verdict.NOT_TESTABLE)


def _guest(draw: Draw) -> Iterator[Leaked]:
    mail = draw.login()
    upn = f"{mail.replace('@', '_')}#EXT#@{draw.domain}"
    user = draw.user(upn=upn, mail=mail, user_type="Guest", display_name=mail)
    yield Leaked(mail, user.password or "", Verdict.NOT_TESTABLE)


def _without_password(draw: Draw) -> Iterator[Leaked]:
    yield Leaked(draw.user(password=None).upn, draw.password(), Verdict.NOT_TESTABLE)


def _left_to_validate(draw: Draw) -> Iterator[Leaked]:
    user = draw.user()
    password = user.password if len(draw.users) % 2 else draw.password()
    yield Leaked(user.upn, password or "", Verdict.UNVALIDATED, Wave.LATE)


# How often each case occurs in a company.
_CASES: Final[tuple[tuple[int, Case], ...]] = (
    (22, _right(Verdict.ACTIVE)),
    (10, _right(Verdict.ACTIVE_CHALLENGED, mfa="required")),
    (3, _right(Verdict.ACTIVE_CHALLENGED, mfa="enroll")),
    (6, _right(Verdict.ACTIVE_CHALLENGED, blocked_by_policies=(stable_id("demo policy"),))),
    (2, _right(Verdict.ACTIVE_CHALLENGED, external_challenge=True)),
    (6, _right(Verdict.ACTIVE_EXPIRED, password_expired=True)),
    (38, _wrong(Verdict.INACTIVE)),
    (4, _replaced),
    (8, _superseded),
    (3, _value(Verdict.IMPOSSIBLE, lambda draw: draw.password() * 20)),
    (12, _wrong(Verdict.ACCOUNT_DISABLED, enabled=False)),
    (24, _not_found),
    (4, _deleted),
    (8, _federated),
    (4, _guest),
    (6, _value(Verdict.NOT_TESTABLE, Draw.hashed)),
    (3, _value(Verdict.NOT_TESTABLE, lambda draw: " " + draw.password())),
    (3, _without_password),
    (1, _locked),
    (4, _throttled),
    (3, _right(Verdict.INCONCLUSIVE, answer=ScriptedAnswer(code=UNKNOWN_CODE))),
    (10, _left_to_validate),
)


def companies(now: datetime) -> tuple[Company, ...]:
    """The same people every time; only the dates follow the calendar."""
    names = (("Contoso", "contoso.example"), ("Fabrikam", "fabrikam.example"))
    return tuple(_company(name, domain, SEED + n, now) for n, (name, domain) in enumerate(names))


def _company(name: str, domain: str, seed: int, now: datetime) -> Company:
    draw = Draw(seed, domain, now)
    leaked = [entry for count, case in _CASES for _ in range(count) for entry in case(draw)]
    return Company(
        name=name,
        domain=domain,
        partner_domain=_partners(domain),
        entra_tenant_id=stable_id(f"directory of {domain}"),
        client_id=stable_id(f"application of {domain}"),
        client_secret=f"demo8Q~{stable_id(f'secret of {domain}')}",
        users=tuple(draw.users),
        leaked=tuple(leaked),
    )


def _partners(domain: str) -> str:
    return f"partners.{domain}"


def scenario(world: tuple[Company, ...], now: datetime) -> Scenario:
    """The world as the simulated Entra ID takes it."""
    return Scenario(directories=tuple(_directory(company, now) for company in world), seed=SEED)


def _directory(company: Company, now: datetime) -> DirectoryScenario:
    app = AppScenario(
        client_id=company.client_id,
        secrets=(SecretScenario(value=company.client_secret, expires=now + timedelta(days=365)),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    domains = (
        DomainScenario(name=company.domain, default=True),
        DomainScenario(name=company.partner_domain, authentication="Federated"),
    )
    return DirectoryScenario(
        id=company.entra_tenant_id, name=company.name, domains=domains, apps=(app,), users=company.users
    )
