from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.validation.options import (
    NAMES,
    Choices,
    addresses,
    as_typed,
    checked,
    difference,
    protected_value,
    revised,
    warnings,
)
from emberwatch.validation.policy import Hybrid, Mode, ProtectedKind

GUID = "62E90394-69F5-4237-9190-012177145E10"


def test_what_is_typed_is_read_and_can_be_typed_again() -> None:
    typed = {
        "mode": "triage",
        "automatic_mode": "attempts",
        "failed_attempts_allowed": "1",
        "pace": "0.5",
        "hours_from": "22:00",
        "hours_until": "06:00",
        "time_zone": "Europe/Amsterdam",
        "hybrid": "pass_through",
        "cloud_password_validation": "yes",
        "confirm_likely": "no",
        "test_privileged": "on",
        "egress_addresses": "203.0.113.7, 2001:DB8::1\n198.51.100.0/28",
    }
    read = checked(revised(Choices(), typed), rule=2)
    assert set(typed) == set(NAMES)
    assert read == Choices(
        mode=Mode.TRIAGE,
        automatic_mode=Mode.ATTEMPTS,
        failed_attempts_allowed=1,
        pace=0.5,
        hours_from=time(22),
        hours_until=time(6),
        time_zone="Europe/Amsterdam",
        hybrid=Hybrid.PASS_THROUGH,
        cloud_password_validation=True,
        confirm_likely=False,
        test_privileged=True,
        egress_addresses=("203.0.113.7", "2001:db8::1", "198.51.100.0/28"),
    )
    assert revised(Choices(), as_typed(read)) == read


def test_what_is_not_typed_stays() -> None:
    before = Choices(pace=3.0, failed_attempts_allowed=1)
    assert revised(before, {"failed_attempts_allowed": ""}) == Choices(pace=3.0)


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("mode", "everything", "mode"),
        ("mode", "", "mode"),
        ("failed_attempts_allowed", "-1", "failed_attempts_allowed"),
        ("failed_attempts_allowed", "1.5", "failed_attempts_allowed"),
        ("failed_attempts_allowed", "3", "failed_attempts_allowed"),
        ("failed_attempts_allowed", "²", "failed_attempts_allowed"),
        ("pace", "fast", "pace"),
        ("pace", "0", "pace"),
        ("pace", "nan", "pace"),
        ("pace", "inf", "pace"),
        ("pace", "50.1", "pace"),
        ("hours_from", "22", "hours_from"),
        ("hours_from", "22:00+01:00", "hours_from"),
        ("hours_from", "24:00", "hours_from"),
        ("hours_from", "22:00", "hours_until"),
        ("time_zone", "Mars/Olympus", "time_zone"),
        ("time_zone", "../../etc/passwd", "time_zone"),
        ("hybrid", "yes", "hybrid"),
        ("confirm_likely", "maybe", "confirm_likely"),
        ("egress_addresses", "203.0.113.7 or 1=1", "egress_addresses"),
        ("egress_addresses", "0.0.0.0/0", "egress_addresses"),
        ("egress_addresses", "203.0.113.7/28", "egress_addresses"),
        ("egress_addresses", "fe80::1%eth0", "egress_addresses"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(name: str, text: str, field: str) -> None:
    assert checked(
        revised(Choices(), {name: as_typed(Choices())[name] or ""}) if name != "mode" else Choices(), 2
    )
    with pytest.raises(BadInput) as refused:
        checked(revised(Choices(), {name: text}), rule=2)
    assert refused.value.field == field


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"no choice called speed.*pace"):
        revised(Choices(), {"speed": "1"})


@pytest.mark.parametrize(
    ("rule", "number", "is_fine"), [(2, 2, True), (1, 1, True), (1, 2, False), (0, 1, False)]
)
def test_a_choice_only_tightens_the_rule(rule: int, number: int, is_fine: bool) -> None:
    wanted = Choices(failed_attempts_allowed=number)
    if is_fine:
        assert checked(wanted, rule) == wanted
        return
    with pytest.raises(BadInput, match=f"allows at most {rule} failed attempts"):
        checked(wanted, rule)


def test_the_same_hours_are_not_hours() -> None:
    with pytest.raises(BadInput, match="same time"):
        checked(Choices(hours_from=time(8), hours_until=time(8)), 2)


def test_too_many_addresses() -> None:
    given = [f"203.0.113.{number}" for number in range(51)]
    assert len(addresses(given[:50] + given[:3])) == 50
    with pytest.raises(BadInput, match="At most 50"):
        addresses(given)


def test_what_changed_is_told_as_json() -> None:
    after = Choices(hours_from=time(1), hours_until=time(2), egress_addresses=("203.0.113.7",))
    assert difference(Choices(), after) == {
        "hours_from": [None, "01:00"],
        "hours_until": [None, "02:00"],
        "egress_addresses": [[], ["203.0.113.7"]],
    }


def test_what_should_be_thought_over_is_said() -> None:
    assert warnings(Choices(pace=5.0)) == []
    assert "may look like an attack" in warnings(Choices(pace=5.1))[0]
    assert len(warnings(replace(Choices(), test_privileged=True, cloud_password_validation=True))) == 2


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ProtectedKind.ACCOUNT, " Ann@Contoso.Example ", "ann@contoso.example"),
        (ProtectedKind.ACCOUNT, GUID, GUID.lower()),
        (ProtectedKind.GROUP, GUID, GUID.lower()),
        (ProtectedKind.ROLE, f"{{{GUID}}}", GUID.lower()),
        (ProtectedKind.ACCOUNT, "ann", None),
        (ProtectedKind.ACCOUNT, "ann@contoso.example ben@contoso.example", None),
        (ProtectedKind.ACCOUNT, "a@b@c.example", None),
        (ProtectedKind.ACCOUNT, "a\x00@c.example", None),
        (ProtectedKind.GROUP, "admins@contoso.example", None),
        (ProtectedKind.ROLE, "Global Administrator", None),
    ],
)
def test_what_is_protected_is_named_in_one_form(kind: ProtectedKind, text: str, value: str | None) -> None:
    if value is not None:
        assert protected_value(kind, text) == value
        return
    with pytest.raises(BadInput) as refused:
        protected_value(kind, text)
    assert refused.value.field == "value"
