"""How the scenario's users, domains and directories look in Graph v1.0: names and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.scenario import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    UserScenario,
    stable_id,
)

Object = dict[str, Any]

PASSWORD_RULES_TEMPLATE: Final = "5cf42378-d67d-4f36-ba46-e8b86229381d"
DEFAULT_LOCK_SECONDS: Final = 60

# fmt: off
_NULL_STRINGS: Final = (
    "ageGroup", "city", "companyName", "consentProvidedForMinor", "country", "creationType", "department",
    "displayName", "employeeId", "employeeType", "externalUserState", "faxNumber", "givenName", "jobTitle",
    "legalAgeGroupClassification", "mail", "mailNickname", "mobilePhone", "officeLocation",
    "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesImmutableId",
    "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesUserPrincipalName",
    "passwordPolicies", "postalCode", "preferredDataLocation", "preferredLanguage", "securityIdentifier",
    "state", "streetAddress", "surname", "usageLocation", "userPrincipalName", "userType",
)
_NULL_OTHERS: Final = (
    "accountEnabled", "createdDateTime", "deletedDateTime", "employeeHireDate", "employeeLeaveDateTime",
    "externalUserStateChangeDateTime", "isResourceAccount", "lastPasswordChangeDateTime",
    "onPremisesLastSyncDateTime", "onPremisesSyncEnabled", "passwordProfile", "showInAddressList",
    "signInSessionsValidFromDateTime",
)
_COLLECTIONS: Final = (
    "assignedLicenses", "assignedPlans", "businessPhones", "identities", "imAddresses", "otherMails",
    "provisionedPlans", "proxyAddresses",
)
# fmt: on

SIGN_IN_ACTIVITY: Final = "signInActivity"
USER_PROPERTIES: Final = frozenset({"id", SIGN_IN_ACTIVITY, *_NULL_STRINGS, *_NULL_OTHERS, *_COLLECTIONS})
# fmt: off
USER_DEFAULT_SELECT: Final = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)
# fmt: on
USER_BASIC: Final = frozenset({"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"})

# fmt: off
DOMAIN_PROPERTIES: Final = frozenset({
    "id", "authenticationType", "availabilityStatus", "isAdminManaged", "isDefault", "isInitial", "isRoot",
    "isVerified", "manufacturer", "model", "passwordNotificationWindowInDays",
    "passwordValidityPeriodInDays", "state", "supportedServices",
})
# fmt: on
_EXTERNAL_ISSUERS: Final[Mapping[str, str]] = {
    "entra": "ExternalAzureAD",
    "msa": "MicrosoftAccount",
    "otp": "mail",
}


def user_object(user: UserScenario, directory: DirectoryScenario) -> Object:
    """All the Graph properties of a user but ``signInActivity``."""
    empty: Object = dict.fromkeys((*_NULL_STRINGS, *_NULL_OTHERS))
    empty.update({name: [] for name in _COLLECTIONS})
    changed = user.last_password_change or (user.created if user.password is not None else None)
    return {
        **empty,
        "id": user.object_id,
        "userPrincipalName": user.upn,
        "displayName": user.display_name or user.upn.partition("@")[0],
        "mailNickname": user.upn.partition("@")[0],
        "mail": user.mail,
        "otherMails": list(user.other_mails),
        "proxyAddresses": _proxy_addresses(user),
        "accountEnabled": user.enabled,
        "userType": user.user_type,
        "createdDateTime": graph_time(user.created),
        "deletedDateTime": graph_time(user.deleted),
        "lastPasswordChangeDateTime": graph_time(changed),
        "signInSessionsValidFromDateTime": graph_time(changed or user.created),
        "identities": [_sign_in_identity(user, directory)],
        **(_synced_properties(user) if user.synced else {}),
        **({"externalUserState": "Accepted"} if user.user_type == "Guest" else {}),
        **user.properties,
    }


def _proxy_addresses(user: UserScenario) -> list[str]:
    has_primary = any(address.startswith("SMTP:") for address in user.proxy_addresses)
    primary = [f"SMTP:{user.mail}"] if user.mail and not has_primary else []
    return [*primary, *user.proxy_addresses]


def _sign_in_identity(user: UserScenario, directory: DirectoryScenario) -> Object:
    if user.user_type == "Guest":
        issuer = _EXTERNAL_ISSUERS[user.home]
        return {"signInType": "federated", "issuer": issuer, "issuerAssignedId": None}
    return {
        "signInType": "userPrincipalName",
        "issuer": default_domain(directory).name,
        "issuerAssignedId": user.upn,
    }


def _synced_properties(user: UserScenario) -> Object:
    return {
        "onPremisesSyncEnabled": True,
        "onPremisesImmutableId": stable_id(f"immutable {user.upn}").replace("-", "")[:22] + "==",
        "onPremisesLastSyncDateTime": graph_time(user.last_password_change or user.created),
        "onPremisesSamAccountName": user.upn.partition("@")[0],
        "onPremisesDomainName": user.upn.partition("@")[2],
        "onPremisesUserPrincipalName": user.upn,
    }


def default_domain(directory: DirectoryScenario) -> DomainScenario:
    """The domain marked default, else the first."""
    return next((domain for domain in directory.domains if domain.default), directory.domains[0])


def domain_object(domain: DomainScenario, directory: DirectoryScenario) -> Object:
    """All the Graph properties of a domain."""
    return {
        "id": domain.name,
        "authenticationType": domain.authentication,
        "availabilityStatus": None,
        "isAdminManaged": True,
        "isDefault": domain.name == default_domain(directory).name,
        "isInitial": domain.initial,
        "isRoot": _is_root(domain, directory),
        "isVerified": domain.verified,
        "manufacturer": None,
        "model": None,
        "passwordNotificationWindowInDays": 14 if domain.password_validity_days else None,
        "passwordValidityPeriodInDays": domain.password_validity_days,
        "state": None,
        "supportedServices": ["Email"] if domain.verified else [],
    }


def _is_root(domain: DomainScenario, directory: DirectoryScenario) -> bool:
    return not any(domain.name.casefold().endswith(f".{o.name.casefold()}") for o in directory.domains)


SERVICE_PRINCIPAL_PROPERTIES: Final = frozenset(
    {"id", "appId", "displayName", "accountEnabled", "appRoleAssignmentRequired", "servicePrincipalType"}
)


def service_principal(app: AppScenario) -> Object:
    """The enterprise application of an app registration."""
    return {
        "id": stable_id(f"service principal {app.client_id}"),
        "appId": app.client_id,
        "displayName": app.display_name,
        "accountEnabled": not app.disabled,
        "appRoleAssignmentRequired": app.assignment_required,
        "servicePrincipalType": "Application",
    }


def organization_object(directory: DirectoryScenario) -> Object:
    """The one organization of a directory."""
    synced = directory.password_hash_sync or directory.pass_through
    return {
        "id": directory.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "country": None,
        "countryLetterCode": "CH",
        "createdDateTime": graph_time(directory.created),
        "defaultUsageLocation": None,
        "displayName": directory.name,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": graph_time(directory.created) if synced else None,
        "onPremisesSyncEnabled": True if synced else None,
        "postalCode": None,
        "preferredLanguage": "en",
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": None,
        "street": None,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [
            _verified_domain(domain, directory) for domain in directory.domains if domain.verified
        ],
    }


def _verified_domain(domain: DomainScenario, directory: DirectoryScenario) -> Object:
    return {
        "capabilities": "Email",
        "isDefault": domain.name == default_domain(directory).name,
        "isInitial": domain.initial,
        "name": domain.name,
        "type": domain.authentication,
    }


def group_settings(directory_id: str, threshold: int, seconds: int) -> list[Object]:
    """The password rule settings of a directory that changed them."""
    values = {
        "BannedPasswordCheckOnPremisesMode": "Audit",
        "EnableBannedPasswordCheckOnPremises": "True",
        "EnableBannedPasswordCheck": "False",
        "LockoutDurationInSeconds": str(seconds),
        "LockoutThreshold": str(threshold),
        "BannedPasswordList": "",
    }
    return [
        {
            "id": stable_id(f"password rules {directory_id}"),
            "displayName": "Password Rule Settings",
            "templateId": PASSWORD_RULES_TEMPLATE,
            "values": [{"name": name, "value": value} for name, value in values.items()],
        }
    ]
