"""What is due by the clock alone: digests, and forgetting what is old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Min

from emberwatch.alerts.models import Alert, AlertRule, Delivery, DeliveryState
from emberwatch.alerts.policy import KEPT_FOR, tell_at

_TEST_ENDS_WITHIN: Final = timedelta(minutes=10)
_AT_ONCE: Final = 2000


def due_rules(now: datetime) -> list[UUID]:
    """Rules whose digest is due, and those for which something waits that no job has come for."""
    digests = AlertRule.objects.filter(is_on=True, next_digest_at__lte=now).values_list("pk", flat=True)
    waiting = Alert.objects.filter(told_at=None, rule__is_on=True, rule__next_digest_at=None).values_list(
        "rule_id", "rule__told_at"
    )
    oldest = waiting.annotate(oldest=Min("noted_at")).order_by("rule_id")
    return [*digests, *(rule for rule, told_at, first in oldest if tell_at(first, told_at) <= now)]


def forget_old(now: datetime) -> None:
    """A few at a time: it comes round every half minute."""
    tests = Delivery.objects.filter(is_test=True, state=DeliveryState.QUEUED)
    broken_off = tests.filter(created_at__lt=now - _TEST_ENDS_WITHIN)
    broken_off.update(
        state=DeliveryState.FAILED, next_try_at=None, sentence="The test broke off; press Test again."
    )
    before = now - KEPT_FOR
    alerts = Alert.objects.filter(noted_at__lt=before).order_by("noted_at")[:_AT_ONCE]
    Alert.objects.filter(pk__in=list(alerts.values_list("pk", flat=True))).delete()
    ended = Delivery.objects.filter(created_at__lt=before).exclude(state=DeliveryState.QUEUED)
    Delivery.objects.filter(
        pk__in=list(ended.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE])
    ).delete()
