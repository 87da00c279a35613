"""Tenants, one-time links, tokens and the audit chains on the command line."""

from __future__ import annotations

import pytest

from emberwatch.accounts.services import actor_for_token, invitation_for
from emberwatch.api.shapes import TenantOut
from emberwatch.audit.models import AuditChain, AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.tenants.models import Tenant
from tests.factories import make_tenant, make_user
from tests.integration.cli.conftest import Run

pytestmark = pytest.mark.django_db


def test_a_tenant_is_made_and_listed(run: Run) -> None:
    made = run("tenant", "create", "Contoso", "--domain", "Contoso.example", "--domain", "second.example")
    assert (made.code, made.err) == (0, "")
    assert "contoso.example, second.example" in made.out
    (row,) = run("tenant", "list", "--json").rows
    assert set(row) == set(TenantOut.model_fields)
    assert (row["name"], row["domains"]) == ("Contoso", ["contoso.example", "second.example"])
    assert "Contoso" in run("tenant", "list").out
    assert AuditRow.objects.get(chain=row["id"]).actor.startswith("cli:")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ("tenant", "create", "Contoso", "--domain", "contoso.example"),
            2,
            "There is a tenant called Contoso",
        ),
        (("tenant", "create", "New", "--domain", "example"), 2, "bare domain"),
        (("tenant", "create", "New"), 2, "--domain"),
        (("tenant",), 2, "Missing command"),
        (("tenant", "lst"), 2, "lst"),
        (("entra", "check", "Nobody"), 2, "`emberwatch tenant list` names them"),
        (("entra", "check", "Contoso"), 2, "not connected"),
        (("token", "create", "Contoso", "--user", "no@one.example", "--name", "x"), 2, "Nobody here"),
        (("user", "invite", "Contoso", "--email", "x", "--role", "viewer"), 2, "not an e-mail address"),
        (("user", "invite", "Contoso", "--email", "x@y.example", "--role", "king"), 2, "Choose a role"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(
    run: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    make_tenant(name="Contoso")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("emberwatch: ")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_an_empty_list_says_what_to_do(run: Run) -> None:
    assert "emberwatch tenant create" in run("tenant", "list").out
    assert run("tenant", "list", "--json").rows == []


def test_a_one_time_link(run: Run) -> None:
    make_tenant(name="Contoso")
    ran = run("user", "invite", "Contoso", "--email", "Eve@emberwatch.example", "--role", "analyst")
    assert ran.code == 0
    address, token = ran.out.strip().rstrip("/").rsplit("/", 1)
    assert address == "http://127.0.0.1:8600/invitation"
    assert invitation_for(Secret(token), now=utc_now()).email == "eve@emberwatch.example"


def test_a_token_is_printed_once_and_works(run: Run) -> None:
    tenant = make_tenant(name="Contoso")
    user = make_user(tenant, "viewer")
    ran = run("token", "create", "contoso", "--user", user.email.upper(), "--name", "ci")
    assert ran.code == 0
    actor = actor_for_token(Secret(ran.out.strip()), now=utc_now())
    assert actor is not None and (actor.user, actor.only_tenant) == (user, tenant.id)


def test_audit_verify_names_the_row_that_was_changed(run: Run) -> None:
    tenant = make_tenant(name="Contoso")
    make_tenant(name="Fabrikam")
    make_user(tenant, "viewer")
    intact = run("audit", "verify")
    assert intact.code == 0
    assert intact.out.splitlines() == [
        "organisation: intact, 2 rows.",
        "Contoso: intact, 2 rows.",
        "Fabrikam: intact, 1 rows.",
    ]
    AuditRow.objects.filter(chain=tenant.id, sequence=2).update(actor="user:somebody-else")

    ran = run("audit", "verify")
    assert ran.code == 1
    assert "Contoso: FAULT at row 2: row 2 was changed after it was written." in ran.out
    assert "Fabrikam: intact" in ran.out
    rows = run("audit", "verify", "--json").rows
    assert [row["is_intact"] for row in rows] == [True, False, True]
    assert run("audit", "verify", "Fabrikam").code == 0
    assert run("audit", "verify", "Contoso").code == 1


def test_audit_verify_finds_a_row_that_was_removed(run: Run) -> None:
    tenant = make_tenant(name="Contoso")
    make_user(tenant, "viewer")
    assert run("audit", "verify", "Contoso").code == 0
    AuditRow.objects.filter(chain=tenant.id, sequence=1).delete()
    ran = run("audit", "verify", "Contoso")
    assert (ran.code, "row 1 is missing" in ran.out) == (1, True)
    assert AuditChain.objects.filter(chain=tenant.id).exists() and Tenant.objects.count() == 1
