"""Graph's groups and directory roles as changes of groups and as facts about roles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from emberwatch.directories.base import DirectoryError
from emberwatch.directories.changes import GroupChange, Member, RoleFacts
from emberwatch.directories.entra.roles import is_privileged
from emberwatch.directories.entra.users import REMOVED, guid, text_of

SELECT: Final = "id,displayName,isAssignableToRole,members"
_MEMBERS: Final = "members@delta"
_name = text_of(256)
# Devices, contacts and applications may be members too; they have no passwords of ours.
_KINDS: Final = {"#microsoft.graph.user": False, "#microsoft.graph.group": True, "": False}


def group_changes(items: Iterable[Mapping[str, Any]]) -> tuple[GroupChange, ...]:
    return tuple(map(_group_change, items))


def _group_change(item: Mapping[str, Any]) -> GroupChange:
    object_id = guid(item.get("id"))
    if object_id is None:
        raise DirectoryError("Microsoft Graph listed a group without an id.")
    links = item.get(_MEMBERS)
    links = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return GroupChange(
        object_id,
        _told(item),
        members_of(link for link in links if REMOVED not in link),
        members_of(link for link in links if REMOVED in link),
        is_gone=REMOVED in item,
    )


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if "displayName" in item:
        told["name"] = _name(item["displayName"])
    if "isAssignableToRole" in item:
        told["privileged"] = item["isAssignableToRole"] is True
    return told


def members_of(items: Iterable[Mapping[str, Any]]) -> tuple[Member, ...]:
    return tuple(
        Member(object_id, _KINDS[kind])
        for item in items
        if (kind := str(item.get("@odata.type") or "")) in _KINDS
        and (object_id := guid(item.get("id"))) is not None
    )


def role_of(row: Mapping[str, Any], members: tuple[Member, ...]) -> RoleFacts:
    object_id, template_id = guid(row.get("id")), guid(row.get("roleTemplateId"))
    if object_id is None or template_id is None:
        raise DirectoryError("Microsoft Graph listed a directory role without its ids.")
    return RoleFacts(
        object_id, template_id, _name(row.get("displayName")), is_privileged(str(template_id)), members
    )
