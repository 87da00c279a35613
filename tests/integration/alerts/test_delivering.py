"""From alerts to messages that arrive: gathering, digests, tries, giving up, and a worker that dies."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts.composing import compose
from emberwatch.alerts.delivering import (
    RESERVED_FOR,
    Outcome,
    claim_for,
    deliver,
    overdue,
    send,
    settle,
)
from emberwatch.alerts.gathering import gather_new, gather_verdicts
from emberwatch.alerts.models import Alert, AlertRule, Delivery, DeliveryState
from emberwatch.alerts.policy import APART, GATHER_FOR, GIVE_UP_AFTER, KEPT_FOR, Fact
from emberwatch.alerts.reaching import network
from emberwatch.alerts.services import resend, switch_channel, try_channel
from emberwatch.alerts.tidying import forget_old
from emberwatch.audit.models import AuditRow
from emberwatch.channels.base import ChannelBusy, ChannelRefused
from emberwatch.core.errors import Conflict
from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, connect, make_credential, make_delivery
from tests.integration.alerts.conftest import (
    SIGNING,
    Passing,
    judge,
    make_rule,
    make_slack,
    make_webhook,
    only_delivery,
)
from tests.integration.conftest import StartEntra
from tests.receivers import Answer, HttpReceiver
from tests.world import APP, DIRECTORY, SECRET

PASSWORD = "Xq7!vbNk-kw2"


def burn(tenant: Tenant, number: int = 1, at: timedelta = timedelta(seconds=1)) -> list[Credential]:
    """So many credentials that turn out active at a time."""
    when = NOW + at
    logins = [f"person{at.total_seconds():.0f}x{each}@contoso.example" for each in range(number)]
    found = [make_credential(tenant, login, PASSWORD) for login in logins]
    for each in found:
        judge(each, Verdict.ACTIVE, when)
    gather_verdicts(tenant.pk, [each.pk for each in found], when)
    return found


def test_a_message_says_who_what_and_where(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing, start_entra: StartEntra
) -> None:
    start_entra()
    connection = connect(tenant, DIRECTORY, APP, SECRET)
    make_rule(tenant, make_webhook(tenant, receiver))
    found = make_credential(tenant)
    found.identity = Identity.objects.create(
        tenant=tenant,
        entra_tenant_id=connection.entra_tenant_id,
        object_id=uuid4(),
        user_principal_name="ann@contoso.example",
        display_name="Ann Example",
        mfa_registered=False,
        read_at=NOW,
    )
    found.save()
    judge(found, Verdict.ACTIVE, NOW + timedelta(seconds=1))
    gather_verdicts(tenant.pk, [found.pk], NOW + timedelta(seconds=1))
    passing.run(timedelta(minutes=1))

    [request] = receiver.requests
    [alert] = request.json["alerts"]
    assert alert["login"] == "ann@contoso.example"
    assert alert["identity_name"] == "Ann Example"
    assert (alert["verdict"], alert["certainty"]) == ("active", "proved")
    assert alert["severity"] == "critical"
    assert alert["severity_reasons"][0] == "A leaked password works, and no second factor is registered."
    assert (alert["source_kind"], alert["source_name"]) == ("combo_list", "test leak")
    assert alert["link"].endswith(f"/tenants/{tenant.pk}/credentials/{found.pk}/")
    assert alert["link"].startswith("https://emberwatch.example.org/")
    assert str(found.identity.object_id) in alert["account_link"]
    delivery = only_delivery()
    assert delivery.state == DeliveryState.SENT
    signed = request.headers["X-Emberwatch-Timestamp"].encode() + b"." + request.body
    expected = hmac.new(SIGNING.encode(), signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Emberwatch-Signature"] == f"v1={expected}"
    assert AuditRow.objects.filter(chain=tenant.pk, action="alert.sent").count() == 1


def test_a_message_holds_no_password_and_no_mask(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    make_rule(tenant, make_webhook(tenant, receiver), make_slack(tenant, receiver))
    [found] = burn(tenant)
    passing.run(timedelta(minutes=1))
    text = "".join(request.body.decode() for request in receiver.requests)
    assert found.login in text
    for trace in (PASSWORD, PASSWORD[:4], PASSWORD[-4:], found.secret_classes, "•", "***"):
        assert trace not in text, trace


def test_thousands_at_once_are_one_message(tenant: Tenant, receiver: HttpReceiver, passing: Passing) -> None:
    make_rule(tenant, make_slack(tenant, receiver), facts=[Fact.NEW_CREDENTIAL])
    base = make_credential(tenant, now=NOW + timedelta(seconds=1))
    copies = Credential.objects.bulk_create(
        Credential(
            tenant=tenant,
            fingerprint=number.to_bytes(32, "big"),
            login=f"p{number}@contoso.example",
            login_canonical=f"p{number}@contoso.example",
            domain=base.domain,
            sealed_secret=b"",
            secret_kind="plaintext",
            secret_length=1,
            secret_classes="a",
            source_kind=base.source_kind,
            first_seen_at=base.first_seen_at,
            last_seen_at=base.last_seen_at,
        )
        for number in range(4999)
    )
    gather_new(tenant.pk, [base.pk, *(each.pk for each in copies)], passing.now + timedelta(seconds=1))
    assert Alert.objects.count() == 5000
    passing.run(timedelta(minutes=1))
    [request] = receiver.requests
    text = request.body.decode()
    assert "5,000 × New credential" in text
    assert "And 4,980 more." in text
    assert f"https://emberwatch.example.org/tenants/{tenant.pk}/credentials/" in text


def test_a_siem_gets_every_event(tenant: Tenant, receiver: HttpReceiver, passing: Passing) -> None:
    make_rule(tenant, make_webhook(tenant, receiver))
    burn(tenant, 130)
    passing.run(timedelta(minutes=1))
    bodies = [request.json for request in receiver.requests]
    assert sorted(len(body["alerts"]) for body in bodies) == [30, 100]
    assert sum(body["total"] for body in bodies) == 130
    assert len({alert["id"] for body in bodies for alert in body["alerts"]}) == 130


def test_what_goes_on_happening_is_told_now_and_then(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    make_rule(tenant, make_slack(tenant, receiver))
    for minute in range(10):
        burn(tenant, at=timedelta(minutes=minute, seconds=1))
        passing.run(timedelta(minutes=1))
    # At once, then five minutes apart.
    assert len(receiver.requests) == 2
    passing.run(APART + GATHER_FOR)
    assert len(receiver.requests) == 3
    assert Alert.objects.filter(told_at=None).count() == 0


def test_a_daily_digest_comes_at_its_hour_on_the_wall(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    # NOW is noon in UTC, two o'clock in Amsterdam.
    make_rule(
        tenant,
        make_slack(tenant, receiver),
        cadence="daily",
        digest_hour=16,
        time_zone="Europe/Amsterdam",
    )
    burn(tenant, 3)
    passing.run(timedelta(minutes=119))
    assert receiver.requests == []
    passing.run(timedelta(minutes=2))
    assert len(receiver.requests) == 1
    assert "3 × Active" in receiver.requests[0].body.decode()
    passing.run(timedelta(hours=48), timedelta(minutes=10))
    # A day without news brings no message.
    assert len(receiver.requests) == 1


def test_a_busy_receiver_is_asked_again_when_it_says_so(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    make_rule(tenant, make_webhook(tenant, receiver))
    burn(tenant)
    receiver.answers = [Answer(503), Answer(429, headers={"Retry-After": "600"})]
    passing.run(timedelta(minutes=3))
    assert len(receiver.requests) == 2
    delivery = only_delivery()
    assert delivery.state == DeliveryState.QUEUED
    assert "429" in delivery.sentence
    assert delivery.channel.status == "untested"
    passing.run(timedelta(minutes=7))
    assert len(receiver.requests) == 2
    passing.run(timedelta(minutes=3))
    assert len(receiver.requests) == 3
    assert len({request.json["id"] for request in receiver.requests}) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 3)
    assert only_delivery().channel.status == "success"


def test_it_is_given_up_after_a_day(tenant: Tenant, receiver: HttpReceiver, passing: Passing) -> None:
    make_rule(tenant, make_webhook(tenant, receiver))
    burn(tenant)
    receiver.route = lambda _: Answer(500)
    passing.run(GIVE_UP_AFTER - timedelta(hours=2), timedelta(minutes=5))
    assert only_delivery().state == DeliveryState.QUEUED
    passing.run(timedelta(hours=3), timedelta(minutes=5))
    delivery = only_delivery()
    assert delivery.state == DeliveryState.GIVEN_UP
    assert delivery.channel.status == "error"
    assert "Given up after 24 hours" in delivery.channel.status_sentence
    # It may work tomorrow: the channel stays in use.
    assert delivery.channel.is_usable
    tries = len(receiver.requests)
    assert tries < 40
    passing.run(timedelta(hours=3), timedelta(minutes=5))
    assert len(receiver.requests) == tries


def test_an_error_for_good_switches_the_channel_off_until_a_test_succeeds(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    channel = make_webhook(tenant, receiver)
    make_rule(tenant, channel)
    burn(tenant)
    receiver.answers = [Answer(410, "gone")]
    passing.run(timedelta(minutes=1))
    channel.refresh_from_db()
    failed = only_delivery()
    assert failed.state == DeliveryState.FAILED
    assert (channel.status, channel.is_usable) == ("error", False)
    assert "taken back for good" in channel.status_sentence
    assert AuditRow.objects.filter(action="alert_channel.disabled").count() == 1

    burn(tenant, at=timedelta(minutes=7))
    passing.run(timedelta(hours=1))
    # It waits with the channel, and nothing more is sent.
    assert len(receiver.requests) == 1
    with pytest.raises(Conflict):
        resend(failed, actor=SYSTEM, now=passing.now)

    tested = try_channel(channel, actor=SYSTEM, clock=lambda: passing.now)
    assert tested.state == DeliveryState.SENT
    assert channel.is_usable
    assert receiver.requests[-1].json["type"] == "emberwatch.test"
    resend(failed, actor=SYSTEM, now=passing.now)
    passing.run(timedelta(minutes=1))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert failed.message["id"] in {request.json["id"] for request in receiver.requests[2:]}


def test_a_test_that_fails_says_why_and_is_not_tried_again(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    channel = make_webhook(tenant, receiver)
    receiver.answers = [Answer(503)]
    tested = try_channel(channel, actor=SYSTEM, clock=lambda: NOW)
    assert tested.state == DeliveryState.FAILED
    assert (channel.status, channel.is_usable) == ("error", True)
    assert "503" in channel.status_sentence
    passing.run(timedelta(hours=1))
    assert len(receiver.requests) == 1


def test_a_private_address_is_refused_unless_the_operator_allows_it(
    tenant: Tenant, receiver: HttpReceiver, settings: Settings
) -> None:
    channel = make_webhook(tenant, receiver)
    allowed = settings.ENVIRONMENT
    settings.ENVIRONMENT = dataclasses.replace(allowed, channel_private_hosts=())
    tested = try_channel(channel, actor=SYSTEM, clock=lambda: NOW)
    assert tested.state == DeliveryState.FAILED
    assert "private address" in channel.status_sentence
    assert receiver.requests == []
    settings.ENVIRONMENT = allowed
    assert try_channel(channel, actor=SYSTEM, clock=lambda: NOW).state == DeliveryState.SENT


def test_what_is_switched_off_waits_for_a_day_and_no_longer(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    channel = make_webhook(tenant, receiver)
    make_rule(tenant, channel)
    receiver.answers = [Answer(503)]
    burn(tenant)
    passing.run(timedelta(seconds=30))
    switch_channel(channel, False, actor=SYSTEM, now=passing.now)
    passing.run(timedelta(hours=1), timedelta(minutes=5))
    assert len(receiver.requests) == 1
    assert only_delivery().state == DeliveryState.QUEUED
    passing.run(timedelta(hours=24), timedelta(minutes=30))
    assert only_delivery().state == DeliveryState.GIVEN_UP
    assert len(receiver.requests) == 1


def test_a_try_that_nobody_heard_of_is_made_again(
    tenant: Tenant, receiver: HttpReceiver, passing: Passing
) -> None:
    """A worker reserves, and dies before it sends or before it writes down what came of it."""
    make_rule(tenant, make_slack(tenant, receiver))
    burn(tenant)
    passing.now += GATHER_FOR + timedelta(seconds=1)
    compose(AlertRule.objects.get().pk, passing.now)
    delivery = only_delivery()
    lost = claim_for(delivery.pk, passing.now)
    assert lost is not None
    # Nobody else makes a try as long as the reservation holds.
    assert claim_for(delivery.pk, passing.now + timedelta(seconds=1)) is None
    deliver(delivery.pk, lambda: passing.now)
    assert overdue(passing.now) == []
    assert receiver.requests == []
    passing.now += RESERVED_FOR
    assert overdue(passing.now) == [delivery.pk]
    second = claim_for(delivery.pk, passing.now)
    assert second is not None
    # The first one wakes after all: what it has to say no longer counts.
    settle(lost, Outcome(error=ChannelRefused("too late")), passing.now)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.QUEUED
    assert only_delivery().channel.disabled_at is None
    settle(second, send(second.delivery, network()), passing.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 2)
    assert len(receiver.requests) == 1


def test_a_receiver_that_never_ends_its_answer_is_left(tenant: Tenant, receiver: HttpReceiver) -> None:
    receiver.answers = [Answer(503, drips=True)]
    rule = make_rule(tenant, make_slack(tenant, receiver))
    outcome = send(make_delivery(rule), network(), within=0.3)
    assert isinstance(outcome.error, ChannelBusy)
    assert "did not finish in time" in str(outcome.error)


def test_what_is_old_is_forgotten(tenant: Tenant, receiver: HttpReceiver, passing: Passing) -> None:
    make_rule(tenant, make_slack(tenant, receiver))
    burn(tenant)
    passing.run(timedelta(minutes=1))
    forget_old(NOW + KEPT_FOR - timedelta(minutes=1))
    assert (Alert.objects.count(), Delivery.objects.count()) == (1, 1)
    forget_old(passing.now + KEPT_FOR + timedelta(minutes=1))
    assert (Alert.objects.count(), Delivery.objects.count()) == (0, 0)
