"""Channels, rules and deliveries as fields, the same for the API and for ``--json``. None holds a secret."""

from __future__ import annotations

from typing import Any, Final

from emberwatch.alerts.models import AlertChannel, AlertRule, Delivery
from emberwatch.channels.base import Field, Kind

_OF_CHANNEL: Final = (
    "kind",
    "name",
    "settings",
    "secret_names",
    "status",
    "status_sentence",
    "status_at",
    "is_on",
    "disabled_at",
    "created_at",
    "updated_at",
)
_OF_RULE: Final = (
    "name",
    "facts",
    "minimum_severity",
    "source_kinds",
    "cadence",
    "digest_hour",
    "time_zone",
    "is_on",
    "next_digest_at",
    "told_at",
    "created_at",
)
_OF_DELIVERY: Final = (
    "title",
    "severity",
    "total",
    "is_test",
    "state",
    "sentence",
    "attempts",
    "next_try_at",
    "provider_id",
    "created_at",
    "sent_at",
)


def channel_fields(row: AlertChannel) -> dict[str, Any]:
    return {"id": str(row.pk), **{name: getattr(row, name) for name in _OF_CHANNEL}}


def rule_fields(row: AlertRule) -> dict[str, Any]:
    channels = sorted(str(each.pk) for each in row.channels.all())
    return {"id": str(row.pk), **{name: getattr(row, name) for name in _OF_RULE}, "channels": channels}


def delivery_fields(row: Delivery) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in _OF_DELIVERY}
    rule = str(row.rule_id) if row.rule_id else None
    return {"id": str(row.pk), "channel_id": str(row.channel_id), "rule_id": rule, **told}


def kind_fields(kind: Kind) -> dict[str, Any]:
    """What a channel of this kind asks for."""
    return {
        "name": kind.name,
        "label": kind.label,
        "settings": [_field(each) for each in kind.plain_fields],
        "secrets": [_field(each) for each in kind.secret_fields],
    }


def _field(each: Field) -> dict[str, Any]:
    return {
        "name": each.name,
        "label": each.label,
        "hint": each.hint,
        "required": each.required,
        "default": each.default,
        "choices": [value for value, _ in each.choices],
    }
