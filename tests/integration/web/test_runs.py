"""Validate feed on the pages: the button, the page of a run, and who may move it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from emberwatch.accounts.models import Role
from emberwatch.audit.models import AuditRow
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Run, RunItem, RunState
from tests.factories import NOW, connect, make_credential, make_run, make_tenant
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import HTMX, Visit, page
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

MOVES = ("pause_run", "resume_run", "cancel_run")


def address(name: str, run: Run) -> str:
    return reverse(name, args=[run.tenant_id, run.id])


def test_the_button_starts_a_run_and_then_leads_to_it(
    visit: Visit, tenant: Tenant, start_entra: StartEntra
) -> None:
    start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    make_credential(tenant)
    analyst, feed = visit(Role.ANALYST), reverse("feed", args=[tenant.id])
    assert "Validate feed" in page(analyst, feed)
    assert "Validate feed" not in page(visit(Role.VIEWER), feed)

    reply = analyst.post(reverse("start_run", args=[tenant.id]))
    run = Run.objects.get()
    assert reply.headers["Location"] == address("run", run)
    for role in (Role.ANALYST, Role.VIEWER):
        assert f'href="{address("run", run)}"' in page(visit(role), feed)
    again = analyst.post(reverse("start_run", args=[tenant.id]))
    assert again.headers["Location"] == address("run", run)


def test_a_directory_that_cannot_be_asked_is_told(visit: Visit, tenant: Tenant) -> None:
    reply = visit(Role.ANALYST).post(reverse("start_run", args=[tenant.id]))
    assert reply.status_code in (404, 409)
    assert not Run.objects.exists()


def test_a_run_tells_where_it_stands(visit: Visit, tenant: Tenant) -> None:
    run = make_run(
        tenant, state=RunState.RUNNING, credentials=9, accounts=4, decided=5, attempts=2, planned_at=NOW
    )
    for number, state in enumerate((0, 1, 1, 2, 3)):
        RunItem.objects.create(run=run, login_canonical=str(number), state=state, score=1, credentials=1)
    html = page(visit(Role.VIEWER), address("run", run))
    for words in ("5 of 9", "1 to look up, 2 that a sign-in would decide, 1 that", "Expected end", "Running"):
        assert words in html
    assert '<progress class="progress" max="9" value="5"' in html
    assert "Pause" not in html


@pytest.mark.parametrize(
    ("state", "moves"),
    [(RunState.RUNNING, True), (RunState.PAUSED, False), (RunState.STOPPED, False), (RunState.DONE, False)],
)
def test_the_page_asks_again_only_while_something_moves(
    visit: Visit, tenant: Tenant, state: RunState, *, moves: bool
) -> None:
    run = make_run(tenant, state=state, sentence="Because.")
    part = page(visit(Role.VIEWER), address("run", run), **HTMX)
    assert ("hx-trigger" in part, "<html" in part, "Because." in part) == (moves, False, True)


def test_pause_resume_and_cancel(visit: Visit, tenant: Tenant) -> None:
    run, analyst = make_run(tenant, state=RunState.RUNNING, planned_at=NOW), visit(Role.ANALYST)
    for name, state in zip(MOVES, (RunState.PAUSED, RunState.RUNNING, RunState.CANCELLED), strict=True):
        assert visit(Role.VIEWER).post(address(name, run)).status_code == 403
        assert visit("stranger").post(address(name, run)).status_code == 404
        assert analyst.get(address(name, run)).status_code == 405
        assert analyst.post(address(name, run)).headers["Location"] == address("run", run)
        run.refresh_from_db()
        assert run.state == state
    assert analyst.post(address("resume_run", run)).status_code == 409
    actions = AuditRow.objects.filter(chain=tenant.id, action__startswith="run.")
    assert list(actions.order_by("sequence").values_list("action", flat=True)) == [
        "run.paused",
        "run.resumed",
        "run.cancelled",
    ]


def test_the_list_of_runs(visit: Visit, tenant: Tenant) -> None:
    runs = reverse("runs", args=[tenant.id])
    assert "No run yet" in page(visit(Role.ANALYST), runs)
    run = make_run(tenant, state=RunState.PAUSED)
    assert address("run", run) in page(visit(Role.VIEWER), runs)
    assert visit("stranger").get(runs).status_code == 404
    assert "Nothing older" in page(visit(Role.VIEWER), f"{runs}?before={run.id}")


def test_a_run_is_not_reached_through_another_tenant(visit: Visit, tenant: Tenant) -> None:
    theirs, organisation = make_run(make_tenant()), visit("organisation")
    assert organisation.get(address("run", theirs)).status_code == 200
    for name in ("run", *MOVES):
        here = reverse(name, args=[tenant.id, theirs.id])
        reply = organisation.get(here) if name == "run" else organisation.post(here)
        assert reply.status_code == 404, name
