"""How close a run comes to the pace that it is allowed: real time, real adapter, a simulated directory over TLS."""

from __future__ import annotations

import time
from typing import Final

from bench.place import installation
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
    UserScenario,
)

ACCOUNTS: Final = 300
PACES: Final = (1.0, 10.0)
SECONDS_EACH: Final = 30
AIM: Final = 0.95
DIRECTORY: Final = "11111111-aaaa-4bbb-8ccc-00000000000d"
APP: Final = "22222222-aaaa-4bbb-8ccc-00000000000d"
SECRET: Final = "Zx8Q~client-secret-value-of-the-bench.2"  # noqa: S105 - invented


def feed_pace() -> None:
    with SimulatedEntra(_scenario()) as entra:
        installation(
            EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL=entra.url,
            EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL=entra.graph_url,
            EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL=entra.portal_url,
            EMBERWATCH_CUSTOM_CLOUD_CA_FILE=str(entra.ca_file),
        )
        print("feed-pace: sign-ins of one run on one worker, first to last, over the pace allowed")
        shares = [_share(pace) for pace in PACES]
    reached = min(shares) >= AIM
    print(f"  aim: {AIM:.0%} or more                              {'reached' if reached else 'NOT reached'}")


def _scenario() -> Scenario:
    users = tuple(
        UserScenario(upn=f"u{n}@contoso.example", password=f"Right-{n}-word") for n in range(ACCOUNTS)
    )
    app = AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    domain = DomainScenario(name="contoso.example", default=True)
    directory = DirectoryScenario(id=DIRECTORY, name="Bench", domains=(domain,), apps=(app,), users=users)
    return Scenario(directories=(directory,))


def _share(pace: float) -> float:
    """The share of the pace that a run reaches over so many sign-ins as fit into :data:`SECONDS_EACH`."""
    from emberwatch.accounts.actor import SYSTEM
    from emberwatch.core.clock import utc_now
    from emberwatch.core.secret import Secret
    from emberwatch.directories.services import ConnectionForm, save_connection
    from emberwatch.tenants.services import create_tenant
    from emberwatch.validation.attempting import CATCH_UP
    from emberwatch.validation.driving import drive
    from emberwatch.validation.models import Attempt, ValidationPolicy
    from emberwatch.validation.runs import start_run
    from tests.factories import make_credential

    wanted = int(pace * SECONDS_EACH)
    tenant = create_tenant(f"Bench {pace}", ["contoso.example"], actor=SYSTEM, now=utc_now())
    form = ConnectionForm(APP, DIRECTORY, "custom", Secret(SECRET))
    connection, _ = save_connection(tenant, form, actor=SYSTEM, now=utc_now())
    # The strictest choice of all tenants on the directory counts, so all of them get this pace.
    ValidationPolicy.objects.update(pace=pace)
    ValidationPolicy.objects.create(connection=connection, pace=pace)
    for number in range(wanted):
        make_credential(tenant, f"u{number}@contoso.example", f"Right-{number}-word", leaked_at=utc_now())
    # What the run before did not use is not this one's to make up for.
    time.sleep(CATCH_UP.total_seconds() + 1)
    run = start_run(tenant, actor=SYSTEM, now=utc_now())
    while drive(run.pk) is not None:
        pass
    sent = list(Attempt.objects.filter(run=run).order_by("reserved_at").values_list("reserved_at", flat=True))
    seconds = (sent[-1] - sent[0]).total_seconds()
    reached = (len(sent) - 1) / seconds / pace
    print(
        f"  pace {pace:5.1f}/s   {len(sent):4} sign-ins in {seconds:6.1f} s        {reached:7.1%} of the pace"
    )
    return reached
