"""A tenant with a webhook of its own, received by a real small server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts.composing import compose
from emberwatch.alerts.delivering import deliver, overdue
from emberwatch.alerts.models import AlertChannel, AlertRule, Delivery
from emberwatch.alerts.policy import Fact
from emberwatch.alerts.ruling import RuleForm, create_rule
from emberwatch.alerts.services import ChannelForm, create_channel
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import set_verdict
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_tenant
from tests.receivers import HERE, HttpReceiver, http_receiver

SIGNING: str = "a secret to sign with"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    """The operator lets channels reach this machine, and has said where people reach the pages."""
    settings.ENVIRONMENT = dataclasses.replace(
        settings.ENVIRONMENT, channel_private_hosts=(HERE,), base_url="https://emberwatch.example.org"
    )


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant()


def make_webhook(tenant: Tenant, receiver: HttpReceiver, name: str = "Hook", **settings: str) -> AlertChannel:
    form = ChannelForm(name, {"url": f"{receiver.url}/hook", **settings}, {"secret": Secret(SIGNING)})
    return create_channel(tenant, "webhook", form, actor=SYSTEM, now=NOW)


def make_slack(tenant: Tenant, receiver: HttpReceiver, name: str = "Chat") -> AlertChannel:
    form = ChannelForm(name, {}, {"url": Secret(f"{receiver.url}/services/T1/B2/not-for-others")})
    return create_channel(tenant, "slack", form, actor=SYSTEM, now=NOW)


def make_rule(tenant: Tenant, *channels: AlertChannel, name: str = "Fires", **more: Any) -> AlertRule:
    facts: dict[str, Any] = {"facts": [Fact.ACTIVE]}
    form = RuleForm(name, channels=[str(each.pk) for each in channels], **facts | more)
    return create_rule(tenant, form, actor=SYSTEM, now=NOW)


def judge(credential: Credential, verdict: Verdict, at: datetime) -> None:
    with transaction.atomic():
        set_verdict(credential, verdict, Certainty.PROVED, {}, actor=SYSTEM, now=at)


@dataclass
class Passing:
    """Time that passes, with what the worker does meanwhile."""

    now: datetime = NOW

    def run(self, until: timedelta, step: timedelta = timedelta(seconds=30)) -> None:
        end = self.now + until
        while self.now < end:
            self.now = min(end, self.now + step)
            self.work()

    def work(self) -> None:
        for rule in AlertRule.objects.all():
            compose(rule.pk, self.now)
        for delivery_id in overdue(self.now):
            deliver(delivery_id, lambda: self.now)


@pytest.fixture
def passing() -> Passing:
    return Passing()


def only_delivery() -> Delivery:
    return Delivery.objects.select_related("channel").get()
