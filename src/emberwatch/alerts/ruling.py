"""Making, changing and removing rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.alerts.models import AlertChannel, AlertRule
from emberwatch.alerts.policy import Cadence, Fact, next_digest
from emberwatch.alerts.services import clean_name
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.exposures.models import SourceKind
from emberwatch.identities.severity import Level
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

MOST_RULES: Final = 100
_FIELDS: Final = (
    "name",
    "facts",
    "minimum_severity",
    "source_kinds",
    "cadence",
    "digest_hour",
    "time_zone",
    "is_on",
)


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A rule as it was typed."""

    name: str
    facts: Sequence[str]
    channels: Sequence[str]
    """Their ids."""
    minimum_severity: str = Level.NONE
    source_kinds: Sequence[str] = ()
    cadence: str = Cadence.IMMEDIATE
    digest_hour: int = 8
    time_zone: str = "UTC"
    is_on: bool = True


def rule_form(typed: Mapping[str, Any]) -> RuleForm:
    """From texts, as forms and command lines give them. Raises :class:`BadInput`."""
    hour = str(typed.get("digest_hour", "8")).strip() or "8"
    if not (hour.isascii() and hour.isdigit() and len(hour) <= 2):
        raise BadInput("The hour is a number from 0 to 23.", field="digest_hour")
    return RuleForm(
        name=typed["name"],
        facts=typed["facts"],
        channels=typed["channels"],
        minimum_severity=typed["minimum_severity"],
        source_kinds=typed["source_kinds"],
        cadence=typed["cadence"],
        digest_hour=int(hour),
        time_zone=typed["time_zone"],
        is_on=bool(typed.get("is_on", True)),
    )


def create_rule(tenant: Tenant, form: RuleForm, *, actor: Actor, now: datetime) -> AlertRule:
    """From now on, what it asks for is told."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    if AlertRule.objects.filter(tenant=tenant).count() >= MOST_RULES:
        raise Conflict(f"A tenant has at most {MOST_RULES} rules.", remedy="Remove one first.")
    return _stored(AlertRule(tenant=tenant, created_at=now, on_since=now), form, "created", actor, now)


def change_rule(rule: AlertRule, form: RuleForm, *, actor: Actor, now: datetime) -> AlertRule:
    """What had gathered for it is still told, by the new choices of channels and time."""
    require(actor, rule.tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        found = AlertRule.objects.select_for_update().select_related("tenant").get(pk=rule.pk)
        if form.is_on and not found.is_on:
            found.on_since = now
        return _stored(found, form, "changed", actor, now)


def _stored(row: AlertRule, form: RuleForm, action: str, actor: Actor, now: datetime) -> AlertRule:
    channels = _channels(row.tenant, form.channels)
    _fill(row, form)
    row.next_digest_at = next_digest(row.cadence, row.digest_hour, row.time_zone, now)
    try:
        with transaction.atomic():
            row.save()
            row.channels.set(channels)
            _audit(row, action, actor, now, channels=sorted(each.name for each in channels))
    except IntegrityError:
        raise BadInput("There is a rule of this name already.", field="name") from None
    return row


def _fill(row: AlertRule, form: RuleForm) -> None:
    row.name = clean_name(form.name, "rule")
    row.facts = _known("facts", form.facts, [fact.value for fact in Fact])
    if not row.facts:
        raise BadInput("Choose at least one fact.", field="facts")
    row.source_kinds = _known("source_kinds", form.source_kinds, SourceKind.values)
    [row.minimum_severity] = _known("minimum_severity", [form.minimum_severity or Level.NONE], list(Level))
    [row.cadence] = _known("cadence", [form.cadence], list(Cadence))
    if not 0 <= form.digest_hour <= 23:
        raise BadInput("The hour is a number from 0 to 23.", field="digest_hour")
    row.digest_hour, row.time_zone, row.is_on = form.digest_hour, _zone(form.time_zone), form.is_on


def _known(field: str, given: Collection[str], allowed: Sequence[str]) -> list[str]:
    """In the order in which they are offered, each once."""
    unknown = [value for value in given if value not in allowed]
    if unknown:
        raise BadInput(
            f"{unknown[0][:40]} is not a value of {field}.",
            remedy=f"Values: {', '.join(allowed)}.",
            field=field,
        )
    return [str(value) for value in allowed if value in given]


def _zone(text: str) -> str:
    name = text.strip() or "UTC"
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadInput(
            "There is no such time zone.", remedy="Give one such as Europe/Amsterdam.", field="time_zone"
        ) from None
    return name


def _channels(tenant: Tenant, ids: Collection[str]) -> list[AlertChannel]:
    try:
        wanted = {UUID(str(each)) for each in ids}
    except ValueError:
        wanted = set()
    found = list(AlertChannel.objects.filter(tenant=tenant, pk__in=wanted))
    if not ids or len(found) != len(wanted) or not found:
        raise BadInput("Choose at least one channel of this tenant.", field="channels")
    return found


def remove_rule(rule: AlertRule, *, actor: Actor, now: datetime) -> None:
    """With what has gathered for it; what was sent stays listed."""
    require(actor, rule.tenant, Permission.CONFIGURE_TENANT)
    with transaction.atomic():
        _audit(rule, "removed", actor, now)
        rule.delete()


def _audit(row: AlertRule, action: str, actor: Actor, now: datetime, **more: Any) -> None:
    facts = {name: getattr(row, name) for name in _FIELDS} | more
    record(row.tenant_id, f"alert_rule.{action}", f"alert_rule:{row.pk}", actor=actor, now=now, facts=facts)
