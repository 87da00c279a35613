"""How the scenario's domains and directories look in Graph v1.0: names and defaults."""

from __future__ import annotations

from typing import Any, Final

from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.scenario import (
    DirectoryScenario,
    DomainScenario,
    default_domain,
    stable_id,
)

Object = dict[str, Any]

PASSWORD_RULES_TEMPLATE: Final = "5cf42378-d67d-4f36-ba46-e8b86229381d"
DEFAULT_LOCK_SECONDS: Final = 60

# fmt: off
DOMAIN_PROPERTIES: Final = frozenset({
    "id", "authenticationType", "availabilityStatus", "isAdminManaged", "isDefault", "isInitial", "isRoot",
    "isVerified", "manufacturer", "model", "passwordNotificationWindowInDays",
    "passwordValidityPeriodInDays", "state", "supportedServices",
})
# fmt: on


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
