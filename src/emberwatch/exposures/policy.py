"""Decides which of the dates of a leak is the best one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emberwatch.exposures.models import DateBasis


@dataclass(frozen=True, slots=True)
class LeakDate:
    """When data leaked, and which kind of date says so."""

    at: datetime
    basis: DateBasis


def best_date(
    *, infected: datetime | None, breached: datetime | None, stated: datetime | None, first_seen: datetime
) -> LeakDate:
    """Infection over breach over stated over first seen.

    The moment at which a machine was infected is the machine's own; a breach's date is a researcher's; a stated
    one may be hearsay; that it was first seen here only says that it is no younger.
    """
    known = (
        (DateBasis.INFECTION, infected),
        (DateBasis.BREACH, breached),
        (DateBasis.STATED, stated),
    )
    for basis, at in known:
        if at is not None:
            return LeakDate(at, basis)
    return LeakDate(first_seen, DateBasis.FIRST_SEEN)


def worse_than(basis: DateBasis) -> list[DateBasis]:
    """The kinds of date that one of this kind replaces."""
    order = list(DateBasis)
    return order[order.index(basis) + 1 :]
