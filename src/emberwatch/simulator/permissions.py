"""Graph's own application permissions, with the ids that they have in every directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emberwatch.simulator.scenario import stable_id

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
GRAPH_PRINCIPAL: Final = stable_id(f"service principal {GRAPH_APP_ID}")
DEFAULT_ACCESS: Final = "00000000-0000-0000-0000-000000000000"
"""The app role of an assignment that names none."""

_ROLE_IDS: Final[Mapping[str, str]] = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "IdentityRiskEvent.Read.All": "6e472fd1-ad78-48da-a0f0-97ab2c6b769e",
    "IdentityRiskyUser.Read.All": "dc5007c0-2d7d-4c42-879c-2dab87571379",
    "IdentityRiskyUser.ReadWrite.All": "656f6061-f9fe-4807-9708-6a2e0934df76",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "User-PasswordProfile.ReadWrite.All": "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7",
    "User.EnableDisableAccount.All": "3011c876-62b7-4ada-afa2-506cbbecc68c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "User.RevokeSessions.All": "77f3a031-c388-4f99-b373-dc68676a979e",
}


def role_id(value: str) -> str:
    """The id of an application permission; one that is not listed gets an id of this simulator's own."""
    return _ROLE_IDS.get(value) or stable_id(f"permission {value}")


def known_roles(*others: str) -> list[str]:
    """The permissions that Graph's service principal shows."""
    return sorted({*_ROLE_IDS, *others})
