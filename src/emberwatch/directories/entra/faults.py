"""What is wrong with a connection, in plain words: one row for each fault that Microsoft can answer with.

Source of the facts: Microsoft's AADSTS reference and Graph's error responses, gathered 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    sentence: str
    remedy: str


_OVERVIEW = "Compare both IDs with the app registration's Overview in the Entra admin center."
CONSENT = "Entra admin center → App registrations → your app → API permissions → Grant admin consent."
_SECRETS = "Entra admin center → App registrations → your app → Certificates & secrets"

WRONG_SECRET: Final = Fault(
    "Entra ID does not accept the client secret.",
    f"{_SECRETS} → paste the Value column, not the Secret ID.",
)
_EXPIRED_SECRET = Fault(
    "The client secret has expired.", f"{_SECRETS} → New client secret → paste its Value here."
)
_NO_SECRET = Fault(
    "Entra ID received no client secret.",
    "Fill in Entra Client Secret. Leave “Allow public client flows” off.",
)
_APP_NOT_THERE = Fault(
    "This directory has no application with this Entra Client ID.",
    f"The two IDs may be swapped, or belong to different directories. {_OVERVIEW}",
)
_NOT_AN_APP = Fault("The Entra Client ID does not name an application.", _OVERVIEW)
_NO_DIRECTORY = Fault(
    "Entra ID knows no directory with this Entra Tenant ID in the chosen cloud.",
    "Check the Directory (tenant) ID on the app registration's Overview, and the cloud.",
)
_OTHER_CLOUD = Fault("This directory lives in another Microsoft cloud.", "Choose that cloud and save again.")
_TENANT_ID_NEEDED = Fault(
    "The sign-in address needs the ID of one directory.",
    "Enter the Directory (tenant) ID from the app registration's Overview.",
)
_DISABLED = Fault(
    "The application is disabled in this directory.",
    "Entra admin center → Enterprise applications → your app → Properties → Enabled for users to sign-in → Yes.",
)
_ASSERTION = Fault(
    "Entra ID does not accept the application's certificate or signature.",
    f"{_SECRETS} → Certificates: upload the very certificate that Emberwatch has. Check the clock of this machine.",
)
_FEDERATION = Fault(
    "The application trusts no federated credential that fits the platform's token.",
    f"{_SECRETS} → Federated credentials: compare issuer, subject and audience with those of the platform.",
)
_ISSUER = Fault(
    "Entra ID cannot read the keys of the platform that issued the token.",
    "The issuer's address has to be reachable from the internet.",
)
_PUBLIC_CLIENT = Fault(
    "The application is registered as a public client, which must not prove who it is.",
    "Entra admin center → App registrations → your app → Authentication → add the platform Web, "
    "and set “Allow public client flows” to No.",
)
NO_KEY: Final = Fault(
    "The application has neither a client secret nor a certificate.",
    "Add one under Entra ID Configuration.",
)
NO_FEDERATED_TOKEN: Final = Fault(
    "The platform's federated token cannot be read.",
    "The operator of this installation names its file in EMBERWATCH_FEDERATED_TOKEN_PATH.",
)
_NOCONSENT = Fault("Nobody has consented to what the application asks for.", CONSENT)
_APP_BLOCKED = Fault(
    "Conditional Access for workload identities blocks the application itself.",
    "Exclude the application's service principal from that policy.",
)

NO_PERMISSIONS: Final = Fault(
    "The application has no Microsoft Graph application permission.",
    f"Add Directory.Read.All under Application permissions. {CONSENT}",
)
MISSING_PERMISSION: Final = Fault("The application lacks the permission Directory.Read.All.", CONSENT)
NOT_PREMIUM: Final = Fault(
    "The directory's licence does not include this.",
    "It needs Microsoft Entra ID P1 or P2; Emberwatch works without it.",
)
THROTTLED: Final = Fault("The directory throttles us at the moment.", "Wait a minute and save again.")
FAILING: Final = Fault("The directory's own service fails at the moment.", "Wait a minute and save again.")
UNREACHABLE: Final = Fault(
    "The directory did not answer.",
    "Check that this machine reaches the cloud's addresses, the proxy and the trusted authorities.",
)

EXPIRED_LINK: Final = Fault(
    "Microsoft Graph no longer knows the place at which the reading was to go on.",
    "The directory is read from the beginning by itself.",
)

TOKEN_FAULTS: Final[Mapping[int, Fault]] = {
    7000215: WRONG_SECRET,
    7000216: _NO_SECRET,
    7000217: _NO_SECRET,
    7000218: _NO_SECRET,
    7000219: _NO_SECRET,
    7000222: _EXPIRED_SECRET,
    700016: _APP_NOT_THERE,
    700011: _APP_NOT_THERE,
    700038: _NOT_AN_APP,
    90002: _NO_DIRECTORY,
    90013: _NO_DIRECTORY,
    90038: _OTHER_CLOUD,
    900432: _OTHER_CLOUD,
    900382: _OTHER_CLOUD,
    50194: _TENANT_ID_NEEDED,
    9001023: _TENANT_ID_NEEDED,
    7000112: _DISABLED,
    7000116: _DISABLED,
    70001: _DISABLED,
    700021: _ASSERTION,
    700023: _ASSERTION,
    700027: _ASSERTION,
    700030: _ASSERTION,
    700024: _ASSERTION,
    7000272: _ASSERTION,
    50012: _ASSERTION,
    50013: _ASSERTION,
    70021: _FEDERATION,
    70025: _FEDERATION,
    700211: _FEDERATION,
    700212: _FEDERATION,
    700213: _FEDERATION,
    50166: _ISSUER,
    700025: _PUBLIC_CLIENT,
    9002319: _PUBLIC_CLIENT,
    65001: _NOCONSENT,
    90094: _NOCONSENT,
    650056: _NOCONSENT,
    53003: _APP_BLOCKED,
    50105: Fault(
        "The application itself is not assigned to what it asks for.",
        "Entra admin center → Enterprise applications → your app → Properties.",
    ),
    50196: THROTTLED,
    90055: THROTTLED,
    50033: THROTTLED,
}

# These are about one key alone: another key of the application may be in order.
KEY_FAULTS: Final = frozenset(
    {WRONG_SECRET, _EXPIRED_SECRET, _NO_SECRET, _ASSERTION, _FEDERATION, _ISSUER, NO_FEDERATED_TOKEN}
)


def is_about_the_key(code: str) -> bool:
    """Whether a code of the sign-in service, such as ``AADSTS7000215``, says that one key is not accepted."""
    digits = code.removeprefix("AADSTS")
    return digits.isdigit() and TOKEN_FAULTS.get(int(digits)) in KEY_FAULTS


GRAPH_FAULTS: Final[Mapping[str, Fault]] = {
    "Authorization_RequestDenied": MISSING_PERMISSION,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": NOT_PREMIUM,
    "AadPremiumLicenseRequired": NOT_PREMIUM,
    "AccessDenied": NOT_PREMIUM,
    "TooManyRequests": THROTTLED,
    "InvalidAuthenticationToken": Fault(
        "Microsoft Graph does not accept the token that Entra ID issued.",
        "Check the cloud, and the clock of this machine.",
    ),
}


def unknown_token_fault(code: int | None) -> Fault:
    named = f"AADSTS{code}" if code else "no code"
    return Fault(
        f"Entra ID refused the application ({named}).",
        "Look the code up in Microsoft's list of AADSTS error codes.",
    )


def unknown_graph_fault(status: int, code: str) -> Fault:
    return Fault(
        f"Microsoft Graph refused the request ({status} {code}).".replace(" )", ")"),
        "Check the application's permissions and try again.",
    )
