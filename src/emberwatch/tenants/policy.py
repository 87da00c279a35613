"""What each role may do, as a table. Organisation admins and the operator's shell may do everything."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from emberwatch.accounts.models import Role


class Permission(StrEnum):
    VIEW_FEED = "view_feed"
    REVEAL_PASSWORD = "reveal_password"  # noqa: S105 - a permission's name
    VALIDATE = "validate"
    REMEDIATE = "remediate"
    IMPORT = "import"
    CONFIGURE_DIRECTORY = "configure_directory"
    CONFIGURE_TENANT = "configure_tenant"
    VIEW_AUDIT = "view_audit"


_VIEWER: Final = frozenset({Permission.VIEW_FEED})
_ANALYST: Final = _VIEWER | {
    Permission.REVEAL_PASSWORD,
    Permission.VALIDATE,
    Permission.REMEDIATE,
    Permission.IMPORT,
}
_ADMIN: Final = _ANALYST | {
    Permission.CONFIGURE_DIRECTORY,
    Permission.CONFIGURE_TENANT,
    Permission.VIEW_AUDIT,
}

PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _ANALYST,
    Role.ADMIN: _ADMIN,
}
