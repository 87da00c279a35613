"""The verdicts: what is known today about one leaked credential, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class VerdictGroup(StrEnum):
    """The four groups on screen; each has one colour that means nothing else."""

    ACTIVE = "active"
    NOT_ACTIVE = "not_active"
    CANNOT_TELL = "cannot_tell"
    NOT_VALIDATED = "not_validated"

    @property
    def label(self) -> str:
        return _GROUP_LABELS[self]


class Verdict(StrEnum):
    """What is known about a credential. ``docs/glossary.md`` explains each."""

    ACTIVE = "active"
    ACTIVE_CHALLENGED = "active_challenged"
    ACTIVE_EXPIRED = "active_expired"
    INACTIVE = "inactive"
    SUPERSEDED = "superseded"
    IMPOSSIBLE = "impossible"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_NOT_FOUND = "account_not_found"
    NOT_TESTABLE = "not_testable"
    LOCKED = "locked"
    THROTTLED = "throttled"
    INCONCLUSIVE = "inconclusive"
    UNVALIDATED = "unvalidated"

    @property
    def group(self) -> VerdictGroup:
        return GROUPS[self]

    @property
    def label(self) -> str:
        return _VERDICT_LABELS[self]


class Certainty(StrEnum):
    """``proved``: the directory answered on this very password or on the account's state.

    ``likely``: inferred from a date or a rule. A password can be set back to an old one, so "changed since
    the leak" alone is never more than likely.
    """

    PROVED = "proved"
    LIKELY = "likely"


GROUPS: Final[Mapping[Verdict, VerdictGroup]] = {
    Verdict.ACTIVE: VerdictGroup.ACTIVE,
    Verdict.ACTIVE_CHALLENGED: VerdictGroup.ACTIVE,
    Verdict.ACTIVE_EXPIRED: VerdictGroup.ACTIVE,
    Verdict.INACTIVE: VerdictGroup.NOT_ACTIVE,
    Verdict.SUPERSEDED: VerdictGroup.NOT_ACTIVE,
    Verdict.IMPOSSIBLE: VerdictGroup.NOT_ACTIVE,
    Verdict.ACCOUNT_DISABLED: VerdictGroup.NOT_ACTIVE,
    Verdict.ACCOUNT_NOT_FOUND: VerdictGroup.NOT_ACTIVE,
    Verdict.NOT_TESTABLE: VerdictGroup.CANNOT_TELL,
    Verdict.LOCKED: VerdictGroup.CANNOT_TELL,
    Verdict.THROTTLED: VerdictGroup.CANNOT_TELL,
    Verdict.INCONCLUSIVE: VerdictGroup.CANNOT_TELL,
    Verdict.UNVALIDATED: VerdictGroup.NOT_VALIDATED,
}

_GROUP_LABELS: Final[Mapping[VerdictGroup, str]] = {
    VerdictGroup.ACTIVE: "Active",
    VerdictGroup.NOT_ACTIVE: "Not active",
    VerdictGroup.CANNOT_TELL: "Cannot tell",
    VerdictGroup.NOT_VALIDATED: "Not validated",
}

_VERDICT_LABELS: Final[Mapping[Verdict, str]] = {
    Verdict.ACTIVE: "Active",
    Verdict.ACTIVE_CHALLENGED: "Active, sign-in challenged",
    Verdict.ACTIVE_EXPIRED: "Active, password expired",
    Verdict.INACTIVE: "Wrong password",
    Verdict.SUPERSEDED: "Superseded",
    Verdict.IMPOSSIBLE: "Impossible password",
    Verdict.ACCOUNT_DISABLED: "Account disabled",
    Verdict.ACCOUNT_NOT_FOUND: "Account not found",
    Verdict.NOT_TESTABLE: "Not testable",
    Verdict.LOCKED: "Locked",
    Verdict.THROTTLED: "Throttled",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.UNVALIDATED: "Not validated",
}
