"""A user's Graph properties, read from the scenario one by one: a hundred thousand users hold no copy of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.scenario import (
    DirectoryScenario,
    SkuScenario,
    UserScenario,
    default_domain,
)

# fmt: off
_NULLS: Final = (
    "ageGroup", "city", "companyName", "consentProvidedForMinor", "country", "creationType", "department",
    "employeeHireDate", "employeeId", "employeeLeaveDateTime", "employeeType", "externalUserState",
    "externalUserStateChangeDateTime", "faxNumber", "givenName", "isResourceAccount", "jobTitle",
    "legalAgeGroupClassification", "mobilePhone", "officeLocation", "onPremisesDistinguishedName",
    "onPremisesDomainName", "onPremisesImmutableId", "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName", "passwordPolicies", "postalCode",
    "preferredDataLocation", "preferredLanguage", "securityIdentifier", "showInAddressList", "state",
    "streetAddress", "surname", "usageLocation",
)
_COLLECTIONS: Final = ("businessPhones", "imAddresses", "provisionedPlans")
# fmt: on
_EXTERNAL_ISSUERS: Final[Mapping[str, str]] = {
    "entra": "ExternalAzureAD",
    "msa": "MicrosoftAccount",
    "otp": "mail",
}

SIGN_IN_ACTIVITY: Final = "signInActivity"
# fmt: off
USER_DEFAULT_SELECT: Final = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)
# fmt: on
USER_BASIC: Final = frozenset({"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"})


class UserProperties(Mapping[str, Any]):
    """All the Graph properties of a user but ``signInActivity``."""

    __slots__ = ("directory", "has_password", "user")

    def __init__(self, user: UserScenario, directory: DirectoryScenario, *, has_password: bool) -> None:
        self.user, self.directory, self.has_password = user, directory, has_password

    def __getitem__(self, name: str) -> Any:
        own = self.user.properties
        if name in own:
            return own[name]
        read = _READ.get(name)
        if read is not None:
            return read(self)
        if name in _SYNCED and self.user.synced:
            return _SYNCED[name](self.user)
        return _EMPTY[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    def __contains__(self, name: object) -> bool:
        return name in _NAMES


def _changed(own: UserProperties) -> str | None:
    user = own.user
    return graph_time(user.last_password_change or (user.created if own.has_password else None))


def _sessions(own: UserProperties) -> str | None:
    since = _changed(own) or graph_time(own.user.created)
    revoked = graph_time(own.user.sessions_valid_from)
    # Times of this form sort as texts.
    return max(filter(None, (since, revoked)), default=None)


def _password_profile(own: UserProperties) -> dict[str, Any] | None:
    plain, with_mfa = own.user.force_change, own.user.force_change_with_mfa
    if plain is None and with_mfa is None:
        return None
    return {
        "password": None,
        "forceChangePasswordNextSignIn": bool(plain),
        "forceChangePasswordNextSignInWithMfa": bool(with_mfa),
    }


def _upn(own: UserProperties) -> str:
    user = own.user
    # A deleted user's name is freed: the service puts the object id in front of it.
    return user.upn if user.deleted is None else user.object_id.replace("-", "") + user.upn


def _proxy_addresses(own: UserProperties) -> list[str]:
    user = own.user
    has_primary = any(address.startswith("SMTP:") for address in user.proxy_addresses)
    primary = [f"SMTP:{user.mail}"] if user.mail and not has_primary else []
    return [*primary, *user.proxy_addresses]


def _identities(own: UserProperties) -> list[dict[str, Any]]:
    user = own.user
    if user.user_type == "Guest":
        issuer = _EXTERNAL_ISSUERS[user.home]
        return [{"signInType": "federated", "issuer": issuer, "issuerAssignedId": None}]
    issuer = default_domain(own.directory).name
    return [{"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": user.upn}]


def _licences(own: UserProperties) -> list[dict[str, Any]]:
    return [{"disabledPlans": [], "skuId": sku.object_id} for sku in skus_of(own.user, own.directory)]


def _plans(own: UserProperties) -> list[dict[str, Any]]:
    plans = [plan for sku in skus_of(own.user, own.directory) for plan in sku.plans]
    return [
        {
            "assignedDateTime": graph_time(own.user.created),
            "capabilityStatus": "Enabled",
            "service": plan.service or plan.name,
            "servicePlanId": plan.object_id,
        }
        for plan in plans
    ]


def skus_of(user: UserScenario, directory: DirectoryScenario) -> list[SkuScenario]:
    """The licences of an account."""
    # Most accounts of a large directory have none: for them nothing is looked through.
    return [sku for sku in directory.skus if sku.part_number in user.licences] if user.licences else []


def _local_part(user: UserScenario) -> str:
    return user.upn.partition("@")[0]


_READ: Final[Mapping[str, Callable[[UserProperties], Any]]] = {
    "id": lambda own: own.user.object_id,
    "userPrincipalName": _upn,
    "displayName": lambda own: own.user.display_name or _local_part(own.user),
    "mailNickname": lambda own: _local_part(own.user),
    "mail": lambda own: own.user.mail,
    "otherMails": lambda own: list(own.user.other_mails),
    "proxyAddresses": _proxy_addresses,
    "accountEnabled": lambda own: own.user.enabled,
    "userType": lambda own: own.user.user_type,
    "createdDateTime": lambda own: graph_time(own.user.created),
    "deletedDateTime": lambda own: graph_time(own.user.deleted),
    "lastPasswordChangeDateTime": _changed,
    "signInSessionsValidFromDateTime": _sessions,
    "passwordProfile": _password_profile,
    "identities": _identities,
    "assignedLicenses": _licences,
    "assignedPlans": _plans,
    "externalUserState": lambda own: "Accepted" if own.user.user_type == "Guest" else None,
}
_SYNCED: Final[Mapping[str, Callable[[UserScenario], Any]]] = {
    "onPremisesSyncEnabled": lambda _: True,
    "onPremisesImmutableId": lambda u: u.object_id.replace("-", "")[:22] + "==",
    "onPremisesLastSyncDateTime": lambda u: graph_time(u.last_password_change or u.created),
    "onPremisesSamAccountName": _local_part,
    "onPremisesDomainName": lambda u: u.upn.partition("@")[2],
    "onPremisesUserPrincipalName": lambda u: u.upn,
}
_EMPTY: Final[Mapping[str, Callable[[], Any]]] = {
    **dict.fromkeys(_NULLS, lambda: None),
    **dict.fromkeys(_COLLECTIONS, list),
}
_NAMES: Final = frozenset({*_READ, *_EMPTY})
USER_PROPERTIES: Final = _NAMES | {SIGN_IN_ACTIVITY}
