"""Making, changing, switching, testing and removing channels, and sending a message again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.alerts import reaching
from emberwatch.alerts.composing import queued
from emberwatch.alerts.delivering import RESERVED_FOR, Claim, opened_secrets, secrets_context, send, settle
from emberwatch.alerts.models import AlertChannel, ChannelStatus, Delivery, DeliveryState
from emberwatch.audit.services import record
from emberwatch.channels.base import Item, Kind, Message
from emberwatch.channels.network import Network
from emberwatch.channels.registry import kind_named
from emberwatch.channels.settings import checked_secrets, checked_settings, missing_secret
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.core.ids import new_id
from emberwatch.core.secret import Secret
from emberwatch.engine.facts import announce
from emberwatch.identities.severity import Level
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.vault.services import tenant_vault

LONGEST_NAME: Final = 80
MOST_CHANNELS: Final = 50


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """A channel as it was typed. A secret that is left out stays as it is stored; ``forget`` takes stored ones away."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    forget: Collection[str] = ()


def create_channel(
    tenant: Tenant, kind_name: str, form: ChannelForm, *, actor: Actor, now: datetime
) -> AlertChannel:
    """Stores a channel; nothing is sent before it is tested or a rule names it."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    kind = kind_named(kind_name)
    if AlertChannel.objects.filter(tenant=tenant).count() >= MOST_CHANNELS:
        raise Conflict(f"A tenant has at most {MOST_CHANNELS} channels.", remedy="Remove one first.")
    row = AlertChannel(tenant=tenant, kind=kind.name, created_at=now, updated_at=now)
    _fill(row, kind, form, {})
    return _stored(row, "alert_channel.created", sorted(row.secret_names), actor, now)


def change_channel(channel: AlertChannel, form: ChannelForm, *, actor: Actor, now: datetime) -> AlertChannel:
    """Replaces its settings; it has to show anew that it works."""
    require(actor, channel.tenant, Permission.CONFIGURE_TENANT)
    kind = kind_named(channel.kind)
    _fill(channel, kind, form, opened_secrets(channel))
    channel.updated_at = now
    channel.status, channel.status_sentence, channel.status_at = ChannelStatus.UNTESTED, "", None
    channel.disabled_at = None
    return _stored(channel, "alert_channel.changed", sorted(form.secrets), actor, now)


def _fill(row: AlertChannel, kind: Kind, form: ChannelForm, stored: dict[str, Secret]) -> None:
    name = clean_name(form.name, "channel")
    allowed = reaching.private_hosts()
    settings = checked_settings(kind, form.settings, allowed)
    given = checked_secrets(kind, form.secrets, allowed)
    kept = {key: value for key, value in stored.items() if key not in form.forget}
    _refuse_stored_elsewhere(row, kind, settings, kept, given)
    secrets = kept | given
    missing = missing_secret(kind, set(secrets))
    if missing is not None:
        raise BadInput(f"{missing.label} is missing.", field=missing.name)
    row.name, row.settings, row.secret_names = name, settings, sorted(secrets)
    plain = Secret(json.dumps({key: value.expose() for key, value in secrets.items()}))
    row.sealed_secrets = tenant_vault(row.tenant_id).seal(plain, secrets_context(row)) if secrets else b""


def _refuse_stored_elsewhere(
    row: AlertChannel,
    kind: Kind,
    settings: Mapping[str, str],
    kept: Mapping[str, Secret],
    given: Mapping[str, Secret],
) -> None:
    """Otherwise a stored secret could be sent to a place that its owner never named."""
    moved = any(
        each.leads and row.settings.get(each.name) != settings[each.name] for each in kind.plain_fields
    )
    silent = next((each for each in kind.secret_fields if each.name in kept and each.name not in given), None)
    if moved and silent is not None:
        raise BadInput(f"Enter the {silent.label} again: where messages go has changed.", field=silent.name)


def clean_name(text: str, of: str) -> str:
    name = " ".join(text.replace("\x00", "").split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput(f"A {of} needs a name of at most {LONGEST_NAME} characters.", field="name")
    return name


def _stored(row: AlertChannel, action: str, secrets: list[str], actor: Actor, now: datetime) -> AlertChannel:
    try:
        with transaction.atomic():
            row.save()
            facts = {"name": row.name, "kind": row.kind, "settings": row.settings, "secrets_given": secrets}
            _audit(row, action, actor, now, facts)
    except IntegrityError:
        raise BadInput("There is a channel of this name already.", field="name") from None
    return row


def switch_channel(channel: AlertChannel, is_on: bool, *, actor: Actor, now: datetime) -> AlertChannel:
    """Nothing more is sent through it, or it may be used again; what was made for it waits for a day."""
    require(actor, channel.tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        found = _locked(channel)
        found.is_on, found.updated_at = is_on, now
        if is_on:
            found.disabled_at = None
        found.save(update_fields=["is_on", "disabled_at", "updated_at"])
        _audit(found, "alert_channel.switched_on" if is_on else "alert_channel.switched_off", actor, now, {})
    return found


def remove_channel(channel: AlertChannel, *, actor: Actor, now: datetime) -> None:
    """With its deliveries and secrets. Raises :class:`Conflict` when a rule has no other channel."""
    require(actor, channel.tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        found = _locked(channel)
        for rule in found.rules.all():
            if rule.channels.count() == 1:
                raise Conflict(
                    f"The rule {rule.name} has no other channel.", remedy="Change or remove the rule first."
                )
        _audit(found, "alert_channel.removed", actor, now, {"name": found.name, "kind": found.kind})
        found.delete()


def _locked(channel: AlertChannel) -> AlertChannel:
    return AlertChannel.objects.select_for_update().select_related("tenant").get(pk=channel.pk)


def try_channel(
    channel: AlertChannel, *, actor: Actor, clock: Clock = utc_now, network: Network | None = None
) -> Delivery:
    """Sends a test message now and says how it went. One that is taken switches the channel on again."""
    require(actor, channel.tenant, Permission.CONFIGURE_TENANT)
    now = clock()
    with transaction.atomic():
        delivery = queued(channel, _test_message(channel, now), now)
        delivery.attempts, delivery.reserved_until = 1, now + RESERVED_FOR
        delivery.save(force_insert=True)
        _audit(channel, "alert_channel.tested", actor, now, {"delivery": str(delivery.pk)})
    outcome = send(delivery, network or reaching.network(clock))
    settle(Claim(delivery, 1), outcome, clock())
    channel.refresh_from_db()
    delivery.refresh_from_db()
    return delivery


def _test_message(channel: AlertChannel, now: datetime) -> Message:
    at = now.astimezone(UTC).isoformat().replace("+00:00", "Z")
    item = Item(
        id=str(new_id()),
        fact="test",
        title="Test message",
        severity=Level.NONE,
        at=at,
        facts=(("Channel", channel.name), ("Meaning", "Messages of Emberwatch arrive here.")),
    )
    return Message(
        id=str(new_id()),
        tenant=channel.tenant.name,
        title=f"Test message ({channel.tenant.name})",
        severity=Level.NONE,
        created_at=at,
        items=(item,),
        total=1,
        is_test=True,
    )


def resend(delivery: Delivery, *, actor: Actor, now: datetime) -> Delivery:
    """Sends what failed or was given up once more, with the same id."""
    require(actor, delivery.channel.tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        found = Delivery.objects.select_for_update(of=("self",)).select_related("channel").get(pk=delivery.pk)
        if found.is_test or found.state not in (DeliveryState.FAILED, DeliveryState.GIVEN_UP):
            raise Conflict("Only what has failed can be sent again.")
        if not found.channel.is_usable:
            raise Conflict("The channel is off.", remedy="Press Test on the channel first.")
        found.state, found.sentence = DeliveryState.QUEUED, ""
        found.next_try_at = found.began_at = now
        found.save()
        facts = {"delivery": str(found.pk)}
        _audit(found.channel, "alert.sent_again", actor, now, facts)
        announce("alert.delivery_due", delivery_id=str(found.pk), seconds=0)
    return found


def _audit(channel: AlertChannel, action: str, actor: Actor, now: datetime, facts: Mapping[str, Any]) -> None:
    subject = f"alert_channel:{channel.pk}"
    record(channel.tenant_id, action, subject, actor=actor, now=now, facts={"name": channel.name, **facts})
