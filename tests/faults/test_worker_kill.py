"""kill -9 of the worker between reservation and answer, and of the web process with work in the queue."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from emberwatch.simulator import FaultRule, UserScenario
from tests.integration.cli.installation import Installation, free_port, installation, wait_until
from tests.world import RIGHT

pytestmark = pytest.mark.slow

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)
# Longer than it takes to kill the worker, shorter than our patience for the simulator's journal.
HANG_SECONDS = 3.0


@pytest.fixture
def ours() -> Iterator[Installation]:
    with installation(ANN) as made:
        made.make_tenant_with_leak(f"{ANN.upn}:{RIGHT}")
        yield made


def attempts(ours: Installation) -> list[str]:
    return [state for (state,) in ours.sql("SELECT state FROM validation_attempt")]


def states(ours: Installation) -> list[str]:
    return [state for (state,) in ours.sql("SELECT state FROM validation_validation ORDER BY id")]


def test_a_lost_answer_is_never_asked_for_again(ours: Installation) -> None:
    # The worker's first request to the token endpoint is for its own token; the second is the sign-in.
    ours.entra.faults.add(FaultRule(where="token", kind="hang", skip=1, count=1, seconds=HANG_SECONDS))
    (leaked,) = ours.rows("credentials", "Contoso")
    ours.run("validate", "Contoso", "--credential", leaked["id"])
    doomed = ours.start("worker")
    wait_until(lambda: attempts(ours) == ["reserved"])

    ours.kill(doomed)
    assert states(ours) == ["signing_in"]
    ours.start("worker")
    wait_until(lambda: states(ours) == ["done"])

    (credential,) = ours.rows("credentials", "Contoso")
    assert credential["verdict"] == "inconclusive"
    (evidence,) = ours.sql("SELECT evidence FROM exposures_verdictrecord")[0]
    assert "the worker died" in evidence["because"]
    assert "not sent again" in evidence["because"]
    assert evidence["attempts"] == 1
    assert attempts(ours) == ["unknown"]
    wait_until(lambda: len(ours.entra.journal.attempts_for(ANN.upn)) == 1)
    (sent,) = ours.entra.journal.attempts_for(ANN.upn)
    assert sent.correlation_id == evidence["correlation_id"]

    # Whoever presses again gets no second attempt either: what became of the first is not known.
    (again,) = ours.rows("validate", "Contoso", "--credential", leaked["id"], "--wait")
    assert again["verdict"] == "throttled"
    assert len(ours.entra.journal.attempts_for(ANN.upn)) == 1


def test_what_was_asked_for_outlives_the_web_process(ours: Installation) -> None:
    port = free_port()
    web = ours.start("serve", "--port", str(port))
    token, tenant, credential = api_token(ours)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/v1/", headers={"Authorization": f"Bearer {token}"}
    )
    wait_until(lambda: answers(client))
    pressed = client.post(f"tenants/{tenant}/credentials/{credential}/validations")
    assert pressed.status_code == 202

    ours.kill(web)
    assert not answers(client)
    assert states(ours) == ["queued"]
    ours.start("worker")
    wait_until(lambda: states(ours) == ["done"])
    (found,) = ours.rows("credentials", "Contoso")
    assert found["verdict"] == "active"

    # Another web process takes over the same port, and knows the outcome.
    ours.start("serve", "--port", str(port))
    wait_until(lambda: answers(client))
    followed = client.get(f"tenants/{tenant}/validations/{pressed.json()['id']}")
    assert followed.json()["verdict"] == "active"
    client.close()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("tenants").status_code == 200
    except httpx.TransportError:
        return False


MAKE_PERSON = """
from emberwatch.config.boot import boot
boot()
from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.services import create_user
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
password = Secret("a long test password")
create_user("eve@emberwatch.example", password, actor=SYSTEM, now=utc_now(), is_organisation_admin=True)
"""


def api_token(ours: Installation) -> tuple[str, str, str]:
    """A token, and the ids of the tenant and its credential."""
    subprocess.run([sys.executable, "-c", MAKE_PERSON], env=ours.environment, check=True)
    token = ours.run("token", "create", "Contoso", "--user", "eve@emberwatch.example", "--name", "test")
    (tenant,), (credential,) = ours.rows("tenant", "list"), ours.rows("credentials", "Contoso")
    return token.strip(), tenant["id"], credential["id"]
