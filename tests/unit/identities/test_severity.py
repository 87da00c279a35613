"""Every rule of the severity: the facts that it needs, and the nearest facts that it must not fire on."""

from __future__ import annotations

from typing import Final

import pytest

from emberwatch.identities.severity import CAPPING, RAISING, Facts, Level, severity_of

ADMIN: Final = ("Global Administrator",)

# Rule -> facts on which it fires, the level that comes of it, and facts that miss it by one thing.
CASES: Final = {
    "active_privileged": (
        Facts(active=1, privileged=ADMIN),
        Level.CRITICAL,
        [Facts(active=1), Facts(not_ruled_out=1, privileged=ADMIN), Facts(ruled_out=1, privileged=ADMIN)],
    ),
    "active_without_second_factor": (
        Facts(active=1, has_second_factor=False),
        Level.CRITICAL,
        [
            Facts(active=1, has_second_factor=True),
            Facts(active=1),
            Facts(ruled_out=1, has_second_factor=False),
        ],
    ),
    "active": (Facts(active=2), Level.HIGH, [Facts(), Facts(not_ruled_out=2), Facts(ruled_out=2)]),
    "live_cookies": (Facts(live_cookies=1), Level.HIGH, [Facts()]),
    "risk_high": (
        Facts(risk_level="high", risk_state="atRisk"),
        Level.HIGH,
        [
            Facts(risk_level="high", risk_state="dismissed"),
            Facts(risk_level="medium", risk_state="atRisk"),
            Facts(risk_level="high", risk_state="remediated"),
        ],
    ),
    "exposed_privileged": (
        Facts(not_ruled_out=1, privileged=ADMIN),
        Level.HIGH,
        [Facts(not_ruled_out=1), Facts(ruled_out=1, privileged=ADMIN)],
    ),
    "not_ruled_out": (Facts(not_ruled_out=1), Level.MEDIUM, [Facts(), Facts(ruled_out=1)]),
    "risk_medium": (
        Facts(risk_level="medium", risk_state="atRisk"),
        Level.MEDIUM,
        [
            Facts(risk_level="medium", risk_state="confirmedSafe"),
            Facts(risk_level="low", risk_state="atRisk"),
        ],
    ),
    "privileged_without_second_factor": (
        Facts(privileged=ADMIN, has_second_factor=False),
        Level.MEDIUM,
        [
            Facts(privileged=ADMIN),
            Facts(privileged=ADMIN, has_second_factor=True),
            Facts(has_second_factor=False),
        ],
    ),
    "risk_low": (
        Facts(risk_level="low", risk_state="atRisk"),
        Level.LOW,
        [Facts(risk_level="low", risk_state="none"), Facts(risk_level="medium", risk_state="atRisk")],
    ),
    "ruled_out": (
        Facts(ruled_out=1),
        Level.LOW,
        [Facts(ruled_out=1, not_ruled_out=1), Facts(ruled_out=1, active=1)],
    ),
    "stale": (
        Facts(idle_days=91, is_enabled=True),
        Level.LOW,
        [Facts(is_enabled=True), Facts(idle_days=91, is_enabled=False), Facts(idle_days=91, is_gone=True)],
    ),
}


def codes(facts: Facts) -> set[str]:
    return {reason.code for reason in severity_of(facts).reasons}


def test_every_rule_stands_in_the_table() -> None:
    assert list(CASES) == [rule.code for rule in RAISING]


@pytest.mark.parametrize("code", CASES)
def test_a_rule_fires_on_its_facts_alone(code: str) -> None:
    facts, level, missing_by_one = CASES[code]
    found = severity_of(facts)
    assert (found.level, code in codes(facts)) == (level, True)
    for other in missing_by_one:
        assert code not in codes(other)


def test_confirmed_compromise_is_high_whatever_the_level() -> None:
    found = severity_of(Facts(risk_level="none", risk_state="confirmedCompromised"))
    assert (found.level, [reason.code for reason in found.reasons]) == (Level.HIGH, ["risk_high"])


@pytest.mark.parametrize(
    ("code", "cap"), [("disabled", {"is_enabled": False}), ("gone", {"is_gone": True, "is_enabled": False})]
)
def test_what_nobody_can_sign_in_to_is_low_at_most(code: str, cap: dict[str, bool]) -> None:
    worst = {"active": 1, "privileged": ADMIN}
    assert severity_of(Facts(**worst)).level is Level.CRITICAL  # type: ignore[arg-type]
    found = severity_of(Facts(**worst, **cap))  # type: ignore[arg-type]
    assert (found.level, found.reasons[-1].code) == (Level.LOW, code)
    assert "active_privileged" in {reason.code for reason in found.reasons}


def test_a_cap_alone_is_no_reason() -> None:
    assert {rule.code for rule in CAPPING} == {"disabled", "gone"}
    for facts in (Facts(is_enabled=False), Facts(is_gone=True), Facts(), Facts(privileged=ADMIN)):
        found = severity_of(facts)
        assert (found.level, found.reasons) == (Level.NONE, ())


def test_the_reasons_name_what_they_rest_on() -> None:
    many = ("Global Administrator", "Helpdesk {Admin}", "A", "B", "C")
    words = [reason.words for reason in severity_of(Facts(active=1200, privileged=many)).reasons]
    assert words == [
        "A leaked password works, and the account is privileged: "
        "Global Administrator, Helpdesk {Admin}, A and 2 more.",
        "1,200 leaked passwords are in use.",
    ]
    assert severity_of(Facts(active=1)).reasons[0].words == "1 leaked password is in use."
    risk = severity_of(Facts(risk_level="high", risk_state="atRisk")).reasons[0].words
    assert risk == "Microsoft's risk: high (at risk)."
