"""What a directory can be asked to change of an account, and how to tell that it is so. Pure.

Errors beside those of :mod:`emberwatch.directories.base`, all safe to show::

    DirectoryError
    ├── Refused         the directory said no: nothing was changed, and asking again brings the same answer
    └── OutcomeUnknown  it was sent and no answer came: it may have been done
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from emberwatch.directories.base import DirectoryError


class Refused(DirectoryError):
    """The directory said no; nothing was changed."""


class OutcomeUnknown(DirectoryError):
    """It was sent and no answer came."""


class ActionKind(StrEnum):
    """One change of one account. The order is the one in which a plan sends them: it fails safe.

    Whoever holds the password is kept out first, sessions end last: one that is ended while the password still
    opens the account is begun anew.
    """

    DISABLE_ACCOUNT = "disable_account"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind of action
    REQUIRE_PASSWORD_CHANGE = "require_password_change"  # noqa: S105 - likewise
    MARK_COMPROMISED = "mark_compromised"
    DISMISS_RISK = "dismiss_risk"
    ADD_TO_GROUP = "add_to_group"
    REMOVE_FROM_GROUP = "remove_from_group"
    ENABLE_ACCOUNT = "enable_account"
    REVOKE_SESSIONS = "revoke_sessions"

    @property
    def label(self) -> str:
        return WORDS[self].label

    @property
    def needs_group(self) -> bool:
        return self in (ActionKind.ADD_TO_GROUP, ActionKind.REMOVE_FROM_GROUP)


ORDER: Final = tuple(ActionKind)


@dataclass(frozen=True, slots=True)
class Words:
    label: str
    effect: str
    """What it does and what it does not do, for whoever decides."""
    undone_by: ActionKind | None = None
    stays: str = ""
    """Why nothing undoes it."""


WORDS: Final[Mapping[ActionKind, Words]] = {
    ActionKind.DISABLE_ACCOUNT: Words(
        "Disable the account",
        "Nobody signs in to the account until it is enabled again.",
        ActionKind.ENABLE_ACCOUNT,
    ),
    ActionKind.RESET_PASSWORD: Words(
        "Set a random password",
        "The leaked password stops working at once. Nobody sees the new one: the person resets it, or is given one "
        "by the help desk.",
        stays="The password before is not known to Emberwatch, and it is the one that leaked.",
    ),
    ActionKind.REQUIRE_PASSWORD_CHANGE: Words(
        "Require a password change",
        "At the next sign-in the person passes a second factor and chooses a new password. The leaked one works "
        "until then.",
        stays="It ends when the person chooses a new password.",
    ),
    ActionKind.MARK_COMPROMISED: Words(
        "Mark as compromised",
        "The account's risk becomes high. It has an effect only where a risk-based Conditional Access policy acts "
        "on it.",
        ActionKind.DISMISS_RISK,
    ),
    ActionKind.DISMISS_RISK: Words(
        "Dismiss the risk",
        "The directory no longer counts the account as at risk.",
        stays="What the directory had found before is not known to Emberwatch.",
    ),
    ActionKind.ADD_TO_GROUP: Words(
        "Add to a group",
        "What policies do to members of the group applies to the account.",
        ActionKind.REMOVE_FROM_GROUP,
    ),
    ActionKind.REMOVE_FROM_GROUP: Words(
        "Remove from a group",
        "What policies do to members of the group no longer applies to the account.",
        ActionKind.ADD_TO_GROUP,
    ),
    ActionKind.ENABLE_ACCOUNT: Words(
        "Enable the account", "People can sign in to the account again.", ActionKind.DISABLE_ACCOUNT
    ),
    ActionKind.REVOKE_SESSIONS: Words(
        "Revoke sessions",
        "Everybody who is signed in has to sign in again. Access that was given already may go on for about an hour.",
        stays="Ended sessions do not come back; people sign in again.",
    ),
}


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an action changes, as the directory told it at ``read_at``. ``None``: it did not say, or was not asked."""

    read_at: datetime
    request_id: str = ""
    enabled: bool | None = None
    sessions_valid_from_at: datetime | None = None
    last_password_change_at: datetime | None = None
    must_change_password: bool | None = None
    risk_level: str = ""
    risk_state: str = ""
    in_group: bool | None = None
    synced: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """The directory said yes."""

    request_id: str
    at: datetime


Test: TypeAlias = Callable[[AccountState, AccountState], bool]


def _later(before: datetime | None, now: datetime | None) -> bool:
    return now is not None and (before is None or now > before)


