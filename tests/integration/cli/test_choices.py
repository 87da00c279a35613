"""Validation choices, the protected list, the SOC's texts and the kill switch on the command line."""

from __future__ import annotations

import pytest
import yaml

from emberwatch.api.choice_shapes import (
    ActivityOut,
    ChoicesOut,
    KillSwitchOut,
    ProtectedOut,
    SocTextOut,
)
from emberwatch.tenants.models import Tenant
from emberwatch.validation.choices import kill_switch
from tests.factories import make_tenant
from tests.integration.cli.conftest import Run
from tests.integration.validation.test_operating import connected

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return connected(make_tenant(name="Contoso")).tenant


def test_choices_are_shown_and_some_of_them_changed(run: Run, tenant: Tenant) -> None:
    shown = run("entra", "choices", "Contoso")
    assert (shown.code, shown.err) == (0, "")
    assert "2 failed attempts per account" in shown.out
    changed = run(
        "entra",
        "choices",
        "Contoso",
        "--set",
        "pace=6",
        "--set",
        "egress_addresses=203.0.113.7,203.0.113.8",
        "--json",
    )
    (row,) = changed.rows
    assert set(row) == set(ChoicesOut.model_fields)
    assert (row["pace"], row["egress_addresses"]) == (6.0, ["203.0.113.7", "203.0.113.8"])
    assert "may look like an attack" in run("entra", "choices", "Contoso").err
    # What was not named has stayed.
    assert run("entra", "choices", "Contoso", "--set", "mode=triage", "--json").rows[0]["pace"] == 6.0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("pace", "needs name=value"),
        ("speed=1", "no choice called speed"),
        ("failed_attempts_allowed=3", "allows at most 2 failed attempts"),
        ("hours_from=8", "time of day"),
    ],
)
def test_what_cannot_be_chosen(run: Run, tenant: Tenant, given: str, says: str) -> None:
    ran = run("entra", "choices", "Contoso", "--set", given)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_the_list_of_what_is_protected(run: Run, tenant: Tenant) -> None:
    assert "Nothing is on the list" in run("entra", "protected", "Contoso").out
    made = run("entra", "protect", "Contoso", "--account", "CEO@contoso.example", "--note", "board", "--json")
    assert set(made.rows[0]) == set(ProtectedOut.model_fields)
    assert run("entra", "protected", "Contoso", "--json").rows == made.rows
    assert "ceo@contoso.example" in run("entra", "protected", "Contoso").out
    assert run("entra", "unprotect", "Contoso", "--account", "ceo@contoso.example").code == 0
    assert run("entra", "unprotect", "Contoso", "--account", "ceo@contoso.example").code == 2
    for wrong in ((), ("--account", "a@b.example", "--group", "x"), ("--role", "Global Administrator")):
        assert run("entra", "protect", "Contoso", *wrong).code == 2
    assert run("entra", "protected", "Contoso", "--json").rows == []


def test_the_soc_gets_its_texts(run: Run, tenant: Tenant) -> None:
    kql = run("entra", "soc", "Contoso", "--kql").out
    assert "SigninLogs" in kql and "logsource" not in kql
    sigma = run("entra", "soc", "Contoso", "--sigma").out
    rules = [each for each in yaml.safe_load_all(sigma) if each]
    assert len(rules) == 3
    assert {rule["logsource"]["service"] for rule in rules} == {"signinlogs"}
    rows = run("entra", "soc", "Contoso", "--days", "1", "--json").rows
    assert len(rows) == 8
    assert set(rows[0]) == set(SocTextOut.model_fields)
    assert run("entra", "soc", "Contoso", "--days", "0").code == 2


def test_activity(run: Run, tenant: Tenant) -> None:
    (row,) = run("entra", "activity", "Contoso", "--json").rows
    assert set(row) == set(ActivityOut.model_fields)
    assert "No unknown code" in run("entra", "activity", "Contoso").out


def test_the_kill_switch(run: Run, tenant: Tenant) -> None:
    assert "Off" in run("validation", "status").out
    assert run("validation", "stop", "--reason", " ").code == 2
    assert run("validation", "stop", "--reason", "an alert").code == 0
    assert run("validation", "stop", "--reason", "again").code == 1
    (row,) = run("validation", "status", "--json").rows
    assert set(row) == set(KillSwitchOut.model_fields)
    assert (row["is_on"], row["reason"]) == (True, "an alert")
    assert "an alert" in run("validation", "status").out
    assert run("validation", "resume").code == 0
    assert run("validation", "resume").code == 1
    assert kill_switch() is None
