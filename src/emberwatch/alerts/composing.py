"""From alerts that have gathered to messages: one for each channel of the rule, or several where a system takes all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, QuerySet

from emberwatch.alerts.models import Alert, AlertChannel, AlertRule, Delivery
from emberwatch.alerts.policy import next_digest, tell_at
from emberwatch.alerts.telling import items_of, list_link, title_of
from emberwatch.channels.base import Item, Message
from emberwatch.channels.registry import KINDS
from emberwatch.core.ids import new_id
from emberwatch.engine.facts import announce
from emberwatch.identities.severity import Level

# What a system that takes every event gets of one time at most; the rest is told as a number.
MOST_EVENTS: Final = 5000


def compose(rule_id: UUID, now: datetime) -> int:
    """Puts what has gathered for a rule into messages when their time has come; returns how many."""
    with transaction.atomic():
        rule = AlertRule.objects.select_for_update().filter(pk=rule_id).first()
        if rule is None or not rule.is_on:
            return 0
        waiting = Alert.objects.filter(rule=rule, told_at=None)
        oldest = waiting.aggregate(oldest=Min("noted_at"))["oldest"]
        due = rule.next_digest_at or (tell_at(oldest, rule.told_at) if oldest else None)
        if due is None or due > now:
            if oldest and due and rule.next_digest_at is None:
                _later(rule, due, now)
            return 0
        made = _deliveries(rule, waiting, now) if oldest else []
        rule.next_digest_at = next_digest(rule.cadence, rule.digest_hour, rule.time_zone, now)
        if oldest:
            rule.told_at = now
        rule.save(update_fields=["next_digest_at", "told_at"])
        return len(made)


def _later(rule: AlertRule, due: datetime, now: datetime) -> None:
    seconds = math.ceil((due - now).total_seconds())
    announce("alerts.gathered", rule_id=str(rule.pk), seconds=seconds)


def _deliveries(rule: AlertRule, waiting: QuerySet[Alert], now: datetime) -> list[Delivery]:
    counts = dict(waiting.order_by("fact").values_list("fact").annotate(Count("pk")))
    channels = [each for each in rule.channels.order_by("pk") if each.is_on and each.kind in KINDS]
    most = max((_most(each) for each in channels), default=0)
    worst = waiting.select_related("credential", "credential__identity").order_by("-rank", "-at", "-pk")
    alerts = list(worst[:most])
    items = items_of(rule.tenant_id, alerts)
    made = [delivery for channel in channels for delivery in _for_channel(rule, channel, items, counts, now)]
    Delivery.objects.bulk_create(made)
    waiting.update(told_at=now)
    for each in made:
        announce("alert.delivery_due", delivery_id=str(each.pk), seconds=0)
    return made


def _most(channel: AlertChannel) -> int:
    kind = KINDS[channel.kind]
    return MOST_EVENTS if kind.takes_all else kind.most_items


def _for_channel(
    rule: AlertRule, channel: AlertChannel, items: Sequence[Item], counts: dict[str, int], now: datetime
) -> Iterator[Delivery]:
    kind, total = KINDS[channel.kind], sum(counts.values())
    told = items[: _most(channel)]
    parts = [told[at : at + kind.most_items] for at in range(0, len(told), kind.most_items)]
    for number, part in enumerate(parts, start=1):
        # What is left out altogether is counted once, in the last one.
        left_out = total - len(told) if number == len(parts) else 0
        yield _delivery(rule, channel, tuple(part), len(part) + left_out, counts, now)


def _delivery(
    rule: AlertRule,
    channel: AlertChannel,
    items: tuple[Item, ...],
    total: int,
    counts: dict[str, int],
    now: datetime,
) -> Delivery:
    worst = max((item.severity for item in items), key=lambda level: Level(level).rank)
    whole = sum(counts.values())
    title = title_of(rule.tenant.name, counts, items[0] if whole == 1 else None)
    message = Message(
        id=str(new_id()),
        tenant=rule.tenant.name,
        title=title,
        severity=worst,
        created_at=now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        items=items,
        total=total,
        link=list_link(rule.tenant_id, counts) if whole > 1 else items[0].link,
        rule=rule.name,
    )
    return queued(channel, message, now, rule=rule)


def queued(
    channel: AlertChannel, message: Message, now: datetime, *, rule: AlertRule | None = None
) -> Delivery:
    """The row of a message, not stored yet."""
    return Delivery(
        pk=UUID(message.id),
        tenant_id=channel.tenant_id,
        channel=channel,
        rule=rule,
        is_test=message.is_test,
        title=message.title[:300],
        severity=message.severity,
        total=message.total,
        message=message.to_json(),
        next_try_at=now,
        created_at=now,
        began_at=now,
    )
