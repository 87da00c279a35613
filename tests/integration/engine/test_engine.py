"""Facts defer jobs in the caller's transaction, a worker runs them, and a dead worker's jobs are run again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import structlog
from django.db import connection, transaction
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.engine.facts import announce
from emberwatch.engine.queues import PATIENT_QUEUES, PROMPT_QUEUES
from emberwatch.engine.worker import retry_jobs_of_dead_workers, worker_options
from emberwatch.simulator import UserScenario
from emberwatch.validation.models import Validation, ValidationState
from emberwatch.validation.services import request_validation
from tests.factories import connect, make_credential, make_tenant
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db(transaction=True)

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)


@pytest.fixture(autouse=True)
def _empty_queue(transactional_db: None) -> Iterator[None]:
    # Procrastinate's tables are not Django's to empty between tests.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    yield
    with connection.cursor() as cursor:
        # The worker's threads keep their connections, which would keep the test database from being dropped.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def work_until_empty() -> None:
    async def run() -> None:
        app = django_app.with_connector(django_app.connector.get_worker_connector())  # type: ignore[attr-defined]
        async with app.open_async():
            await retry_jobs_of_dead_workers(app)
            await app.run_worker_async(**worker_options(2), wait=False, install_signal_handlers=False)

    # A worker that does not wait leaves behind what another job's lock held back.
    while ProcrastinateJob.objects.filter(status__in=["todo", "doing"]).exists():
        asyncio.run(run())


def jobs() -> list[str]:
    return list(ProcrastinateJob.objects.order_by("id").values_list("status", flat=True))


def test_a_job_exists_if_and_only_if_its_fact_does() -> None:
    fields = {"validation_id": "00000000-0000-0000-0000-000000000000", "order_by": "x"}
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        announce("validation.requested", **fields)
        _ = 1 / 0
    assert jobs() == []
    with transaction.atomic():
        announce("validation.requested", **fields)
    assert jobs() == ["todo"]


def test_a_fact_that_the_pipeline_does_not_name_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        announce("credential.imagined")


def test_a_worker_takes_a_validation_to_its_verdict(start_entra: StartEntra) -> None:
    start_entra(ANN)
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, password=RIGHT)
    request_validation(credential, actor=SYSTEM, now=utc_now())

    work_until_empty()

    credential.refresh_from_db()
    assert credential.verdict == "active"
    assert RIGHT not in str(list(ProcrastinateJob.objects.values()))


def test_jobs_on_one_account_run_in_the_order_of_their_requests(start_entra: StartEntra) -> None:
    start_entra(ANN)
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    wrong = [make_credential(tenant, password=f"Wrong-pass-{n}") for n in range(4)]
    validations = [request_validation(each, actor=SYSTEM, now=utc_now()) for each in wrong]

    work_until_empty()

    for credential in wrong:
        credential.refresh_from_db()
    verdicts = [Validation.objects.get(pk=v.pk).credential.verdict for v in validations]
    assert verdicts == ["inactive", "inactive", "throttled", "throttled"]


def test_the_job_of_a_dead_worker_is_run_by_another(start_entra: StartEntra) -> None:
    start_entra(ANN)
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    validation = request_validation(make_credential(tenant, password=RIGHT), actor=SYSTEM, now=utc_now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        (dead,) = cursor.fetchone()
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [dead])

    work_until_empty()

    validation.refresh_from_db()
    assert validation.state == ValidationState.DONE


def test_every_job_has_a_lane_that_runs_it() -> None:
    from emberwatch.pipeline import FACTS

    assert FACTS
    queues = {task.queue for task in django_app.tasks.values()} - {"builtin"}
    assert queues
    assert queues <= {*PROMPT_QUEUES, *PATIENT_QUEUES}


def test_every_line_that_a_job_logs_names_the_job() -> None:
    told: list[dict[str, object]] = []

    @django_app.task(name="tests.told", queue=PROMPT_QUEUES[0])
    def tell() -> None:
        told.append(dict(structlog.contextvars.get_contextvars()))

    try:
        job_id = tell.defer()
        work_until_empty()
    finally:
        django_app.tasks.pop("tests.told")
    assert told == [{"job_id": job_id, "task": "tests.told"}]
