"""The app registrations of a directory as they are at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from emberwatch.simulator.accounts import Hasher
from emberwatch.simulator.certificates import Certificate
from emberwatch.simulator.scenario import AppScenario, SecretScenario, stable_id


@dataclass(frozen=True, slots=True)
class SecretState:
    scenario: SecretScenario
    """Without its value, with its key id."""
    digest: bytes
    hint: str

    @classmethod
    def load(cls, secret: SecretScenario, client_id: str, number: int, hasher: Hasher) -> Self:
        key_id = secret.key_id or stable_id(f"secret {client_id} {number}")
        blank = replace(secret, value="", key_id=key_id)
        return cls(blank, hasher(client_id, secret.value), secret.value[:3])

    def is_valid(self, now: datetime) -> bool:
        return self.scenario.expires is None or now < self.scenario.expires


@dataclass(slots=True)
class AppState:
    scenario: AppScenario
    """Without its secrets' values."""
    secrets: tuple[SecretState, ...]
    certificates: tuple[Certificate, ...]
    used_assertions: dict[str, float] = field(default_factory=dict)
    """Assertion ids that were used, with the time at which they end."""
    spent_units: list[tuple[float, int]] = field(default_factory=list)
    spent_reports: list[tuple[float, int]] = field(default_factory=list)

    @classmethod
    def load(cls, app: AppScenario, hasher: Hasher) -> Self:
        held = tuple(
            SecretState.load(secret, app.client_id, number, hasher)
            for number, secret in enumerate(app.secrets)
        )
        path = f"app {app.client_id}"
        certificates = tuple(Certificate.load(certificate, path) for certificate in app.certificates)
        blank = tuple(secret.scenario for secret in held)
        return cls(replace(app, secrets=blank), held, certificates)
