"""Hosts of each Microsoft cloud. Facts: Microsoft's pages on national clouds and Graph deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

from emberwatch.config.environment import CustomCloud
from emberwatch.core.errors import BadInput

CUSTOM: Final = "custom"


@dataclass(frozen=True, slots=True)
class Cloud:
    """``lockout_threshold``: Microsoft's default number of failed tries that lock an account there."""

    name: str
    label: str
    login_url: str
    graph_url: str
    portal_url: str
    lockout_threshold: int = 10
    max_failed_attempts: int = 2
    ca_file: Path | None = None

    @property
    def is_operators_own(self) -> bool:
        return self.name == CUSTOM

    def user_link(self, object_id: UUID) -> str:
        """The account's overview in the admin center; the path is in wide use but not a published contract."""
        view = "Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId"
        return f"{self.portal_url}/#view/{view}/{object_id}"

    def app_link(self, client_id: UUID, blade: str = "Overview") -> str:
        """Our app registration there; ``Credentials`` and ``CallAnAPI`` are its pages on secrets and permissions."""
        view = f"Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{blade}/appId"
        return f"{self.portal_url}/#view/{view}/{client_id}/isMSAApp~/false"

    def consent_link(self, entra_tenant_id: UUID, client_id: UUID) -> str:
        return f"{self.login_url}/{entra_tenant_id}/adminconsent?client_id={quote(str(client_id))}"


_PUBLISHED: Final = (
    Cloud(
        "global",
        "Global (also GCC)",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "https://entra.microsoft.com",
    ),
    Cloud(
        "usgov",
        "US Government L4 (GCC High)",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "https://entra.microsoft.us",
        lockout_threshold=3,
        max_failed_attempts=1,
    ),
    Cloud(
        "usgovdod",
        "US Government L5 (DoD)",
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "https://entra.microsoft.us",
        lockout_threshold=3,
        max_failed_attempts=1,
    ),
    Cloud(
        "china",
        "China (21Vianet)",
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://entra.microsoftonline.cn",
    ),
)


def clouds(custom: CustomCloud | None) -> Mapping[str, Cloud]:
    """The clouds that this installation offers, by name; the operator's own one comes last."""
    offered = {cloud.name: cloud for cloud in _PUBLISHED}
    if custom is not None:
        offered[CUSTOM] = Cloud(
            CUSTOM,
            "Custom (set by the operator)",
            custom.login_url,
            custom.graph_url,
            custom.portal_url,
            ca_file=custom.ca_file,
        )
    return offered


def cloud_named(name: str, custom: CustomCloud | None) -> Cloud:
    offered = clouds(custom)
    if name not in offered:
        raise BadInput(f"There is no cloud named {name}; choose one of {', '.join(offered)}.", field="cloud")
    return offered[name]
