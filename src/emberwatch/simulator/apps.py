"""The app registrations of a directory as they are at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from emberwatch.simulator.accounts import Hasher
from emberwatch.simulator.certificates import Certificate
from emberwatch.simulator.scenario import AppScenario


@dataclass(frozen=True, slots=True)
class SecretState:
    digest: bytes
    expires: datetime | None


@dataclass(slots=True)
class AppState:
    scenario: AppScenario
    """Without its secrets' values."""
    secrets: tuple[SecretState, ...]
    certificates: tuple[Certificate, ...]
    used_assertions: dict[str, float] = field(default_factory=dict)
    """Assertion ids that were used, with the time at which they end."""
    spent_units: list[tuple[float, int]] = field(default_factory=list)

    @classmethod
    def load(cls, app: AppScenario, hasher: Hasher) -> Self:
        held = tuple(SecretState(hasher(app.client_id, s.value), s.expires) for s in app.secrets)
        path = f"app {app.client_id}"
        certificates = tuple(Certificate.load(certificate, path) for certificate in app.certificates)
        blank = tuple(replace(secret, value="") for secret in app.secrets)
        return cls(replace(app, secrets=blank), held, certificates)
