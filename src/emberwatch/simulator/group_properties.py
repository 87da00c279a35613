"""How groups and directory roles look in Graph v1.0."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.scenario import GroupScenario, RoleScenario

# fmt: off
GROUP_PROPERTIES: Final = frozenset({
    "id", "createdDateTime", "deletedDateTime", "description", "displayName", "groupTypes",
    "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "onPremisesSyncEnabled", "securityEnabled",
    "visibility",
})
# fmt: on
_UNIFIED: Final = ("Unified",)
_DYNAMIC: Final = ("DynamicMembership",)
GROUP_DEFAULT_SELECT: Final = tuple(sorted(GROUP_PROPERTIES))


def group_object(group: GroupScenario, deleted: datetime | None = None) -> dict[str, Any]:
    """All the Graph properties of a group."""
    return {
        "id": group.object_id,
        "createdDateTime": graph_time(group.created),
        "deletedDateTime": graph_time(deleted),
        "description": group.description,
        "displayName": group.display_name,
        "groupTypes": [*_UNIFIED[: group.unified], *_DYNAMIC[: group.dynamic]],
        "isAssignableToRole": True if group.assignable_to_role else None,
        "mail": group.mail,
        "mailEnabled": group.mail is not None,
        "mailNickname": "".join(c for c in group.display_name if c.isalnum()),
        "onPremisesSyncEnabled": True if group.synced else None,
        "securityEnabled": group.security_enabled,
        "visibility": "Private" if group.unified else None,
    }


def role_object(role: RoleScenario) -> dict[str, Any]:
    """All the Graph properties of an activated directory role."""
    return {
        "id": role.object_id,
        "deletedDateTime": None,
        "description": None,
        "displayName": role.display_name,
        "roleTemplateId": role.template_id,
    }
