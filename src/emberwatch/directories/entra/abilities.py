"""What a directory offers beside the account list: each ability, its permission, and how its refusals read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from emberwatch.directories.actions import ActionKind
from emberwatch.directories.base import DirectoryError, NotOffered
from emberwatch.directories.entra.faults import CONSENT, NOT_PREMIUM
from emberwatch.directories.entra.graph import Forbidden, GraphRequest, NoSuchOperation

# One of the three shapes in which Graph says that a licence is missing; the other two answer 403.
_LICENCE_CODE: Final = "AadPremiumLicenseRequired"


@dataclass(frozen=True, slots=True)
class Ability:
    """``name`` and ``use`` are for the connection check, ``permission`` is Graph's own name."""

    name: str
    permission: str
    use: str
    licence: str = ""
    """What the directory has to have for it."""
    path: str = ""
    """A read that costs little and shows whether licence and cloud have it."""
    select: str = ""
    """The property of that read that the licence is about, where it is not the whole."""
    also: tuple[str, ...] = ()
    """Greater permissions that open it too."""
    beside: tuple[str, ...] = ()
    """What the permission needs beside it."""

    @property
    def probe(self) -> GraphRequest:
        params = {"$top": "1"} | ({"$select": f"id,{self.select}"} if self.select else {})
        return GraphRequest(self.path, params)

    @property
    def opened_by(self) -> tuple[str, ...]:
        return (self.permission, self.permission.replace(".Read.", ".ReadWrite."), *self.also)

    def is_granted(self, roles: Collection[str]) -> bool:
        return bool(self.way(roles))

    def way(self, roles: Collection[str]) -> str:
        """The permission that is held and opens it, or nothing."""
        least = self.opened_by[: len(self.opened_by) - len(self.also)]
        ways = (*(least if set(self.beside) <= set(roles) else ()), *self.also)
        return next((way for way in ways if way in roles), "")

    @property
    def to_add(self) -> str:
        return " and ".join((self.permission, *self.beside))

    @property
    def remedy(self) -> str:
        return f"Optional: add {self.to_add} under Application permissions. {CONSENT}"

    def refusal(self, error: DirectoryError, roles: Collection[str]) -> DirectoryError:
        """The same error, or :class:`NotOffered` when it says that this ability is not for us."""
        if isinstance(error, NoSuchOperation):
            return NotOffered(f"This cloud does not offer this: {self.name.lower()}.", code=error.code)
        if not isinstance(error, Forbidden) and error.code != _LICENCE_CODE:
            return error
        if not self.is_granted(roles):
            sentence = f"The application lacks the permission {self.to_add}."
            return NotOffered(sentence, remedy=self.remedy, code=error.code)
        return NotOffered(NOT_PREMIUM.sentence, remedy=NOT_PREMIUM.remedy, code=error.code)


LEAK_DETECTIONS: Final = Ability(
    "Leak detections",
    "IdentityRiskEvent.Read.All",
    "Microsoft's own findings of leaked passwords count as evidence",
    "Microsoft Entra ID P2; others may be refused",
    "/identityProtection/riskDetections",
)
SIGN_IN_LOG: Final = Ability(
    "Sign-in log",
    "AuditLog.Read.All",
    "wrong passwords that others sent count towards the budget",
    "Microsoft Entra ID P1 or P2",
    "/auditLogs/signIns",
)
SIGN_IN_ACTIVITY: Final = Ability(
    "Last sign-ins",
    "AuditLog.Read.All",
    "an account shows when somebody last signed in to it",
    "Microsoft Entra ID P1 or P2",
    "/users",
    "signInActivity",
)
REGISTRATION: Final = Ability(
    "Registered methods",
    "AuditLog.Read.All",
    "an account shows whether it has a second factor",
    "Microsoft Entra ID P1 or P2",
    "/reports/authenticationMethods/userRegistrationDetails",
)
RISKY_ACCOUNTS: Final = Ability(
    "Risky accounts",
    "IdentityRiskyUser.Read.All",
    "an account shows the risk that Microsoft sees in it",
    "Microsoft Entra ID P2",
    "/identityProtection/riskyUsers",
)
DELETED_ACCOUNTS: Final = Ability(
    "Deleted accounts", "User.Read.All", "an account that was deleted shows when"
)
_CHANGES_USERS: Final = ("User.ReadWrite.All", "Directory.ReadWrite.All")
REVOKE_SESSIONS: Final = Ability(
    "Revoke sessions",
    "User.RevokeSessions.All",
    "ends the sessions of an account whose password leaked",
    also=_CHANGES_USERS,
)
DISABLE_ACCOUNTS: Final = Ability(
    "Disable accounts",
    "User.EnableDisableAccount.All",
    "disables an account whose password leaked, and enables it again",
    also=_CHANGES_USERS,
    beside=("User.Read.All",),
)
CHANGE_PASSWORDS: Final = Ability(
    "Change passwords",
    "User-PasswordProfile.ReadWrite.All",
    "sets a random password, or has the person choose a new one",
)
MARK_RISK: Final = Ability(
    "Mark risk",
    "IdentityRiskyUser.ReadWrite.All",
    "marks an account as compromised, and dismisses the risk",
    "Microsoft Entra ID P2",
    "/identityProtection/riskyUsers",
)
CHANGE_GROUPS: Final = Ability(
    "Change groups",
    "GroupMember.ReadWrite.All",
    "puts an account into a group that your policies watch, and takes it out again",
    also=("Group.ReadWrite.All", "Directory.ReadWrite.All"),
)
ACTION_ABILITIES: Final[Mapping[Ability, tuple[ActionKind, ...]]] = {
    REVOKE_SESSIONS: (ActionKind.REVOKE_SESSIONS,),
    DISABLE_ACCOUNTS: (ActionKind.DISABLE_ACCOUNT, ActionKind.ENABLE_ACCOUNT),
    CHANGE_PASSWORDS: (ActionKind.RESET_PASSWORD, ActionKind.REQUIRE_PASSWORD_CHANGE),
    MARK_RISK: (ActionKind.MARK_COMPROMISED, ActionKind.DISMISS_RISK),
    CHANGE_GROUPS: (ActionKind.ADD_TO_GROUP, ActionKind.REMOVE_FROM_GROUP),
}
# What is optional. Deleted accounts stand among what is required: the permission for all of that covers them.
ABILITIES: Final = (
    LEAK_DETECTIONS,
    SIGN_IN_LOG,
    SIGN_IN_ACTIVITY,
    REGISTRATION,
    RISKY_ACCOUNTS,
    *ACTION_ABILITIES,
)
