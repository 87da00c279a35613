"""The state machine: what may happen to an installation, how often, and what must hold whenever something has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emberwatch.engine import facts
from emberwatch.pipeline import FACTS
from tests.faults.model.directory import Rules
from tests.faults.model.installation import Installation, Set
from tests.faults.model.proofs import Proofs, come_to_rest

Event: TypeAlias = tuple[Any, ...]
Draws: TypeAlias = st.SearchStrategy[Any]
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
# Of so many histories one goes on until every verdict is final, which takes twice as long.
TO_THE_END_EVERY: Final = 3
STEPS: Final = 25


def _of(*values: Any) -> Draws:
    return st.sampled_from(values)


FLAG: Final = st.booleans()
TENANT: Final = _of(0, 1)
WORKER: Final = _of(0, 1)
# Histories are short: most of what happens has to happen to the same account.
ACCOUNT: Final = _of(0, 0, 0, 0, 1, 1, 2, 2, 3)
PASSWORD: Final = _of(0, 1, 2, 3, 4, 5)
LEAK: Final[tuple[Draws, ...]] = (TENANT, ACCOUNT, PASSWORD, _of(0, 0, 1, 2))
FATES: Final = _of("request lost", "reply lost", "timeout before", "timeout after", "429", "503")
CODES: Final = _of(50053, 50053, 50055, 50196, 7000222, 50056, 599999, 90033)
TIMES: Final = _of(1, 30, 3 * MINUTE, HOUR, 7 * HOUR, DAY - 5 * MINUTE, DAY + MINUTE, DAY + MINUTE, 3 * DAY)

# How often an event happens beside the others, its name, and what it needs.
EVENTS: Final[Sequence[tuple[int, str, Sequence[Draws]]]] = (
    (12, "go on", (WORKER, _of(1, 3, 8, 20, 60, 150, 300))),
    (6, "side by side", (_of(20, 80, 200),)),
    (5, "leak", LEAK),
    (7, "press", (_of(*range(12)), FLAG)),
    (4, "start", (TENANT,)),
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
    (1, "our clock", (_of(0, 3, -3, 10, -10),)),
    (1, "check", (TENANT,)),
    (1, "kill switch", (FLAG,)),
    (1, "engine's minute", ()),
    (1, "schedule", ()),
)


def _events() -> Draws:
    named = {name: st.tuples(st.just(name), *draws) for _, name, draws in EVENTS}
    often = [name for weight, name, _ in EVENTS for _ in range(weight)]
    return st.sampled_from(often).flatmap(named.__getitem__)


@st.composite
def _beginnings(draw: Callable[[Draws], Any]) -> Set:
    two = draw(_of(False, False, False, False, True))
    rules = [
        Rules(
            threshold=draw(_of(10, 10, 4, 3)),
            cloud=draw(_of("global", "global", "usgov")),
            shows_log=draw(FLAG),
            synced=draw(_of(False, False, True)),
        )
        for _ in range(2 if two else 1)
    ]
    return Set(
        tuple(rules),
        (0, 1) if two else (0, 0),
        automatic=draw(_of(False, False, True)),
        allowed=draw(_of(None, None, None, None, 1)),
        to_the_end=draw(_of(*[False] * (TO_THE_END_EVERY - 1), True)),
    )


class Installed(RuleBasedStateMachine):
    """One installation. A promise that is broken raises :class:`tests.faults.model.watched.Violation`."""

    @initialize(begin=_beginnings(), leaks=st.lists(st.tuples(*LEAK), min_size=2, max_size=5))
    def begins(self, begin: Set, leaks: list[Event]) -> None:
        self.ours = Installation(begin)
        self.proofs = Proofs(self.ours)
        self._is_whole = False
        self._around = ExitStack()
        self._around.callback(facts.install, FACTS)
        self._around.callback(self.ours.end)
        facts.install(self.ours.facts())
        self._around.enter_context(self.ours.statements.watching())
        self.ours.prepare()
        for leak in leaks:
            self.happens(("leak", *leak))

    @rule(event=_events())
    def happens(self, event: Event) -> None:
        self._is_whole = False
        kind, *values = event
        self.ours.directories.tick()
        self._happening(kind)(*values)
        self._is_whole = True

    def _happening(self, kind: str) -> Callable[..., Any]:
        ours = self.ours
        happenings: dict[str, Callable[..., Any]] = {
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
        return happenings[kind]

    @invariant()
    def nothing_is_false(self) -> None:
        self._is_whole = False
        self.proofs.verdicts_are_true()
        self.ours.directories.nothing_locked_by_us()
        self._is_whole = True

    def teardown(self) -> None:
        """The history goes on until nothing is left to do, unless a promise is broken already."""
        if not hasattr(self, "ours"):
            return
        with self._around:
            if self._is_whole:
                come_to_rest(self.ours, self.proofs, timedelta(days=20))
