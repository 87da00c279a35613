"""From the product's objects to what templates show: tabs, steps, and the details of one credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest

from emberwatch.core.clock import utc_now
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.engine.queries import worker_is_alive
from emberwatch.exposures.closing import closing_of
from emberwatch.exposures.models import ClosingScope, Credential, Handling
from emberwatch.exposures.profile import severity_for
from emberwatch.exposures.queries import admin_center_link, ambiguous_bearers, history_of, sightings_of
from emberwatch.identities.policy import reason_of
from emberwatch.tenants.queries import permissions_of
from emberwatch.validation.models import Validation, ValidationState
from emberwatch.validation.policy import may_confirm
from emberwatch.validation.queries import open_validation
from emberwatch.web.access import actor_of
from emberwatch.web.forms import Form
from emberwatch.web.remediating import remediation_of

FILTERS: Final = (
    "group",
    "verdict",
    "certainty",
    "source_kind",
    "exposure_kind",
    "handling",
    "domain",
    "since",
    "until",
    "text",
)

# How long a page waits before it asks again, by the age of the validation: quick while somebody looks on.
_POLL_DELAYS: Final = (
    (timedelta(seconds=1), 50),
    (timedelta(seconds=3), 100),
    (timedelta(seconds=30), 500),
    (timedelta.max, 2000),
)
_STEPS: Final = (
    (ValidationState.QUEUED, "Queued"),
    (ValidationState.LOOKING_UP, "Looking the account up"),
    (ValidationState.SIGNING_IN, "One sign-in, or none"),
    (ValidationState.DONE, "Verdict"),
)
_PATIENCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Tab:
    group: str
    label: str
    count: int | None
    is_open: bool


def group_tabs(counts: Mapping[str, int], wanted: str) -> list[Tab]:
    groups = [Tab(group.value, group.label, counts[group], group == wanted) for group in VerdictGroup]
    return [Tab("", "All", None, not wanted), *groups]


def verdict_choices() -> list[tuple[str, list[Verdict]]]:
    """Verdicts under the name of their group."""
    return [(group.label, [v for v in Verdict if v.group is group]) for group in VerdictGroup]


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Progress:
    validation: Validation
    steps: list[Step]
    delay_ms: int
    waits_for_worker: bool

    @property
    def sentence(self) -> str:
        return next((step.label for step in self.steps if step.is_current), "")


def progress_of(validation: Validation, now: datetime) -> Progress:
    at = [state for state, _ in _STEPS].index(ValidationState(validation.state))
    steps = [Step(label, place < at, place == at) for place, (_, label) in enumerate(_STEPS)]
    age = now - validation.requested_at
    delay = next(delay for limit, delay in _POLL_DELAYS if age <= limit)
    is_waiting = validation.state == ValidationState.QUEUED and age > _PATIENCE
    return Progress(validation, steps, delay, is_waiting and not worker_is_alive(now))


def details_of(request: HttpRequest, credential: Credential) -> dict[str, Any]:
    sightings, history = sightings_of(credential), history_of(credential)
    running = open_validation(credential)
    return {
        "credential": credential,
        "tenant": credential.tenant,
        "may": permissions_of(actor_of(request), credential.tenant),
        "sightings": sightings,
        "machines": list({s.machine.id: s.machine for s in sightings if s.machine}.values()),
        "history": history,
        "evidence": history[0].evidence if history else None,
        "decided": history[0] if history else None,
        "reason": reason_of(credential.matched_by),
        "severity": severity_for(credential.identity, utc_now()) if credential.identity else None,
        "bearers": ambiguous_bearers(credential),
        "user_link": admin_center_link(credential),
        "progress": progress_of(running, utc_now()) if running else None,
        "may_confirm": may_confirm(Verdict(credential.verdict), Certainty(credential.certainty or "proved")),
        "remediation": remediation_of(credential),
        "closing": closing_of(credential, utc_now()),
        "closing_form": Form({"handling": Handling.REMEDIATED, "scope": ClosingScope.PAIR}),
        "handlings": Handling.choices[1:],
        "closing_scopes": ClosingScope.choices,
        "form": Form(),
        "in_panel": request.headers.get("HX-Target") == "panel-body",
    }
