"""Runs over a feed under a clock that moves only when nothing is left to do at its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant
    from emberwatch.validation.models import Run
    from tests.fakes.directory import FakeEntra


class MovedClock:
    """Sleeping takes no time but its own."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def run_to_its_end(tenant: Tenant, entra: FakeEntra, clock: MovedClock, *, confirm: bool = True) -> Run:
    """A whole run of "Validate feed", through all the days that its budget windows take."""
    from emberwatch.accounts.actor import SYSTEM
    from emberwatch.validation.driving import drive
    from emberwatch.validation.models import ValidationPolicy
    from emberwatch.validation.runs import start_run

    ValidationPolicy.objects.update(confirm_likely=confirm)
    run = start_run(tenant, actor=SYSTEM, now=clock())
    until: datetime | None = clock()
    while until is not None:
        clock.now = max(clock.now, until)
        until = drive(
            run.pk,
            clock=clock,
            sleep=clock.sleep,
            directory_for=lambda connection: entra.connect(connection.client_id),
        )
    run.refresh_from_db()
    return run
