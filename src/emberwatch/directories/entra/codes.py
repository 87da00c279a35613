"""What each sign-in code means for a leaked password: one versioned table of data, and how a reply is read.

The rows stand in ``sign_in_codes.csv``. Source of the facts: Microsoft's reference of AADSTS error codes and
public sign-in records, gathered 2026-11-23. A code that the table does not hold says nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from emberwatch.core.verdict import Certainty, Verdict

TABLE_VERSION: Final = "2026-11-24"

# Old answers carry this beside the user's own code, which wins.
CLIENT_WRAPPER_CODE: Final = 70002


class Effect(StrEnum):
    """What else follows from a code."""

    NONE = ""
    HALT = "halt"
    RETRY_LATER = "retry_later"
    STOP_ACCOUNT = "stop_account"


@dataclass(frozen=True, slots=True)
class Outcome:
    code: str
    name: str
    verdict: Verdict
    certainty: Certainty | None
    effect: Effect
    meaning: str

    @property
    def password_was_right(self) -> bool:
        return self.verdict in _RIGHT


_RIGHT: Final = frozenset({Verdict.ACTIVE, Verdict.ACTIVE_CHALLENGED, Verdict.ACTIVE_EXPIRED})

ACCEPTED: Final = Outcome(
    "200", "", Verdict.ACTIVE, Certainty.PROVED, Effect.NONE, "The directory accepted the password."
)


@cache
def table() -> Mapping[int, Outcome]:
    text = files(__package__).joinpath("sign_in_codes.csv").read_text(encoding="utf-8")
    return {int(row["code"]): _outcome(row) for row in csv.DictReader(text.splitlines())}


def _outcome(row: Mapping[str, str]) -> Outcome:
    return Outcome(
        code=row["code"],
        name=row["name"],
        verdict=Verdict(row["verdict"]),
        certainty=Certainty(row["certainty"]) if row["certainty"] else None,
        effect=Effect(row["effect"]),
        meaning=row["meaning"],
    )


@dataclass(frozen=True, slots=True)
class Reading:
    outcome: Outcome
    unknown_codes: tuple[int, ...] = ()


def read_codes(codes: Sequence[int]) -> Reading:
    """The outcome of an error reply's ``error_codes``.

    A user's code wins over the client wrapper, and a code that stops the directory or the account over all others.
    Unknown codes, no code at all, and codes that contradict each other are inconclusive: no answer is never "no".
    """
    telling = [code for code in codes if code != CLIENT_WRAPPER_CODE] or list(codes)
    unknown = tuple(code for code in telling if code not in table())
    outcomes = [table()[code] for code in telling if code in table()]
    if stopping := _stopping(outcomes):
        return Reading(stopping, unknown)
    if unknown:
        return Reading(_inconclusive(unknown[0], "Emberwatch does not know this code."), unknown)
    if not telling:
        return Reading(_inconclusive(None, "The directory's answer carried no code."))
    if len({outcome.verdict.group for outcome in outcomes}) > 1:
        return Reading(
            _inconclusive(telling[0], "The directory's answer carried codes that contradict each other.")
        )
    return Reading(outcomes[0])


def _stopping(outcomes: Sequence[Outcome]) -> Outcome | None:
    by_effect = {outcome.effect: outcome for outcome in reversed(outcomes)}
    return by_effect.get(Effect.HALT) or by_effect.get(Effect.STOP_ACCOUNT)


def _inconclusive(code: int | None, meaning: str) -> Outcome:
    return Outcome(str(code or ""), "", Verdict.INCONCLUSIVE, None, Effect.NONE, meaning)
