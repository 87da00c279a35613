"""Remediation, and closing by hand, on the command line."""

from __future__ import annotations

import pytest

from emberwatch.api.remediation_shapes import OfferOut, RemediationOut, StepOut
from emberwatch.directories.actions import ActionKind
from emberwatch.exposures.queries import FeedFilter, feed_page
from emberwatch.remediation.models import RemediationPlan
from tests.factories import make_actor, make_tenant
from tests.integration.cli.conftest import Run
from tests.integration.conftest import StartEntra
from tests.integration.remediation.world import Case, make_case

pytestmark = pytest.mark.django_db


def ask(case: Case, *more: str) -> list[str]:
    return ["remediate", case.tenant.name, "--credential", str(case.credential.pk), *more]


def test_from_what_is_offered_to_undone(run: Run, start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    offered = run(*ask(case, "--json")).rows
    assert set(offered[0]) == set(OfferOut.model_fields)
    assert {row["kind"] for row in offered if row["is_offered"]} >= {"disable_account", "revoke_sessions"}
    wanted = ("--action", "revoke_sessions", "--action", "disable_account")
    (dry,) = run(*ask(case, *wanted, "--dry-run", "--json")).rows
    assert dry["steps"] == ["disable_account", "revoke_sessions"]
    assert not RemediationPlan.objects.exists()
    assert "A reason is needed" in run(*ask(case, *wanted)).err

    (made,) = run(*ask(case, *wanted, "--reason", "it leaked", "--json")).rows
    assert set(made) == set(RemediationOut.model_fields)
    assert set(made["steps"][0]) == set(StepOut.model_fields)
    (approved,) = run("remediate", case.tenant.name, "--approve", made["id"], "--json").rows
    assert (approved["state"], approved["approved_by"][:4]) == ("approved", "cli:")
    plan = RemediationPlan.objects.get(pk=made["id"])
    case.execute(plan)
    told = run("remediate", case.tenant.name, "--show", made["id"]).out
    assert "Applied" in told
    (undo,) = run(
        *("remediate", case.tenant.name, "--undo", made["id"], "--reason", "false alarm", "--json")
    ).rows
    assert [step["kind"] for step in undo["steps"]] == ["enable_account"]
    (cancelled,) = run("remediate", case.tenant.name, "--cancel", undo["id"], "--json").rows
    assert cancelled["state"] == "cancelled"
    assert case.writes == [("disable", 204), ("revoke sessions", 200)]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--action", "delete_account", "--reason", "x"), "no such action"),
        (("--action", "add_to_group", "--reason", "x"), "Name the group"),
        (("--action", "add_to_group", "--group", "all", "--reason", "x"), "needs its object id"),
        (("--approve", "x"), "Say what to do"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(
    run: Run, start_entra: StartEntra, more: tuple[str, ...], sentence: str
) -> None:
    case = make_case(start_entra)

    done = run(*ask(case, *more))

    assert (done.code, sentence in done.err) == (2, True)
    assert case.writes == []


def test_another_tenants_plan_is_not_there(run: Run, start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.ask(ActionKind.DISABLE_ACCOUNT, actor=make_actor(case.tenant, "admin"))
    other = make_tenant(name="Elsewhere")

    assert run("remediate", case.tenant.name, "--show", str(plan.pk)).code == 0
    done = run("remediate", other.name, "--approve", str(plan.pk))

    assert (done.code, "no such plan" in done.err) == (2, True)


def test_closing_and_opening_by_hand(run: Run, start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    named = (case.tenant.name, "--credential", str(case.credential.pk))

    closed = run("close", *named, "--as", "ignored", "--scope", "login", "--reason", "a test account")
    assert "ignored" in closed.out
    assert run("credentials", case.tenant.name, "--handling", "ignored", "--json").rows
    assert not run("credentials", case.tenant.name, "--handling", "open", "--json").rows
    assert run("close", *named, "--reason", "x", "--until", "yesterday").code == 2
    run("reopen", *named, "--reason", "it is one of ours")

    assert feed_page(case.tenant, FeedFilter.from_query({"handling": "open"})).credentials
    assert run("reopen", *named, "--reason", "again").code == 1
