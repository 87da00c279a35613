"""Verdicts beside the truth: a whole organisation whose leaked passwords are run to the end of their budgets.

``EXACTNESS_PEOPLE`` makes it smaller than its 20,000 people; what they are like stands in ``tests/population.py``.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from bench.driven import MovedClock, run_to_its_end
from bench.place import installation, peak_megabytes, tenant_with_directory

if TYPE_CHECKING:
    from emberwatch.validation.models import Run
    from tests.fakes.directory import FakeEntra
    from tests.population import Judgement, Population

PEOPLE: Final = int(os.environ.get("EXACTNESS_PEOPLE", "20000"))


def verdict_exactness() -> None:
    installation()
    from tests.fakes.directory import CLIENT, FakeEntra
    from tests.population import BEGIN, Population, judge

    _write_behind()
    clock = MovedClock(BEGIN)
    entra, population = FakeEntra(clock), Population(PEOPLE)
    population.directory(entra)
    tenant = tenant_with_directory(BEGIN, CLIENT, pace=50.0)
    population.leak(tenant)
    begun = time.perf_counter()
    run = run_to_its_end(tenant, entra, clock)
    _print(population, judge(population, tenant), entra, run, time.perf_counter() - begun)


def _write_behind() -> None:
    """Nothing here survives the process, so no commit waits for the disk."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")


def _print(population: Population, judged: Judgement, entra: FakeEntra, run: Run, seconds: float) -> None:
    from tests.fakes.directory import CLIENT
    from tests.population import BEGIN

    print(f"verdict-exactness: {judged.credentials:,} credentials of {population.size:,} people")
    print(f"  people: {', '.join(f'{kind} {count:,}' for kind, count in population.kinds.most_common())}")
    print(f"  right passwords found        {judged.found:7,} of {judged.right:,}")
    print(f"  false Active                 {len(judged.false_active):7,}")
    print(f"  false proved Not active      {len(judged.false_proved_not_active):7,}")
    print(f"  accounts locked by us        {len(entra.locks_by([CLIENT])):7,}")
    print(
        f"  sign-ins                     {run.attempts:7,}, {run.attempts / judged.credentials:.3f} a credential"
    )
    print(f"  state, and days by the clock {run.state:>7}, {(entra.clock() - BEGIN).days}")
    print(f"  verdicts: {dict(judged.verdicts.most_common())}")
    print(f"  {seconds:,.0f} s, {peak_megabytes():,.0f} MB")
    for said in (judged.false_active + judged.false_proved_not_active + judged.missed)[:20]:
        print(f"  not as it should be: {said}")
