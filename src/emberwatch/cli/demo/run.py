"""The demo's main job: tenants, directories, imports, validations by real workers, the table; then the pages."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import typer

from emberwatch.accounts.actor import Actor, command_line_actor
from emberwatch.accounts.services import create_user
from emberwatch.cli.address import DEFAULT_HOST
from emberwatch.cli.children import Child
from emberwatch.cli.demo import table
from emberwatch.cli.demo.leaks import LeakFile, LeakWriter
from emberwatch.cli.demo.place import Place, leak_folder
from emberwatch.cli.demo.scenario import Company, Wave
from emberwatch.cli.output import print_table
from emberwatch.cli.ports import is_serving
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import Unavailable
from emberwatch.core.secret import Secret
from emberwatch.directories.services import ConnectionForm, save_connection
from emberwatch.exposures.models import Credential
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.services import ImportOptions, import_file
from emberwatch.simulator import SimulatedEntra
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.services import create_tenant
from emberwatch.validation.models import Attempt, Run, ValidationPolicy
from emberwatch.validation.policy import FASTEST_PACE
from emberwatch.validation.queries import is_at_rest
from emberwatch.validation.runs import start_run

EMAIL: Final = "demo@emberwatch.example"
POLL_SECONDS: Final = 0.2


class Demo:
    """One run in one place."""

    def __init__(
        self, place: Place, world: tuple[Company, ...], entra: SimulatedEntra, now: datetime
    ) -> None:
        self._place = place
        self._world = world
        self._entra = entra
        self._now = now
        self._actor: Actor = command_line_actor()
        self._password: Secret = place.password()

    def fill(self, workers: Sequence[Child]) -> None:
        """Everything from the empty database to the last verdict."""
        create_user(EMAIL, self._password, actor=self._actor, now=utc_now(), is_organisation_admin=True)
        with leak_folder() as folder:
            late = [self._begin(company, folder) for company in self._world]
            typer.echo(f"Validating {Credential.objects.count()} credentials …")
            _wait(workers)
            for tenant, files in late:
                self._import(tenant, files)
        self._place.complete(self._password)

    def _begin(self, company: Company, folder: Path) -> tuple[Tenant, list[LeakFile]]:
        """Takes one company to its queued validations; returns what leaks only after them."""
        tenant = self._connected(company)
        files = LeakWriter(folder, company, self._now).write()
        self._import(tenant, [file for file in files if file.wave is not Wave.LATE])
        start_run(tenant, actor=self._actor, now=utc_now())
        return tenant, [file for file in files if file.wave is Wave.LATE]

    def _connected(self, company: Company) -> Tenant:
        tenant = create_tenant(company.name, [company.domain], actor=self._actor, now=utc_now())
        secret = Secret(company.client_secret)
        form = ConnectionForm(company.client_id, company.entra_tenant_id, "custom", secret)
        connection, report = save_connection(tenant, form, actor=self._actor, now=utc_now())
        if report.fault:
            raise Unavailable(f"{company.name}: {report.fault.sentence}", remedy=report.fault.remedy)
        # The simulated directory is nobody's: a demo need not spare it.
        ValidationPolicy.objects.create(connection=connection, pace=FASTEST_PACE, confirm_likely=False)
        typer.echo(f"{company.name}: connected to its simulated directory.")
        return tenant

    def _import(self, tenant: Tenant, files: Sequence[LeakFile]) -> None:
        for file in files:
            _say_counts(tenant, self._imported(tenant, file))

    def _imported(self, tenant: Tenant, file: LeakFile) -> Import:
        options = ImportOptions("", file.source_kind, file.source_name, file.leaked_at)
        done = import_file(tenant, file.path, options, actor=self._actor)
        if done.error:
            raise Unavailable(f"{file.path.name}: {done.error}")
        return done

    def report(self, *, is_fresh: bool) -> list[str]:
        """Prints the table and returns what is not as it should be.

        A folder that is used again holds what people have done in it since, so only a fresh run is compared.
        """
        found = table.read()
        print_table(table.COLUMNS, table.rows(found))
        locks = self._entra.world.locks_by([company.client_id for company in self._world])
        typer.echo(f"Accounts locked by Emberwatch: {len(locks)}")
        wrong = [f"{lock.upn}: Emberwatch helped to lock it" for lock in locks]
        if not is_fresh:
            return wrong
        return [*wrong, *self._compare_ledgers(), *table.differences(self._world, found)]

    def _compare_ledgers(self) -> list[str]:
        """What we say was sent against what the directories say arrived."""
        sent, received = Attempt.objects.count(), len(self._entra.journal.sign_ins())
        return [] if sent == received else [f"{sent} sign-ins were sent, {received} arrived"]

    def serve(self, port: int, workers: Sequence[Child]) -> None:
        """Serves the pages until somebody ends it."""
        with self._place.child("serve", "--port", str(port)) as web:
            while not (is_serving(DEFAULT_HOST, port) or web.has_ended()):
                time.sleep(POLL_SECONDS)
            typer.echo(f"\nEmberwatch serves http://{DEFAULT_HOST}:{port}/    (Ctrl-C ends the demo)")
            typer.echo(f"  sign in as   {EMAIL}\n  password     {self._password.expose()}")
            sys.stdout.flush()
            while not web.has_ended():
                if all(worker.has_ended() for worker in workers):
                    raise Unavailable("The workers of the demo have ended by themselves.")
                time.sleep(POLL_SECONDS)
        raise Unavailable("The web server of the demo has ended by itself.")


def _say_counts(tenant: Tenant, done: Import) -> None:
    typer.echo(
        f"{tenant.name}: {done.file_name}: {done.read:,} entries = {done.foreign:,} foreign + {done.matched_new:,} new "
        f"+ {done.duplicate:,} duplicate + {done.rejected:,} rejected"
    )


def _wait(workers: Sequence[Child]) -> None:
    while _is_moving(runs := list(Run.objects.all())):
        if all(worker.has_ended() for worker in workers):
            raise Unavailable("Every worker of the demo has ended by itself.")
        if sys.stderr.isatty():
            done, total = sum(run.decided for run in runs), sum(run.credentials for run in runs)
            typer.echo(f"\r{done} of {total} validated", nl=False, err=True)
        time.sleep(POLL_SECONDS)
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)


def _is_moving(runs: Sequence[Run]) -> bool:
    return any(not is_at_rest(run, utc_now()) for run in runs)
