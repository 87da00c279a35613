"""Which facts become alerts, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts.gathering import gather_halts, gather_new, gather_told, gather_verdicts
from emberwatch.alerts.models import Alert
from emberwatch.alerts.policy import KEPT_FOR, Fact
from emberwatch.alerts.witnesses import Told
from emberwatch.core.verdict import Verdict
from emberwatch.directories.services import halt
from emberwatch.exposures.closing import ClosingForm, close
from emberwatch.exposures.models import SourceKind
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, connect, make_credential, make_tenant
from tests.integration.alerts.conftest import judge, make_rule, make_webhook
from tests.integration.conftest import StartEntra
from tests.receivers import HttpReceiver
from tests.world import APP, DIRECTORY, SECRET

LATER = NOW + timedelta(minutes=1)


def facts() -> list[tuple[str, str]]:
    return list(Alert.objects.order_by("id").values_list("fact", "severity"))


def test_a_new_credential_is_told_once(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver), facts=[Fact.NEW_CREDENTIAL])
    found = make_credential(tenant, now=LATER)
    for _ in range(2):
        gather_new(tenant.pk, [found.pk], LATER)
    assert facts() == [("new_credential", "medium")]


def test_a_verdict_is_news_when_it_turns(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver), facts=[Fact.ACTIVE, Fact.NOT_ACTIVE])
    found = make_credential(tenant)
    steps = (
        Verdict.THROTTLED,
        Verdict.ACTIVE,
        Verdict.ACTIVE_EXPIRED,
        Verdict.THROTTLED,
        Verdict.ACTIVE,
        Verdict.SUPERSEDED,
        Verdict.INACTIVE,
        Verdict.ACTIVE,
    )
    for minutes, verdict in enumerate(steps, start=1):
        at = NOW + timedelta(minutes=minutes)
        judge(found, verdict, at)
        gather_verdicts(tenant.pk, [found.pk], at)
    assert [fact for fact, _ in facts()] == ["active", "not_active", "active"]


def test_two_verdicts_before_the_job_comes_lose_nothing(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver))
    found = make_credential(tenant)
    judge(found, Verdict.ACTIVE, LATER)
    judge(found, Verdict.ACTIVE_EXPIRED, LATER + timedelta(seconds=1))
    gather_verdicts(tenant.pk, [found.pk], LATER)
    gather_verdicts(tenant.pk, [found.pk], LATER)
    assert facts() == [("active", "high")]


def test_severity_and_source_narrow_a_rule(tenant: Tenant, receiver: HttpReceiver) -> None:
    hook = make_webhook(tenant, receiver)
    both = [Fact.NEW_CREDENTIAL, Fact.ACTIVE]
    make_rule(tenant, hook, name="Severe", facts=both, minimum_severity="high")
    make_rule(tenant, hook, name="Logs", facts=both, source_kinds=[SourceKind.STEALER_LOG])
    combo = make_credential(tenant, source_kind=SourceKind.COMBO_LIST, now=LATER)
    stealer = make_credential(tenant, "ben@contoso.example", source_kind=SourceKind.STEALER_LOG, now=LATER)
    gather_new(tenant.pk, [combo.pk, stealer.pk], LATER)
    judge(combo, Verdict.ACTIVE, LATER)
    gather_verdicts(tenant.pk, [combo.pk], LATER)
    told = set(Alert.objects.values_list("rule__name", "fact", "credential__login"))
    assert told == {
        ("Severe", "active", "ann@contoso.example"),
        ("Logs", "new_credential", "ben@contoso.example"),
    }


def test_what_happened_before_the_rule_is_not_told(tenant: Tenant, receiver: HttpReceiver) -> None:
    old, new = make_credential(tenant), make_credential(tenant, "ben@contoso.example")
    judge(old, Verdict.ACTIVE, NOW - timedelta(minutes=1))
    judge(new, Verdict.ACTIVE, LATER)
    make_rule(tenant, make_webhook(tenant, receiver))
    gather_verdicts(tenant.pk, [old.pk, new.pk], LATER)
    assert [alert.credential_id for alert in Alert.objects.all()] == [new.pk]


def test_what_is_forgotten_is_not_told_again(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver))
    found = make_credential(tenant)
    judge(found, Verdict.ACTIVE, LATER)
    gather_verdicts(tenant.pk, [found.pk], LATER + KEPT_FOR)
    assert facts() == []
    gather_verdicts(tenant.pk, [found.pk], LATER + KEPT_FOR - timedelta(seconds=1))
    assert facts() == [("active", "high")]


def test_what_somebody_closed_is_not_told(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver), facts=[Fact.NOT_ACTIVE])
    closed, open_ = make_credential(tenant), make_credential(tenant, "ben@contoso.example")
    close(closed, ClosingForm("ignored", "a test account"), actor=SYSTEM, now=NOW)
    for each in (closed, open_):
        judge(each, Verdict.INACTIVE, LATER)
    gather_verdicts(tenant.pk, [closed.pk, open_.pk], LATER)
    assert [alert.credential_id for alert in Alert.objects.all()] == [open_.pk]


def test_a_rule_of_another_tenant_hears_nothing(tenant: Tenant, receiver: HttpReceiver) -> None:
    other = make_tenant()
    for each in (tenant, other):
        make_rule(each, make_webhook(each, receiver), facts=[Fact.NEW_CREDENTIAL])
    found = make_credential(tenant, now=LATER)
    gather_new(tenant.pk, [found.pk], LATER)
    gather_new(other.pk, [found.pk], LATER)
    assert [alert.tenant_id for alert in Alert.objects.all()] == [tenant.pk]


def test_a_directory_that_stops_is_told(
    tenant: Tenant, receiver: HttpReceiver, start_entra: StartEntra
) -> None:
    start_entra()
    connection = connect(tenant, DIRECTORY, APP, SECRET)
    make_rule(tenant, make_webhook(tenant, receiver), facts=[Fact.DIRECTORY_STOPPED])
    with transaction.atomic():
        halt(connection.pk, "Two accounts locked in a row.", now=LATER, facts={})
    for _ in range(2):
        gather_halts(tenant.pk, LATER)
    [alert] = Alert.objects.all()
    assert ["Why", "Two accounts locked in a row."] in alert.told["facts"]
    assert alert.severity == "high"


def test_a_witness_with_nothing_to_tell_is_no_alert(tenant: Tenant, receiver: HttpReceiver) -> None:
    make_rule(tenant, make_webhook(tenant, receiver), facts=[Fact.CONTAINED])
    gather_told(tenant.pk, Fact.CONTAINED, None, LATER)
    assert facts() == []
    gather_told(tenant.pk, Fact.CONTAINED, Told("plan", "Contained: ann", LATER), LATER)
    assert facts() == [("contained", "low")]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_fact_costs_a_job_only_where_a_rule_asks_for_it(
    wanted: bool, tenant: Tenant, receiver: HttpReceiver
) -> None:
    facts_of_rule = [Fact.NEW_CREDENTIAL, Fact.ACTIVE] if wanted else [Fact.KILL_SWITCH]
    make_rule(tenant, make_webhook(tenant, receiver), facts=facts_of_rule)
    found = make_credential(tenant)
    judge(found, Verdict.ACTIVE, LATER)
    names = set(ProcrastinateJob.objects.values_list("task_name", flat=True))
    expected = {"alerts.gather_new", "alerts.gather_verdicts"}
    assert names & expected == (expected if wanted else set())