def _password_moved(before: AccountState, now: AccountState) -> bool:
    return _later(before.last_password_change_at, now.last_password_change_at)


def _change_is_due(before: AccountState, now: AccountState) -> bool:
    # Somebody may have chosen a new password before we looked: that is what was asked for.
    return now.must_change_password is True or _password_moved(before, now)


def _is_compromised(_: AccountState, now: AccountState) -> bool:
    return now.risk_state == "confirmedCompromised"


def _risk_is_dismissed(_: AccountState, now: AccountState) -> bool:
    return now.risk_state in ("dismissed", "none", "")


def _risk_was_answered(before: AccountState, now: AccountState) -> bool:
    # A person who chose a new password has answered the risk: nothing came back.
    return _is_compromised(before, now) or now.risk_state == "remediated"


# Directories keep such times in whole seconds, and a new password ends sessions too.
_SAME_MOMENT: Final = timedelta(seconds=2)


def _sessions_ended(before: AccountState, now: AccountState) -> bool:
    ended = now.sessions_valid_from_at
    just_now = ended is not None and ended >= before.read_at - _SAME_MOMENT
    return just_now or _later(before.sessions_valid_from_at, ended)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How an account shows that an action was done; each compares what was read before it with what is read now."""

    seen: Test
    """Once the directory said yes."""
    holds: Test
    """Whether it still is so later; a person may have answered it meanwhile."""
    proved: Test | None = None
    """When no answer came, where that asks for more."""
    lasts: bool = True
    """Something may take it back, as a synchronisation does."""
    is_state: bool = True
    """What is so already need not be done again."""


def _same(test: Test, *, lasts: bool = True, is_state: bool = True, proved: Test | None = None) -> ReadBack:
    return ReadBack(test, test, proved, lasts, is_state)


READ_BACK: Final[Mapping[ActionKind, ReadBack]] = {
    ActionKind.DISABLE_ACCOUNT: _same(lambda _, now: now.enabled is False),
    ActionKind.ENABLE_ACCOUNT: _same(lambda _, now: now.enabled is True, lasts=False),
    ActionKind.RESET_PASSWORD: _same(_password_moved, lasts=False, is_state=False),
    ActionKind.REQUIRE_PASSWORD_CHANGE: _same(_change_is_due),
    ActionKind.MARK_COMPROMISED: ReadBack(_is_compromised, _risk_was_answered),
    ActionKind.DISMISS_RISK: _same(_risk_is_dismissed, lasts=False),
    ActionKind.ADD_TO_GROUP: _same(lambda _, now: now.in_group is True),
    ActionKind.REMOVE_FROM_GROUP: _same(lambda _, now: now.in_group is False, lasts=False),
    ActionKind.REVOKE_SESSIONS: _same(
        _sessions_ended,
        lasts=False,
        is_state=False,
        proved=lambda before, now: _later(before.sessions_valid_from_at, now.sessions_valid_from_at),
    ),
}


def is_seen(kind: ActionKind, before: AccountState, now: AccountState) -> bool:
    """Whether an action that the directory took shows."""
    return READ_BACK[kind].seen(before, now)


def is_proved(kind: ActionKind, before: AccountState, now: AccountState) -> bool:
    """Whether an action that got no answer was done: only a difference proves it, for it may have been so before."""
    row = READ_BACK[kind]
    return not is_so_already(kind, before) and (row.proved or row.seen)(before, now)


def still_holds(kind: ActionKind, before: AccountState, now: AccountState) -> bool:
    return READ_BACK[kind].holds(before, now)


def is_so_already(kind: ActionKind, now: AccountState) -> bool:
    """Whether nothing is left to do. Ended sessions and a new password are done anew each time."""
    return READ_BACK[kind].is_state and READ_BACK[kind].seen(now, now)


@runtime_checkable
class Remediator(Protocol):
    """A directory whose accounts can be changed."""

    def read_state(self, kind: ActionKind, object_id: UUID, group_id: UUID | None = None) -> AccountState:
        """What the action changes and what tells that it was done. Raises :class:`DirectoryError`."""
        ...

    def apply(
        self, kind: ActionKind, object_id: UUID, client_request_id: UUID, group_id: UUID | None = None
    ) -> Applied:
        """Sends exactly one request and never a second one.

        Raises :class:`Refused` and :class:`OutcomeUnknown`; any other :class:`DirectoryError` means that the
        directory has not acted.
        """
        ...
