"""From what was typed to the settings and secrets of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from emberwatch.channels.base import Field, FieldKind, Kind
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.http.guard import PrivateHosts

LONGEST: int = 2000
YES = "yes"


def checked_settings(kind: Kind, typed: Mapping[str, str], private_hosts: PrivateHosts) -> dict[str, str]:
    """The settings that are no secrets, as they are stored. Raises :class:`BadInput` with ``field``."""
    unknown = set(typed) - {each.name for each in kind.fields}
    if unknown:
        raise BadInput(f"{kind.label} has no setting {min(unknown)[:40]}.", field="settings")
    return {each.name: _checked(each, typed.get(each.name, ""), private_hosts) for each in kind.plain_fields}


def checked_secrets(
    kind: Kind, given: Mapping[str, Secret], private_hosts: PrivateHosts
) -> dict[str, Secret]:
    """Those that were given; what is left out stays as it is stored. Raises :class:`BadInput` with ``field``."""
    known = {each.name: each for each in kind.secret_fields}
    unknown = set(given) - set(known)
    if unknown:
        raise BadInput(f"{kind.label} has no secret {min(unknown)[:40]}.", field="secrets")
    typed = {name: secret for name, secret in given.items() if len(secret)}
    return {
        name: Secret(_shaped(known[name], value.expose(), private_hosts)) for name, value in typed.items()
    }


def missing_secret(kind: Kind, names: set[str]) -> Field | None:
    """The first secret that is needed and not there."""
    return next((each for each in kind.secret_fields if each.required and each.name not in names), None)


def _checked(field: Field, typed: str, private_hosts: PrivateHosts) -> str:
    value = typed.strip() or (field.default if field.kind is not FieldKind.SWITCH else "")
    if field.kind is FieldKind.SWITCH:
        return YES if value in (YES, "true", "1") else ""
    if not value:
        if field.required:
            raise BadInput(f"{field.label} is missing.", field=field.name)
        return ""
    return _shaped(field, value, private_hosts)


def _shaped(field: Field, value: str, private_hosts: PrivateHosts) -> str:
    """Never repeats what was typed: it may be a secret."""
    value = value.strip()
    if len(value) > LONGEST or "\x00" in value:
        raise BadInput(f"{field.label} is too long.", field=field.name)
    if field.kind is not FieldKind.LINES and any(ord(sign) < 32 for sign in value):
        raise BadInput(f"{field.label} needs to be one line.", field=field.name)
    if field.choices and value not in dict(field.choices):
        known = ", ".join(choice for choice, _ in field.choices)
        raise BadInput(f"{field.label} needs one of: {known}.", field=field.name)
    try:
        value = field.check(value) if field.check else value
    except ValueError as error:
        raise BadInput(f"{field.label} {error}.", field=field.name) from None
    _refuse_plain_http(field, value, private_hosts)
    return value


def _refuse_plain_http(field: Field, value: str, private_hosts: PrivateHosts) -> None:
    """Messages name people and what became of their passwords: over the Internet they go encrypted."""
    if not value.startswith("http://"):
        return
    if not private_hosts.names_host(urlsplit(value).hostname or ""):
        raise BadInput(
            f"{field.label} needs an address that begins with https://.",
            remedy="http is for hosts in EMBERWATCH_CHANNEL_PRIVATE_HOSTS alone.",
            field=field.name,
        )
