"""Forms of alerts: from a channel or rule to what a page shows, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from emberwatch.alerts.models import AlertChannel, AlertRule
from emberwatch.alerts.policy import Cadence
from emberwatch.alerts.ruling import RuleForm, rule_form
from emberwatch.alerts.services import ChannelForm
from emberwatch.channels.base import Field, Kind
from emberwatch.core.secret import Secret
from emberwatch.identities.severity import Level
from emberwatch.web.forms import posted

FORGETS: Final = "forget_"


@dataclass(frozen=True, slots=True)
class ShownField:
    """A setting of a channel, with whether a secret is stored for it."""

    field: Field
    is_stored: bool

    @property
    def hint(self) -> str:
        if not self.is_stored:
            return self.field.hint
        return f"Stored; leave it empty to keep it. {self.field.hint}".strip()

    @property
    def may_be_forgotten(self) -> bool:
        return self.is_stored and not self.field.required


def shown_fields(kind: Kind, channel: AlertChannel | None) -> list[ShownField]:
    stored = channel.secret_names if channel else []
    return [ShownField(each, each.name in stored) for each in kind.fields]


def values_of(kind: Kind, channel: AlertChannel | None) -> dict[str, str]:
    if channel is None:
        return {"name": kind.label} | {each.name: each.default for each in kind.plain_fields}
    return {"name": channel.name} | {name: str(value) for name, value in channel.settings.items()}


def typed_channel(request: HttpRequest, kind: Kind) -> tuple[dict[str, str], ChannelForm]:
    """What was typed, without secrets, to be shown again; and the whole of it for the service."""
    plain = posted(request, "name", *(each.name for each in kind.plain_fields))
    secrets = posted(request, *(each.name for each in kind.secret_fields))
    forget = [each.name for each in kind.secret_fields if request.POST.get(FORGETS + each.name) == "yes"]
    settings = {name: value for name, value in plain.items() if name != "name"}
    given = {name: Secret(value.strip()) for name, value in secrets.items() if value.strip()}
    return plain, ChannelForm(plain["name"], settings, given, forget)


_SINGLE: Final = ("name", "minimum_severity", "cadence", "digest_hour", "time_zone", "is_on")
_SEVERAL: Final = ("facts", "source_kinds", "channels")


def rule_values(rule: AlertRule | None, channels: Iterable[AlertChannel]) -> dict[str, str]:
    """Of several choices: one a line."""
    if rule is None:
        usable = [str(each.pk) for each in channels if each.is_usable]
        return {
            "facts": "active\ndirectory_stopped",
            "minimum_severity": Level.NONE,
            "cadence": Cadence.IMMEDIATE,
            "digest_hour": "8",
            "time_zone": "UTC",
            "is_on": "yes",
            "channels": usable[0] if len(usable) == 1 else "",
        }
    several = {
        "facts": rule.facts,
        "source_kinds": rule.source_kinds,
        "channels": [str(each.pk) for each in rule.channels.all()],
    }
    return {name: "\n".join(values) for name, values in several.items()} | {
        "name": rule.name,
        "minimum_severity": rule.minimum_severity,
        "cadence": rule.cadence,
        "digest_hour": str(rule.digest_hour),
        "time_zone": rule.time_zone,
        "is_on": "yes" if rule.is_on else "",
    }


def typed_rule(request: HttpRequest) -> dict[str, str]:
    """As :func:`rule_values` gives it."""
    several = {name: "\n".join(request.POST.getlist(name)).replace("\x00", "") for name in _SEVERAL}
    return posted(request, *_SINGLE) | several


def rule_of(typed: dict[str, str]) -> RuleForm:
    parted = {name: typed[name].split("\n") if typed[name] else [] for name in _SEVERAL}
    return rule_form(typed | parted | {"is_on": typed["is_on"] == "yes"})
