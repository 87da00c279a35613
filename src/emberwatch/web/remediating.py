"""What the card Remediation of a credential shows."""

from __future__ import annotations

from dataclasses import dataclass

from emberwatch.core.errors import Conflict, NotFound
from emberwatch.directories.actions import ActionKind
from emberwatch.exposures.models import Credential
from emberwatch.remediation.looking import choosable_groups
from emberwatch.remediation.models import RemediationPlan
from emberwatch.remediation.policy import Offer
from emberwatch.remediation.queries import plans_for
from emberwatch.remediation.services import notice_of, offers_of

# What takes something back belongs to the page of the plan that did it.
_ASKED_FOR_THERE = frozenset(
    {ActionKind.ENABLE_ACCOUNT, ActionKind.DISMISS_RISK, ActionKind.REMOVE_FROM_GROUP}
)


@dataclass(frozen=True, slots=True)
class Card:
    offers: tuple[Offer, ...]
    plans: list[RemediationPlan]
    groups: list[tuple[str, str]]
    notice: str
    why_none: str
    """Why nothing can be offered at all."""

    @property
    def refused(self) -> list[Offer]:
        return [offer for offer in self.offers if not offer.is_offered]

    @property
    def any_offered(self) -> bool:
        return any(offer.is_offered for offer in self.offers)

    @property
    def needs_group(self) -> bool:
        return any(offer.is_offered and offer.kind.needs_group for offer in self.offers)


def remediation_of(credential: Credential) -> Card | None:
    identity = credential.identity
    if identity is None:
        return None
    plans = plans_for(credential)
    try:
        found = tuple(offer for offer in offers_of(identity) if offer.kind not in _ASKED_FOR_THERE)
    except (Conflict, NotFound) as error:
        return Card((), plans, [], "", f"{error.message} {error.remedy}".strip())
    groups = [(str(row.object_id), row.name or str(row.object_id)) for row in choosable_groups(identity)]
    return Card(found, plans, groups, notice_of(identity), "")
