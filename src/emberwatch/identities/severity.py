"""How bad it is what is known about an account: a table of rules over facts, each with its reason in words. Pure.

Rules that raise say what makes it bad; the worst of them counts. Rules that cap say what keeps it from being so bad.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Level).index(self)

    @property
    def label(self) -> str:
        return "Nothing known against it" if self is Level.NONE else self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Credentials are counted by what is known of them; ``None`` means that the directory does not say."""

    active: int = 0
    not_ruled_out: int = 0
    """Nobody has validated them, or validating could not tell."""
    ruled_out: int = 0
    privileged: tuple[str, ...] = ()
    """Names of privileged roles, and of groups to which such roles may be assigned."""
    has_second_factor: bool | None = None
    risk_level: str = ""
    risk_state: str = ""
    live_cookies: int = 0
    """Stolen on machines of this person, and still usable when they were imported."""
    is_enabled: bool | None = None
    is_gone: bool = False
    idle_days: int | None = None
    """Since somebody last signed in, when that is longer ago than an account in use leaves."""

    @property
    def is_at_risk(self) -> bool:
        return self.risk_state in ("atRisk", "confirmedCompromised")


@dataclass(frozen=True, slots=True)
class Rule:
    """``words`` may name facts in braces, as :func:`_spelled` gives them."""

    code: str
    level: Level
    applies: Callable[[Facts], bool]
    words: str


RAISING: Final = (
    Rule(
        "active_privileged",
        Level.CRITICAL,
        lambda facts: facts.active > 0 and bool(facts.privileged),
        "A leaked password works, and the account is privileged: {privileged}.",
    ),
    Rule(
        "active_without_second_factor",
        Level.CRITICAL,
        lambda facts: facts.active > 0 and facts.has_second_factor is False,
        "A leaked password works, and no second factor is registered.",
    ),
    Rule("active", Level.HIGH, lambda facts: facts.active > 0, "{active} in use."),
    Rule(
        "live_cookies",
        Level.HIGH,
        lambda facts: facts.live_cookies > 0,
        "{live_cookies} from a machine of this person could still open a session when imported.",
    ),
    Rule(
        "risk_high",
        Level.HIGH,
        lambda facts: (
            facts.is_at_risk and (facts.risk_level == "high" or facts.risk_state == "confirmedCompromised")
        ),
        "Microsoft's risk: {risk}.",
    ),
    Rule(
        "exposed_privileged",
        Level.HIGH,
        lambda facts: facts.not_ruled_out > 0 and not facts.active and bool(facts.privileged),
        "A leaked password is not ruled out, and the account is privileged: {privileged}.",
    ),
    Rule(
        "not_ruled_out",
        Level.MEDIUM,
        lambda facts: facts.not_ruled_out > 0,
        "{not_ruled_out} not ruled out: not validated yet, or validating could not tell.",
    ),
    Rule(
        "risk_medium",
        Level.MEDIUM,
        lambda facts: facts.risk_state == "atRisk" and facts.risk_level == "medium",
        "Microsoft's risk: {risk}.",
    ),
    Rule(
        "privileged_without_second_factor",
        Level.MEDIUM,
        lambda facts: bool(facts.privileged) and facts.has_second_factor is False and not facts.active,
        "The account is privileged ({privileged}), and no second factor is registered.",
    ),
    Rule(
        "risk_low",
        Level.LOW,
        lambda facts: facts.risk_state == "atRisk" and facts.risk_level not in ("medium", "high"),
        "Microsoft's risk: {risk}.",
    ),
    Rule(
        "ruled_out",
        Level.LOW,
        lambda facts: facts.ruled_out > 0 and not facts.active and not facts.not_ruled_out,
        "{ruled_out} known, none of them in use.",
    ),
    Rule(
        "stale",
        Level.LOW,
        lambda facts: facts.idle_days is not None and facts.is_enabled is not False and not facts.is_gone,
        "Nobody has signed in for {idle_days} days, and the account is still enabled.",
    ),
)
CAPPING: Final = (
    Rule(
        "gone",
        Level.LOW,
        lambda facts: facts.is_gone,
        "No worse than low: the account is no longer in the directory.",
    ),
    Rule(
        "disabled",
        Level.LOW,
        lambda facts: facts.is_enabled is False and not facts.is_gone,
        "No worse than low: the account is disabled, so nobody can sign in to it.",
    ),
)


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Severity:
    level: Level
    reasons: tuple[Reason, ...]
    """The worst first; what keeps it from being worse stands last."""


def severity_of(facts: Facts) -> Severity:
    raised = [rule for rule in RAISING if rule.applies(facts)]
    if not raised:
        return Severity(Level.NONE, ())
    capped = [rule for rule in CAPPING if rule.applies(facts)]
    worst = max((rule.level for rule in raised), key=_rank)
    level = min((worst, *(rule.level for rule in capped)), key=_rank)
    words = _spelled(facts)
    return Severity(
        level, tuple(Reason(rule.code, rule.words.format_map(words)) for rule in (*raised, *capped))
    )


def _rank(level: Level) -> int:
    return level.rank


def _spelled(facts: Facts) -> dict[str, str]:
    """The facts as they stand in sentences."""
    risk = " ".join(filter(None, (facts.risk_level, _RISK_STATES.get(facts.risk_state, ""))))
    return {
        "active": _many(facts.active, "leaked password is", "leaked passwords are"),
        "not_ruled_out": _many(facts.not_ruled_out, "leaked password is", "leaked passwords are"),
        "ruled_out": _many(facts.ruled_out, "leaked password is", "leaked passwords are"),
        "live_cookies": _many(facts.live_cookies, "stolen cookie", "stolen cookies"),
        "privileged": _listed(facts.privileged),
        "risk": risk or "unknown",
        "idle_days": f"{facts.idle_days or 0:,}",
    }


_RISK_STATES: Final = {"atRisk": "(at risk)", "confirmedCompromised": "(confirmed compromised)"}
_MOST_NAMED: Final = 3


def _many(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _listed(names: tuple[str, ...]) -> str:
    shown, rest = names[:_MOST_NAMED], len(names) - _MOST_NAMED
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")
