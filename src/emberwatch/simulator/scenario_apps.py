"""App registrations of a scenario: credentials, permissions, and who may open the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emberwatch.simulator.scenario_base import CREATED, stable_id

_EXCHANGE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretScenario:
    value: str = field(repr=False)
    key_id: str = ""
    display_name: str = ""
    begins: datetime = CREATED
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateScenario:
    """A registered certificate: the public part as PEM text."""

    pem: str
    key_id: str = ""
    display_name: str = ""
    answer: int | None = None
    """A code such as 700030 that every assertion signed with it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedScenario:
    """Trust in the tokens of another issuer: issuer, subject and audience must be equal to the letter."""

    name: str
    issuer: str
    subject: str
    audiences: tuple[str, ...] = (_EXCHANGE,)
    jwks: Mapping[str, Any] = field(default_factory=dict)
    """The issuer's public keys, for an issuer that no server plays …"""
    ca_file: str = ""
    """… otherwise they are fetched from its discovery document, over TLS with this authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRoleScenario:
    """A role that an application defines and that users or groups are given."""

    value: str
    display_name: str = ""
    id: str = ""

    @property
    def object_id(self) -> str:
        return self.id.lower() or stable_id(f"app role {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppScenario:
    """An app registration with its enterprise application in the same directory."""

    client_id: str
    display_name: str = "Emberwatch"
    secrets: tuple[SecretScenario, ...] = ()
    certificates: tuple[CertificateScenario, ...] = ()
    federated: tuple[FederatedScenario, ...] = ()
    granted_roles: tuple[str, ...] = ()
    required_roles: tuple[str, ...] | None = None
    """Application permissions that the registration asks for; None: those that were granted."""
    consented_scopes: tuple[str, ...] = ()
    registered_here: bool = True
    """False: the registration lives in another directory, as that of a gallery application."""
    app_roles: tuple[AppRoleScenario, ...] = ()
    assignment_required: bool = False
    assigned_users: tuple[str, ...] = ()
    assigned_groups: tuple[str, ...] = ()
    """By display name."""
    assigned_role: str = ""
    """The value of the app role that the assigned have; empty: the default access."""
    disabled: bool = False
    public_client: bool = False
    cloud_password_validation: bool = False
    """A home realm policy lets the cloud check the passwords of federated users (needs hash sync)."""
    token_answer: int | None = None
    """A code such as 53003 that the app's own token request ends in."""
    token_seconds: int | None = None
    """How long its tokens live; None: as usual."""
    created: datetime = CREATED

    @property
    def object_id(self) -> str:
        return stable_id(f"application {self.client_id}")

    @property
    def principal_id(self) -> str:
        """The object id of the enterprise application."""
        return principal_of(self.client_id)


def principal_of(client_id: str) -> str:
    """The object id of an app's enterprise application."""
    return stable_id(f"service principal {client_id}")
