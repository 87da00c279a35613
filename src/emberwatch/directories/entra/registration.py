"""Our own application as the directory has it: when its keys end, who is assigned to it, what was consented to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from emberwatch.directories.base import (
    AppKey,
    CheckItem,
    CheckState,
    ClientCertificate,
    ClientSecret,
    DirectoryError,
)
from emberwatch.directories.entra.accounts import moment
from emberwatch.directories.entra.certificates import thumbprint_of
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.directories.entra.graph import Graph

EARLY: Final = timedelta(days=30)
URGENT: Final = timedelta(days=7)
SCOPE: Final = "openid"
_EVERYBODY: Final = "AllPrincipals"
# The first three characters of a secret's value are shown by the directory, so that people can tell secrets apart.
_HINT_LENGTH: Final = 3
_KEYS: Final = "id,appId,passwordCredentials,keyCredentials"
_PRINCIPAL: Final = "id,appId,appRoleAssignmentRequired"
_MOST_NAMED: Final = 3

NO_TOKENS: Final = "No tokens for users"
CONSENT_TO_SIGN_IN: Final = "Consent to sign-in"
ENDS: Final = "End of secrets and certificates"
_ASSIGNMENT_REMEDY: Final = (
    "Entra admin center → Enterprise applications → your app → Properties → Assignment required → Yes; "
    "assign nobody."
)
_UNASSIGN: Final = "Entra admin center → Enterprise applications → your app → Users and groups → remove them."
_ROTATE: Final = (
    "Make a new one under Certificates & secrets and add it in Emberwatch beside the old one; "
    "then remove the old one."
)


@dataclass(frozen=True, slots=True)
class Registered:
    """What the directory holds of one secret or certificate. ``mark``: a secret's hint, a certificate's thumbprint."""

    mark: str | bytes
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Registration:
    """``None`` in a field means that it could not be read."""

    keys: tuple[Registered, ...] | None = None
    assignment_required: bool | None = None
    assigned: tuple[str, ...] | None = None
    consented: bool | None = None


def read_registration(graph: Graph, client_id: UUID) -> Registration:
    """Everything here is advice: what cannot be read is left open."""
    principal = _first(graph, "/servicePrincipals", client_id, _PRINCIPAL)
    application = _first(graph, "/applications", client_id, _KEYS)
    keys = None if application is None else tuple(_registered(application))
    if principal is None:
        return Registration(keys=keys)
    below = f"/servicePrincipals/{principal.get('id')}"
    assigned = _rows(graph, f"{below}/appRoleAssignedTo", {"$select": "principalDisplayName"})
    grants = _rows(graph, f"{below}/oauth2PermissionGrants", {})
    return Registration(
        keys=keys,
        assignment_required=principal.get("appRoleAssignmentRequired") is True,
        assigned=None if assigned is None else tuple(_names(assigned)),
        consented=None if grants is None else any(_lets_sign_in(grant) for grant in grants),
    )


def _first(graph: Graph, path: str, client_id: UUID, select: str) -> Mapping[str, Any] | None:
    found = _rows(graph, path, {"$filter": f"appId eq '{client_id}'", "$select": select})
    return found[0] if found else None


def _rows(graph: Graph, path: str, params: Mapping[str, str]) -> list[Mapping[str, Any]] | None:
    try:
        return list(graph.pages(path, params))
    except DirectoryError:
        return None


def _names(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (str(row.get("principalDisplayName") or "somebody") for row in rows)


def _lets_sign_in(grant: Mapping[str, Any]) -> bool:
    return grant.get("consentType") == _EVERYBODY and SCOPE in str(grant.get("scope") or "").split()


def _registered(application: Mapping[str, Any]) -> Iterator[Registered]:
    for row in _objects(application.get("passwordCredentials")):
        yield Registered(str(row.get("hint") or ""), moment(row.get("endDateTime")))
    for row in _objects(application.get("keyCredentials")):
        yield Registered(
            _thumbprint(str(row.get("customKeyIdentifier") or "")), moment(row.get("endDateTime"))
        )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _thumbprint(text: str) -> bytes:
    """The directory writes it in base64; some answers have had it in hexadecimal."""
    try:
        return bytes.fromhex(text) if len(text) == 40 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def end_of(key: AppKey, registration: Registration) -> datetime | None:
    """When a key of ours ends: as the directory has it, else as the key itself says."""
    mark = _mark(key)
    ends = [row.ends_at for row in registration.keys or () if mark and row.mark == mark and row.ends_at]
    # Two secrets may begin alike: the earlier end is the safer one to name.
    return min(ends, default=key.ends_at)


def _mark(key: AppKey) -> str | bytes:
    if isinstance(key.proof, ClientSecret):
        return key.proof.value.expose()[:_HINT_LENGTH]
    return thumbprint_of(key.proof.pem) if isinstance(key.proof, ClientCertificate) else ""


def end_items(ends: Sequence[tuple[str, datetime | None]], now: datetime) -> Iterator[CheckItem]:
    """One line for each of our keys that can end."""
    for what, ends_at in ends:
        yield _end_item(what, ends_at, now)


def _end_item(what: str, ends_at: datetime | None, now: datetime) -> CheckItem:
    if ends_at is None:
        return CheckItem(
            ENDS,
            CheckState.WARNING,
            f"When {what} ends is not known.",
            "Look it up under Certificates & secrets and write it down.",
        )
    left, date = ends_at - now, f"{ends_at.astimezone(UTC):%Y-%m-%d}"
    if left <= timedelta():
        return CheckItem(ENDS, CheckState.WARNING, f"{capital(what)} ended on {date}.", _ROTATE)
    if left <= URGENT:
        sentence = f"{capital(what)} ends on {date}, {_days(left)}. Then nothing can be read or validated."
        return CheckItem(ENDS, CheckState.WARNING, sentence, _ROTATE)
    if left <= EARLY:
        return CheckItem(ENDS, CheckState.WARNING, f"{capital(what)} ends on {date}, {_days(left)}.", _ROTATE)
    return CheckItem(ENDS, CheckState.OK, f"{capital(what)} ends on {date}, {_days(left)}.")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _days(left: timedelta) -> str:
    if left.days == 0:
        return "within a day"
    return f"in {left.days} day{'' if left.days == 1 else 's'}"


def assignment_item(registration: Registration) -> CheckItem:
    """What would make a right password end without a token: assignment required, and nobody assigned."""
    if registration.assignment_required is None:
        sentence = "Whether the application requires assignment could not be read."
        return CheckItem(NO_TOKENS, CheckState.WARNING, sentence, _ASSIGNMENT_REMEDY)
    if not registration.assignment_required:
        sentence = (
            "A right password brings a token, which Emberwatch discards unread: assignment is not required."
        )
        return CheckItem(NO_TOKENS, CheckState.WARNING, sentence, _ASSIGNMENT_REMEDY)
    required = "A right password ends without a token: the application requires assignment"
    if registration.assigned is None:
        sentence = f"{required}. Whether anybody is assigned could not be read."
        return CheckItem(NO_TOKENS, CheckState.WARNING, sentence, "Assign nobody.")
    if registration.assigned:
        sentence = f"{required}. But {_listed(registration.assigned)}: their right passwords bring a token."
        return CheckItem(NO_TOKENS, CheckState.WARNING, sentence, _UNASSIGN)
    return CheckItem(NO_TOKENS, CheckState.OK, f"{required}, and nobody is assigned.")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'} assigned"


def consent_item(
    registration: Registration, cloud: Cloud, entra_tenant_id: UUID, client_id: UUID
) -> CheckItem:
    """Without consent to ``openid`` a right password ends in 65001, which proves nothing and stops the directory."""
    remedy = (
        "API permissions → Add a permission → Microsoft Graph → Delegated permissions → openid, then grant admin "
        f"consent: {cloud.consent_link(entra_tenant_id, client_id)}"
    )
    if registration.consented is None:
        sentence = "Whether the delegated permission openid is consented could not be read."
        return CheckItem(CONSENT_TO_SIGN_IN, CheckState.WARNING, sentence, remedy)
    if registration.consented:
        sentence = (
            "The delegated permission openid is consented for everybody: a right password is recognised."
        )
        return CheckItem(CONSENT_TO_SIGN_IN, CheckState.OK, sentence)
    sentence = (
        "Nobody has consented to the delegated permission openid: a right password ends in code 65001, which "
        "proves nothing."
    )
    return CheckItem(CONSENT_TO_SIGN_IN, CheckState.WARNING, sentence, remedy)
