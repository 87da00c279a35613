"""kill -9 of a worker in the middle of a try: the message arrives all the same, with the same id."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from emberwatch.simulator import UserScenario
from tests.integration.cli.installation import Installation, installation, wait_until
from tests.receivers import HERE, Answer, HttpReceiver, http_receiver
from tests.world import RIGHT

pytestmark = pytest.mark.slow

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)
SIGNING = "a secret to sign with"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def ours(receiver: HttpReceiver) -> Iterator[Installation]:
    with installation(ANN) as made:
        made.environment["EMBERWATCH_CHANNEL_PRIVATE_HOSTS"] = HERE
        made.make_tenant_with_leak(f"{ANN.upn}:{RIGHT}")
        made.run(
            *("alerts", "channel", "add", "Contoso", "webhook", "Hook", "--secrets"),
            *("--set", f"url={receiver.url}/hook"),
            typed=json.dumps({"secret": SIGNING}),
        )
        made.run("alerts", "rule", "add", "Contoso", "Fires", "--fact", "active", "--channel", "Hook")
        yield made


def deliveries(ours: Installation) -> list[tuple[str, int]]:
    return list(ours.sql("SELECT state, attempts FROM alerts_delivery"))


def test_a_message_outlives_the_worker_that_was_sending_it(
    ours: Installation, receiver: HttpReceiver
) -> None:
    # The receiver has the first try and says nothing for longer than the worker lives.
    receiver.answers = [Answer(after=15.0)]
    (leaked,) = ours.rows("credentials", "Contoso")
    ours.run("validate", "Contoso", "--credential", leaked["id"])
    doomed = ours.start("worker")
    wait_until(lambda: len(receiver.requests) == 1)
    ours.kill(doomed)
    assert deliveries(ours) == [("queued", 1)]

    ours.start("worker")
    # The reservation of the dead worker ends; three minutes are not waited for here.
    with psycopg.connect(ours.database.dsn()) as connection:
        connection.execute("UPDATE alerts_delivery SET reserved_until = now()")
    wait_until(lambda: deliveries(ours) == [("sent", 2)])
    first, second = receiver.requests
    assert first.json["id"] == second.json["id"]
    assert second.json["alerts"][0]["login"] == ANN.upn
    assert second.json["alerts"][0]["verdict"] == "active"


def test_a_message_that_was_reserved_and_not_sent_is_sent(ours: Installation, receiver: HttpReceiver) -> None:
    receiver.answers = [Answer(503)]
    (leaked,) = ours.rows("credentials", "Contoso")
    ours.run("validate", "Contoso", "--credential", leaked["id"])
    worker = ours.start("worker")
    wait_until(lambda: deliveries(ours) == [("queued", 1)] and len(receiver.requests) == 1)
    ours.kill(worker)
    # As if the next try had been reserved by a worker that died before it sent anything, and its job was lost.
    with psycopg.connect(ours.database.dsn()) as connection:
        connection.execute(
            "UPDATE alerts_delivery SET attempts = 2, reserved_until = now(), next_try_at = now()"
        )
        connection.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'alerts.deliver'")
    ours.start("worker")
    wait_until(lambda: deliveries(ours) == [("sent", 3)])
    assert len(receiver.requests) == 2
