"""The demo's world: every verdict occurs, it is the same each time, and its leaks hold exactly what leaked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emberwatch.cli.demo.leaks import LeakWriter
from emberwatch.cli.demo.scenario import Company, Wave, companies, scenario
from emberwatch.cli.demo.table import Found, differences, rows
from emberwatch.core.verdict import Verdict
from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import Foreign, ParseContext, ParsedCredential, Reject
from emberwatch.simulator.scenario_check import check
from emberwatch.sources.base import LeakPart
from emberwatch.sources.files import open_leak
from emberwatch.sources.reading import read_part

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
WORLD = companies(NOW)


def found(world: tuple[Company, ...] = WORLD) -> list[Found]:
    return [
        Found(leaked.login, leaked.password, leaked.verdict, 0)
        for company in world
        for leaked in company.leaked
    ]


def test_the_world_is_whole() -> None:
    leaked = [entry for company in WORLD for entry in company.leaked]
    assert len(leaked) >= 400
    assert {entry.verdict for entry in leaked} == set(Verdict)
    assert len({(entry.login, entry.password) for entry in leaked}) == len(leaked)
    assert all(entry.login.endswith(".example") for entry in leaked)
    # Two locked accounts in a row stop a directory, and then nothing else would be true.
    locked = Counter(entry.login.rpartition("@")[2] for entry in leaked if entry.verdict is Verdict.LOCKED)
    assert set(locked.values()) == {1}
    check(scenario(WORLD, NOW))


def test_it_is_the_same_world_every_time(tmp_path: Path) -> None:
    again = companies(NOW)
    assert again == WORLD
    later = companies(datetime(2027, 1, 1, tzinfo=UTC))
    assert [company.leaked for company in later] == [company.leaked for company in WORLD]
    for folder in ("a", "b"):
        LeakWriter(tmp_path / folder, WORLD[0], NOW).write()
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("company", WORLD, ids=lambda company: company.name)
def test_the_files_hold_exactly_what_leaked(tmp_path: Path, company: Company) -> None:
    context = ParseContext(is_ours=DomainSet([company.domain]).owns)
    by_wave: dict[Wave, set[tuple[str, str]]] = {wave: set() for wave in Wave}
    kinds: Counter[type] = Counter()
    machines = set()
    for file in LeakWriter(tmp_path, company, NOW).write():
        for part in open_leak(file.path):
            if not isinstance(part, LeakPart):
                continue
            machines.add(part.machine and part.machine.hwid)
            for outcome in read_part(part, context):
                kinds[type(outcome)] += 1
                if isinstance(outcome, ParsedCredential):
                    by_wave[file.wave].add((outcome.login, outcome.secret.expose()))
        assert file.leaked_at < NOW
    truth = {wave: {(e.login, e.password) for e in company.leaked if e.wave is wave} for wave in Wave}
    assert by_wave == truth
    assert kinds[Foreign] > kinds[ParsedCredential] > kinds[Reject] > 0
    assert len(machines) > 5


def test_the_truth_agrees_with_itself() -> None:
    assert list(differences(WORLD, found())) == []
    assert sum(int(row[2]) for row in rows(found())) == 2 * len(found())


def test_one_wrong_verdict_is_named() -> None:
    changed = found()
    at = next(n for n, credential in enumerate(changed) if credential.verdict is Verdict.ACTIVE)
    changed[at] = replace(changed[at], verdict=Verdict.INACTIVE)
    (sentence,) = differences(WORLD, changed)
    assert sentence == f"{changed[at].login}: active is true, inactive was found"


def test_of_several_wrong_passwords_only_the_number_tried_matters() -> None:
    """Which of them come first follows from the order of the leak, so any two may be the ones."""
    login = next(e.login for e in WORLD[0].leaked if e.verdict is Verdict.THROTTLED)
    swapped = {Verdict.THROTTLED: Verdict.INACTIVE, Verdict.INACTIVE: Verdict.THROTTLED}
    changed = [replace(f, verdict=swapped[f.verdict]) if f.login == login else f for f in found()]
    assert changed != found()
    assert list(differences(WORLD, changed)) == []
    tried_too_often = [replace(f, verdict=Verdict.INACTIVE) if f.login == login else f for f in found()]
    (sentence,) = differences(WORLD, tried_too_often)
    assert sentence.startswith(login)


def test_missing_and_surplus_credentials_are_named() -> None:
    (missing,) = differences(WORLD, found()[1:])
    assert missing.endswith("was not stored")
    (surplus,) = differences(WORLD, [*found(), Found("x@contoso.example", "y", Verdict.ACTIVE, 0)])
    assert surplus.endswith("never leaked")
