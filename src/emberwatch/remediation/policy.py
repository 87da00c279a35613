"""Decides what may be done to an account, in which order, and who has to agree. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from emberwatch.core.errors import BadInput
from emberwatch.directories.actions import ORDER, WORDS, ActionKind

ACCOUNT: Final = "account"
GROUP: Final = "group"
ROLE: Final = "role"


@dataclass(frozen=True, slots=True)
class Belonging:
    """A group or a role of the account."""

    key: str
    name: str
    is_role: bool
    privileged: bool

    @property
    def words(self) -> str:
        return f"it holds the role {self.name}" if self.is_role else f"it is a member of {self.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of an account, of our application's permissions, and of what is protected."""

    object_id: str
    user_principal_name: str
    synced: bool = False
    external: bool = False
    gone: bool = False
    belongings: tuple[Belonging, ...] = ()
    unread: str = ""
    """Why the account's roles are not known: it may be a privileged one then."""
    protected: frozenset[tuple[str, str]] = frozenset()
    lacking: Mapping[ActionKind, str] = field(default_factory=dict)
    """The permission that an action needs and the application does not hold."""
    refused: Mapping[ActionKind, str] = field(default_factory=dict)
    """Why the last check found that the directory does not offer it."""
    on_premises_name: str = ""
    group: Belonging | None = None
    """The group that was chosen, for the actions that need one."""


