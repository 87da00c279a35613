"""Template tags and filters: icons, times, verdicts, form fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from emberwatch.core.errors import EmberwatchError
from emberwatch.core.verdict import Verdict, VerdictGroup
from emberwatch.directories.actions import WORDS, ActionKind
from emberwatch.exposures.models import SourceKind
from emberwatch.exposures.queries import COUNT_CAP
from emberwatch.validation.policy import Mode
from emberwatch.web.forms import Form

register = template.Library()

ICONS: Final = Path(__file__).parents[1] / "static" / "vendor" / "tabler-icons"
GROUP_ICONS: Final = {
    VerdictGroup.ACTIVE: "flame",
    VerdictGroup.NOT_ACTIVE: "circle-check",
    VerdictGroup.CANNOT_TELL: "help-circle",
    VerdictGroup.NOT_VALIDATED: "circle-dashed",
}
MOST_DOTS: Final = 8
CLASS_WORDS: Final = {
    "a": "lower case letters",
    "A": "upper case letters",
    "1": "digits",
    "#": "other characters",
}
_CLOSING: Final = re.compile(r"\s+")


@cache
def _drawing(name: str) -> str:
    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    return _CLOSING.sub(" ", inner).strip()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One of the vendored icons, hidden from screen readers: a text always stands beside it."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        extra,
        mark_safe(_drawing(name)),  # noqa: S308 - a vendored file
    )


def _as_moment(value: object) -> datetime | None:
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else None


@register.simple_tag
def moment(value: object) -> SafeString:
    """A point in time; the browser shows it in the reader's zone, with UTC on hover."""
    return _time(value, "moment", "%Y-%m-%d %H:%M UTC")


@register.simple_tag
def day(value: object) -> SafeString:
    """The day of a point in time. Midnight means that only the day is known, so it is not moved to a zone."""
    at = _as_moment(value)
    if at is not None and at.time() == time.min:
        return format_html('<time datetime="{}">{}</time>', at.date().isoformat(), at.date().isoformat())
    return _time(value, "day", "%Y-%m-%d")


def _time(value: object, show: str, form: str) -> SafeString:
    at = _as_moment(value)
    if at is None:
        return mark_safe('<span class="text-secondary">unknown</span>')
    utc = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" data-show="{}" title="{}">{}</time>',
        at.isoformat(),
        show,
        utc,
        at.strftime(form),
    )


@register.filter
def fact_value(value: str) -> SafeString | str:
    """The value of a fact; one that begins with a moment shows it like all moments."""
    first, space, rest = value.partition(" ")
    try:
        at = datetime.fromisoformat(first)
    except ValueError:
        return value
    return value if at.tzinfo is None else format_html("{}{}{}", moment(at), space, rest)


@register.filter
def login(value: str) -> SafeString:
    """A login that breaks before its "@" where it does not fit into a line."""
    name, at, host = value.rpartition("@")
    return format_html("{}<wbr>{}{}", name, at, host)


@register.filter
def as_verdict(value: str) -> Verdict:
    return Verdict(value)


@register.filter
def group_icon(group: str) -> str:
    return GROUP_ICONS[VerdictGroup(group)]


@register.filter
def beside_group(verdict: Verdict) -> str:
    """What a verdict says beyond the name of its group."""
    group = verdict.group.label
    return verdict.label.removeprefix(group).removeprefix(", ")


@register.filter
def mode_label(value: str) -> str:
    return Mode(value).label


@register.filter
def source_kind(value: str) -> str:
    return SourceKind(value).label if value in SourceKind.values else value


@register.filter
def dots(length: int) -> str:
    return "•" * min(length, MOST_DOTS)


@register.filter
def class_words(marks: str) -> str:
    return ", ".join(CLASS_WORDS[mark] for mark in marks if mark in CLASS_WORDS)


@register.filter
def capped(number: int) -> str:
    return f"{COUNT_CAP:,}+" if number >= COUNT_CAP else f"{number:,}"


@register.inclusion_tag("parts/field.html")
def field(form: Form, name: str, label: str, kind: str = "text", **options: Any) -> dict[str, Any]:
    """A labelled input with what was typed, a hint, and the sentence and remedy of an error beside it."""
    return {
        "name": name,
        "label": label,
        "kind": kind,
        "value": "" if kind == "password" else form.values.get(name, ""),
        "error": form.error_of(name),
        "options": options,
    }


@register.inclusion_tag("parts/checks.html")
def checks(
    form: Form, name: str, label: str, choices: Sequence[tuple[str, str]], **options: Any
) -> dict[str, Any]:
    """Several choices out of some, as boxes to tick; in the form they stand one a line."""
    chosen = form.values.get(name, "").split("\n")
    return {
        "name": name,
        "label": label,
        "choices": [(value, text, value in chosen) for value, text in choices],
        "error": form.error_of(name),
        "options": options,
    }


@register.filter
def effect(kind: str) -> str:
    """What an action does and what it does not do."""
    return WORDS[ActionKind(kind)].effect


@register.filter
def error_of(form: Form, name: str) -> EmberwatchError | None:
    return form.error_of(name)
