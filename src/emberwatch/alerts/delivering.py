"""Sending a message: reserved and committed first, sent outside of any transaction, then recorded.

A process that dies in between leaves a reservation that ends by itself; the message is then sent again, with the
same id. So everything is sent at least once, and a receiver can tell what it has seen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts import reaching
from emberwatch.alerts.models import AlertChannel, ChannelStatus, Delivery, DeliveryState
from emberwatch.alerts.policy import GIVE_UP_AFTER, next_try
from emberwatch.audit.services import record
from emberwatch.channels.base import ChannelBusy, ChannelError, ChannelRefused, Message, Receipt
from emberwatch.channels.network import Network
from emberwatch.channels.registry import KINDS
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.secret import Secret
from emberwatch.engine.facts import announce
from emberwatch.http.deadline import Deadline
from emberwatch.vault.services import tenant_vault

# How long a try may take as a whole, and, longer than that, how long nobody else makes one.
MOST_SECONDS: Final = 120.0
RESERVED_FOR: Final = timedelta(minutes=3)
_TOO_SLOW: Final = ChannelBusy("The other side did not finish in time.")
_OFF: Final = "The channel is switched off; it is sent when it is switched on again."
_TOO_LATE: Final = "Given up after 24 hours."
_LONGEST: Final = 500


def secrets_context(channel: AlertChannel) -> str:
    """What binds the sealed secrets to their row."""
    return f"alert_channel:{channel.pk}:secrets"


def opened_secrets(channel: AlertChannel) -> dict[str, Secret]:
    if not channel.secret_names:
        return {}
    plain = tenant_vault(channel.tenant_id).open(bytes(channel.sealed_secrets), secrets_context(channel))
    return {name: Secret(value) for name, value in json.loads(plain.expose()).items()}


@dataclass(frozen=True, slots=True)
class Claim:
    """One try, which nobody else makes."""

    delivery: Delivery
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    receipt: Receipt | None = None
    error: ChannelError | None = None


def deliver(delivery_id: UUID, clock: Clock = utc_now, network: Network | None = None) -> None:
    """Makes one try, if it is time for one and nobody else is making it."""
    claim = claim_for(delivery_id, clock())
    if claim is not None:
        settle(claim, send(claim.delivery, network or reaching.network(clock)), clock())


def claim_for(delivery_id: UUID, now: datetime) -> Claim | None:
    with transaction.atomic():
        rows = Delivery.objects.select_for_update(of=("self",)).select_related("channel")
        found = rows.filter(pk=delivery_id, state=DeliveryState.QUEUED).first()
        if found is None or (found.reserved_until is not None and found.reserved_until > now):
            return None
        if found.next_try_at is not None and found.next_try_at > now:
            return None
        if not found.channel.is_usable and not found.is_test:
            _rest(found, now)
            return None
        found.attempts = found.attempts + 1
        found.reserved_until = now + RESERVED_FOR
        found.save(update_fields=["attempts", "reserved_until"])
        return Claim(found, found.attempts)


def _rest(found: Delivery, now: datetime) -> None:
    if now - found.began_at > GIVE_UP_AFTER:
        found.state, found.sentence, found.next_try_at = DeliveryState.GIVEN_UP, _TOO_LATE, None
    else:
        found.sentence = _OFF
    found.save(update_fields=["state", "sentence", "next_try_at"])


def send(delivery: Delivery, network: Network, within: float = MOST_SECONDS) -> Outcome:
    """The try itself. Nothing that it raises of its own kind gets past here."""
    channel = delivery.channel
    kind = KINDS.get(channel.kind)
    if kind is None:
        return Outcome(error=ChannelRefused(f"Emberwatch no longer knows the channel {channel.kind}."))
    message, secrets = Message.from_json(delivery.message), opened_secrets(channel)
    with Deadline(within) as deadline:
        try:
            return Outcome(
                kind.deliver(message, channel.settings, secrets, replace(network, deadline=deadline))
            )
        except ChannelError as error:
            return Outcome(error=_TOO_SLOW if deadline.is_over else error)


def settle(claim: Claim, outcome: Outcome, now: datetime) -> None:
    """Writes down how a try ended, unless a later one has begun since."""
    with transaction.atomic():
        # The channel first, everywhere: two tries on one channel never wait for each other in a ring.
        channel = (
            AlertChannel.objects.select_for_update(no_key=True).filter(pk=claim.delivery.channel_id).first()
        )
        rows = Delivery.objects.select_for_update().filter(pk=claim.delivery.pk, state=DeliveryState.QUEUED)
        found = rows.filter(attempts=claim.attempt).first()
        if channel is None or found is None:
            return
        found.reserved_until = None
        if outcome.error is None:
            _sent(found, channel, outcome.receipt or Receipt(), now)
        elif isinstance(outcome.error, ChannelBusy) and not found.is_test:
            _busy(found, channel, outcome.error, now)
        else:
            _failed(found, channel, outcome.error, now)
        found.save()
        channel.save(update_fields=["status", "status_sentence", "status_at", "disabled_at"])


def _sent(found: Delivery, channel: AlertChannel, receipt: Receipt, now: datetime) -> None:
    found.state, found.sent_at, found.next_try_at = DeliveryState.SENT, now, None
    found.provider_id, found.sentence = receipt.provider_id[:120], receipt.sentence[:_LONGEST]
    _mark(channel, ChannelStatus.SUCCESS, receipt.sentence, now)
    if found.is_test:
        channel.disabled_at = None
        _wake(channel, now)
    facts = {
        "delivery": str(found.pk),
        "total": found.total,
        "attempts": found.attempts,
        "test": found.is_test,
    }
    _audit(channel, "alert.sent", now, facts)


def _wake(channel: AlertChannel, now: datetime) -> None:
    """What waited for the channel goes on at once."""
    waiting = Delivery.objects.filter(channel=channel, state=DeliveryState.QUEUED, is_test=False)
    waiting.update(next_try_at=now, sentence="")


def _busy(found: Delivery, channel: AlertChannel, error: ChannelBusy, now: datetime) -> None:
    sentence = str(error)[:_LONGEST]
    at = next_try(found.attempts, error.retry_after, found.began_at, now)
    found.sentence, found.next_try_at = sentence, at
    if at is None:
        found.state = DeliveryState.GIVEN_UP
        _mark(channel, ChannelStatus.ERROR, f"{sentence} {_TOO_LATE}", now)
        _audit(channel, "alert.given_up", now, {"delivery": str(found.pk), "sentence": sentence})
        return
    seconds = math.ceil((at - now).total_seconds())
    announce("alert.delivery_due", delivery_id=str(found.pk), seconds=seconds)


def _failed(found: Delivery, channel: AlertChannel, error: ChannelError, now: datetime) -> None:
    sentence = str(error)[:_LONGEST]
    found.state, found.sentence, found.next_try_at = DeliveryState.FAILED, sentence, None
    _mark(channel, ChannelStatus.ERROR, sentence, now)
    facts = {"delivery": str(found.pk), "sentence": sentence, "test": found.is_test}
    if isinstance(error, ChannelRefused) and channel.disabled_at is None:
        channel.disabled_at = now
        _audit(channel, "alert_channel.disabled", now, facts)
    else:
        _audit(channel, "alert.failed", now, facts)


def _mark(channel: AlertChannel, status: ChannelStatus, sentence: str, now: datetime) -> None:
    channel.status, channel.status_sentence, channel.status_at = status, sentence[:_LONGEST], now


def _audit(channel: AlertChannel, action: str, now: datetime, facts: Mapping[str, Any]) -> None:
    named = {"channel": channel.name, "kind": channel.kind, **facts}
    record(channel.tenant_id, action, f"alert_channel:{channel.pk}", actor=SYSTEM, now=now, facts=named)


def overdue(now: datetime, limit: int = 500) -> list[UUID]:
    """What should have been tried by now: its job was lost, or whoever made the last try died."""
    rows = Delivery.objects.filter(state=DeliveryState.QUEUED, is_test=False, next_try_at__lte=now)
    free = rows.filter(Q(reserved_until=None) | Q(reserved_until__lte=now))
    usable = Q(channel__is_on=True, channel__disabled_at=None)
    old = Q(began_at__lt=now - GIVE_UP_AFTER)
    return list(free.filter(usable | old).order_by(F("next_try_at")).values_list("pk", flat=True)[:limit])
