"""Graph's user objects as changes of accounts: one row of :data:`PROPERTIES` for each property that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from emberwatch.directories.base import DirectoryError
from emberwatch.directories.changes import AccountChange, Gone
from emberwatch.directories.entra.accounts import moment

Convert = Callable[[Any], Any]
REMOVED: Final = "@removed"
MANAGER: Final = "manager"
_MANAGER_LINKS: Final = "manager@delta"
_NO_UUID: Final = UUID(int=0)


def text_of(length: int) -> Convert:
    """Text that the store can hold; nothing becomes the empty text."""
    return lambda value: "" if value is None else str(value).replace("\x00", "")[:length]


def _texts(value: Any) -> list[str]:
    return [str(each).replace("\x00", "") for each in value] if isinstance(value, list) else []


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    return moment(value) if value else None


def _licences(value: Any) -> list[UUID]:
    rows = value if isinstance(value, list) else []
    return [sku for row in rows if isinstance(row, dict) and (sku := guid(row.get("skuId")))]


def guid(value: object) -> UUID | None:
    try:
        found = UUID(str(value))
    except ValueError:
        return None
    return found if found != _NO_UUID else None


# Graph's property → our field, and how its value becomes ours.
PROPERTIES: Final[Mapping[str, tuple[str, Convert]]] = {
    "userPrincipalName": ("user_principal_name", text_of(320)),
    "displayName": ("display_name", text_of(256)),
    "mail": ("mail", text_of(320)),
    "otherMails": ("other_mails", _texts),
    "proxyAddresses": ("proxy_addresses", _texts),
    "accountEnabled": ("enabled", _flag),
    "userType": ("user_type", text_of(32)),
    "createdDateTime": ("account_created_at", _time),
    "lastPasswordChangeDateTime": ("last_password_change_at", _time),
    "passwordPolicies": ("password_policies", text_of(128)),
    "signInSessionsValidFromDateTime": ("sessions_valid_from_at", _time),
    "onPremisesSyncEnabled": ("synced", lambda value: value is True),
    "onPremisesSamAccountName": ("on_premises_sam", text_of(256)),
    "onPremisesUserPrincipalName": ("on_premises_upn", text_of(320)),
    "onPremisesDomainName": ("on_premises_domain", text_of(256)),
    "onPremisesLastSyncDateTime": ("on_premises_synced_at", _time),
    "externalUserState": ("external_state", text_of(64)),
    "department": ("department", text_of(256)),
    "jobTitle": ("job_title", text_of(256)),
    "assignedLicenses": ("licences", _licences),
}
_ITEMS: Final = tuple((name, field, convert) for name, (field, convert) in PROPERTIES.items())
SELECT: Final = ",".join(("id", *PROPERTIES))
DELTA_SELECT: Final = f"{SELECT},{MANAGER}"


def account_changes(items: Iterable[Mapping[str, Any]]) -> tuple[AccountChange, ...]:
    return tuple(account_change(item) for item in items)


def account_change(item: Mapping[str, Any]) -> AccountChange:
    """Raises :class:`DirectoryError` when the object lacks its id."""
    object_id = guid(item.get("id"))
    if object_id is None:
        raise DirectoryError("Microsoft Graph listed an account without an id.")
    removed = item.get(REMOVED)
    if removed is not None:
        purged = isinstance(removed, dict) and removed.get("reason") == "deleted"
        return AccountChange(object_id, {}, Gone.PURGED if purged else Gone.DELETED)
    told = {field: convert(item[name]) for name, field, convert in _ITEMS if name in item}
    return AccountChange(object_id, told | _manager(item))


def _manager(item: Mapping[str, Any]) -> dict[str, UUID | None]:
    """As a link in a list of changes, or as an object that was asked for with the account."""
    links = item.get(_MANAGER_LINKS)
    if isinstance(links, list):
        kept = [each for each in links if isinstance(each, dict) and REMOVED not in each]
        return {"manager_object_id": guid(kept[-1].get("id")) if kept else None}
    manager = item.get(MANAGER)
    return {"manager_object_id": guid(manager.get("id"))} if isinstance(manager, dict) else {}


def whole_account(item: Mapping[str, Any]) -> AccountChange:
    """An account that was asked for with its manager: without one, it has none."""
    change = account_change(item)
    return AccountChange(change.object_id, {"manager_object_id": None, **change.told})


def deleted_account(item: Mapping[str, Any]) -> AccountChange:
    """An account in the bin: its sign-in name carries its id in front there, so that the name is free again."""
    change = account_change({name: value for name, value in item.items() if name != REMOVED})
    name = str(change.told.get("user_principal_name", ""))
    mark = change.object_id.hex
    if name.lower().startswith(mark):
        name = name[len(mark) :]
    told = {**change.told, "user_principal_name": name, "deleted_at": _time(item.get("deletedDateTime"))}
    return AccountChange(change.object_id, told, Gone.DELETED)
