"""Makes histories from seeds, lets them happen, and cuts a failing one down to the events that it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from emberwatch.engine import facts
from emberwatch.pipeline import FACTS
from tests.faults.model.directory import Rules
from tests.faults.model.installation import Installation, Set
from tests.faults.model.proofs import Proofs, come_to_rest

Event: TypeAlias = tuple[Any, ...]
Draw: TypeAlias = Callable[[random.Random], Any]
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
TO_THE_END_EVERY: Final = 3


def _of(*values: Any) -> Draw:
    return lambda rng: rng.choice(values)


FLAG: Final = _of(True, False)
TENANT: Final = _of(0, 1)
WORKER: Final = _of(0, 1)
# Histories are short: most of what happens has to happen to the same account.
ACCOUNT: Final = _of(0, 0, 0, 0, 1, 1, 2, 2, 3)
PASSWORD: Final = _of(0, 1, 2, 3, 4, 5)
FATES: Final = _of("request lost", "reply lost", "timeout before", "timeout after", "429", "503")
CODES: Final = _of(50053, 50053, 50055, 50196, 7000222, 50056, 599999, 90033)
TIMES: Final = _of(1, 30, 3 * MINUTE, HOUR, 7 * HOUR, DAY - 5 * MINUTE, DAY + MINUTE, DAY + MINUTE, 3 * DAY)

# How often an event happens beside the others, its name, and what it needs.
EVENTS: Final[Sequence[tuple[int, str, Sequence[Draw]]]] = (
    (12, "go on", (WORKER, _of(1, 3, 8, 20, 60, 150, 300))),
    (4, "side by side", (_of(20, 80, 200),)),
    (5, "leak", (TENANT, ACCOUNT, PASSWORD, _of(0, 0, 1, 2))),
    (5, "press", (_of(*range(12)), FLAG)),
    (2, "start", (TENANT,)),
    (4, "time", (TIMES,)),
    (2, "spoil", (_of(True, True, False), FATES, _of(1, 30, 900))),
    (2, "owner changes", (TENANT, ACCOUNT, PASSWORD)),
    (1, "owner signs in", (TENANT, ACCOUNT)),
    (1, "others fail", (TENANT, ACCOUNT, _of(1, 2, 4))),
    (1, "bar", (TENANT, ACCOUNT, _of("disabled", "guest", "deleted"), FLAG)),
    (1, "federate", (TENANT, FLAG, FLAG)),
    (1, "protect", (TENANT, ACCOUNT, FLAG, FLAG)),
    (1, "change run", (TENANT, _of("pause", "resume", "resume", "cancel"))),
    (2, "kill", (WORKER,)),
    (1, "believe dead", (WORKER,)),
    (1, "code", (TENANT, ACCOUNT, CODES, _of("any", "any", "right", "wrong"))),
    (1, "block address", (FLAG,)),
    (1, "registration", (TENANT, FLAG)),
    (1, "our clock", (_of(-10, -3, 0, 3, 10),)),
    (1, "check", (TENANT,)),
    (1, "kill switch", (FLAG,)),
    (1, "engine's minute", ()),
    (1, "schedule", ()),
)


@dataclass(frozen=True, slots=True)
class History:
    begin: Set
    events: tuple[Event, ...]


def history_of(seed: int) -> History:
    """The same history for the same seed, on every machine."""
    rng = random.Random(seed)
    leaks = [
        ("leak", *_drawn((TENANT, ACCOUNT, PASSWORD, _of(0, 0, 1, 2)), rng)) for _ in range(rng.randint(2, 5))
    ]
    weights = [weight for weight, _, _ in EVENTS]
    chosen = rng.choices(EVENTS, weights, k=rng.randint(10, 40))
    return History(_begin(rng, seed), (*leaks, *((name, *_drawn(draws, rng)) for _, name, draws in chosen)))


def _drawn(draws: Sequence[Draw], rng: random.Random) -> list[Any]:
    return [draw(rng) for draw in draws]


def _begin(rng: random.Random, seed: int) -> Set:
    two = rng.random() < 0.2
    rules = tuple(
        Rules(
            threshold=rng.choice((10, 10, 4, 3)),
            cloud=rng.choice(("global", "global", "usgov")),
            shows_log=rng.random() < 0.5,
            synced=rng.random() < 0.3,
        )
        for _ in range(2 if two else 1)
    )
    lower = None if rng.random() < 0.8 else 1
    return Set(
        rules,
        (0, 1) if two else (0, 0),
        automatic=rng.random() < 0.3,
        allowed=lower,
        seed=seed,
        to_the_end=seed % TO_THE_END_EVERY == 0,
    )


def happen(history: History) -> Installation:
    """Lets a history happen. Raises :class:`tests.faults.model.watched.Violation` when a promise is broken."""
    ours = Installation(history.begin)
    proofs = Proofs(ours)
    facts.install(ours.facts())
    with ours.statements.watching():
        try:
            ours.prepare()
            for event in history.events:
                _let(ours, event)
                proofs.verdicts_are_true()
                ours.directories.nothing_locked_by_us()
            come_to_rest(ours, proofs, timedelta(days=20))
        finally:
            ours.end()
            facts.install(FACTS)
    return ours


def _let(ours: Installation, event: Event) -> None:
    kind, *values = event
    happens: dict[str, Callable[..., Any]] = {
        "go on": lambda worker, points: ours.advance(ours.workers[worker], points),
        "side by side": ours.advance_both,
        "leak": ours.leak,
        "press": lambda number, confirm: ours.press(number, confirm=confirm),
        "start": ours.start,
        "time": ours.pass_time,
        "spoil": ours.spoil,
        "owner changes": ours.owner_changes,
        "owner signs in": ours.owner_signs_in,
        "others fail": ours.others_fail,
        "bar": ours.bar,
        "federate": ours.federate,
        "protect": lambda tenant, account, on, group: ours.protect(
            tenant, account, protected=on, by_group=group
        ),
        "change run": ours.change_run,
        "kill": lambda worker: ours.kill(ours.workers[worker]),
        "believe dead": lambda worker: ours.believe_dead(ours.workers[worker]),
        "code": ours.script,
        "block address": ours.block_address,
        "registration": ours.break_registration,
        "our clock": ours.set_our_clock,
        "check": ours.check,
        "kill switch": lambda on: ours.kill_switch(on=on),
        "engine's minute": ours.look_after_runs,
        "schedule": ours.schedule,
    }
    ours.directories.tick()
    happens[kind](*values)


def shortened(history: History, error: Exception, tries: int = 200) -> tuple[History, Exception]:
    """A history that fails as well with fewer events: pieces are left out, large ones first."""
    size = max(len(history.events) // 2, 1)
    while size and tries:
        begin = 0
        while begin < len(history.events) and tries:
            tries -= 1
            shorter = replace(history, events=history.events[:begin] + history.events[begin + size :])
            found = failure_of(shorter)
            if found is None:
                begin += size
            else:
                history, error = shorter, found
        size //= 2
    return history, error


def failure_of(history: History) -> Exception | None:
    try:
        happen(history)
    except Exception as error:
        return error
    return None