@dataclass(frozen=True, slots=True)
class WhyNot:
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One action: offered, or why not."""

    kind: ActionKind
    why_not: WhyNot | None = None

    @property
    def is_offered(self) -> bool:
        return self.why_not is None


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[ActionKind, ...]
    needs_second_person: str = ""
    notice: str = ""
    """What people have to do elsewhere."""


Rule: TypeAlias = Callable[[Target, ActionKind], WhyNot | None]

_OF_ITS_HOME: Final = frozenset(
    {
        ActionKind.RESET_PASSWORD,
        ActionKind.REQUIRE_PASSWORD_CHANGE,
        ActionKind.REVOKE_SESSIONS,
        ActionKind.MARK_COMPROMISED,
        ActionKind.DISMISS_RISK,
    }
)
_OF_ACTIVE_DIRECTORY: Final = frozenset(
    {
        ActionKind.DISABLE_ACCOUNT,
        ActionKind.ENABLE_ACCOUNT,
        ActionKind.RESET_PASSWORD,
        ActionKind.REQUIRE_PASSWORD_CHANGE,
    }
)


def _gone(target: Target, _: ActionKind) -> WhyNot | None:
    return WhyNot("The account is not in the directory any more.") if target.gone else None


def _break_glass(target: Target, _: ActionKind) -> WhyNot | None:
    names = {target.object_id.lower(), target.user_principal_name.lower()}
    if not any((ACCOUNT, name) in target.protected for name in names):
        return None
    return WhyNot(
        "The account is on the list of protected accounts: Emberwatch never changes it.",
        "Decide together, and do it by hand in the Entra admin center.",
    )


def _guest(target: Target, kind: ActionKind) -> WhyNot | None:
    if not target.external or kind not in _OF_ITS_HOME:
        return None
    return WhyNot(
        "The account is a guest: its password, its sessions and its risk belong to its own organisation.",
        "Tell that organisation; here the account can be disabled.",
    )


def _synced(target: Target, kind: ActionKind) -> WhyNot | None:
    if not target.synced or kind not in _OF_ACTIVE_DIRECTORY:
        return None
    return WhyNot(
        "The account is synchronised from Active Directory: the directory refuses this, or the next synchronisation "
        "undoes it.",
        "Have it done in Active Directory; sessions can be revoked and the account marked as compromised here.",
    )


def _permission(target: Target, kind: ActionKind) -> WhyNot | None:
    missing = target.lacking.get(kind, "")
    if not missing:
        return None
    return WhyNot(
        f"The application lacks the permission {missing}.",
        f"Add {missing} under Application permissions, grant admin consent, and check the connection again.",
    )


def _licence(target: Target, kind: ActionKind) -> WhyNot | None:
    why = target.refused.get(kind, "")
    return WhyNot(why, "The other actions do not need it.") if why else None


def _dangerous_group(target: Target, kind: ActionKind) -> WhyNot | None:
    if not kind.needs_group or target.group is None or not target.group.privileged:
        return None
    return WhyNot("The group can carry a directory role: Emberwatch puts nobody into it or out of it.")


# The first that speaks gives the reason.
RULES: Final[Sequence[Rule]] = (
    _gone,
    _break_glass,
    _guest,
    _synced,
    _permission,
    _licence,
    _dangerous_group,
)

CONTRADICTIONS: Final = (
    (ActionKind.DISABLE_ACCOUNT, ActionKind.ENABLE_ACCOUNT),
    (ActionKind.MARK_COMPROMISED, ActionKind.DISMISS_RISK),
    (ActionKind.ADD_TO_GROUP, ActionKind.REMOVE_FROM_GROUP),
    # A random password has to be changed at the next sign-in anyway.
    (ActionKind.RESET_PASSWORD, ActionKind.REQUIRE_PASSWORD_CHANGE),
)


def offers(target: Target) -> tuple[Offer, ...]:
    """Every action in the order of a plan, with why not where it is not offered."""
    return tuple(Offer(kind, why_not(target, kind)) for kind in ORDER)


def why_not(target: Target, kind: ActionKind) -> WhyNot | None:
    return next((found for rule in RULES if (found := rule(target, kind))), None)


def make_plan(target: Target, wanted: Collection[ActionKind]) -> Plan:
    """The steps in the order that fails safe. Raises :class:`BadInput` for what cannot be asked for."""
    _check_wanted(target, wanted)
    for kind in ORDER:
        reason = why_not(target, kind) if kind in wanted else None
        if reason is not None:
            raise BadInput(f"{kind.label}: {reason.sentence}", remedy=reason.remedy, field="actions")
    return Plan(
        tuple(kind for kind in ORDER if kind in wanted), second_person_because(target), notice_for(target)
    )


def _check_wanted(target: Target, wanted: Collection[ActionKind]) -> None:
    if not wanted:
        raise BadInput("Choose at least one action.", field="actions")
    for one, other in CONTRADICTIONS:
        if one in wanted and other in wanted:
            sentence = f"{one.label} and {other.label} do not go together."
            raise BadInput(sentence, remedy="Choose one of them.", field="actions")
    if any(kind.needs_group for kind in wanted) and target.group is None:
        raise BadInput("Name the group by its object id.", field="group_id")


def second_person_because(target: Target) -> str:
    """Why somebody else has to approve, or nothing."""
    if target.unread:
        return f"Whether the account is privileged could not be read. {target.unread}".strip()
    for belonging in target.belongings:
        kind = ROLE if belonging.is_role else GROUP
        if (kind, belonging.key.lower()) in target.protected:
            return f"The account is protected: {belonging.words}."
    held = next((each for each in target.belongings if each.privileged), None)
    return f"The account is privileged: {held.words}." if held else ""


def notice_for(target: Target) -> str:
    """The task for the team that runs Active Directory, ready to be sent."""
    if not target.synced or target.gone:
        return ""
    name = target.user_principal_name
    if target.on_premises_name:
        name = f"{target.on_premises_name} ({name})"
    return (
        f"The password of {name} has leaked. Please disable the account in Active Directory, or reset its password "
        "twice there, so that the leaked one is no longer accepted anywhere. The synchronisation then brings it to "
        "Entra ID. Afterwards please have its sessions revoked once more."
    )


def inverse_of(kinds: Collection[ActionKind]) -> tuple[ActionKind, ...]:
    """What undoes these, as far as anything does, in the order of a plan."""
    wanted = {undo for kind in kinds if (undo := WORDS[kind].undone_by)}
    return tuple(kind for kind in ORDER if kind in wanted)
