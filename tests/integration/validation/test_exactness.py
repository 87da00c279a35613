"""Exactness: a run over people whose truth is known, until nothing is left to do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection

from emberwatch.accounts.actor import SYSTEM
from emberwatch.validation.models import RunState
from emberwatch.validation.runs import start_run
from tests.fakes.directory import CLIENT
from tests.integration.validation.test_runs import World
from tests.population import Population, judge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PEOPLE = 300


def test_every_right_password_is_found_and_no_verdict_is_false() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    world, population = World(), Population(PEOPLE)
    population.directory(world.entra)
    tenant = world.connect(pace=50.0)
    credentials = population.leak(tenant)

    run = world.drive(start_run(tenant, actor=SYSTEM, now=world.now), days=60)

    result = judge(population, tenant)
    assert run.state == RunState.DONE
    assert result.false_active == result.false_proved_not_active == result.missed == []
    assert result.found == result.right > PEOPLE / 4
    assert world.entra.locks_by([CLIENT]) == []
    # Nobody needs a sign-in for each password that leaked.
    assert run.attempts == len(world.entra.attempts) < credentials
    assert world.now < population_end()


def population_end() -> datetime:
    from tests.population import BEGIN

    return BEGIN + timedelta(days=60)
