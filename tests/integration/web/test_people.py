"""Signing in and out, invitations, API tokens, and the audit page."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.models import ApiToken, User
from emberwatch.accounts.services import actor_for_token, invite_first_admin, invite_member
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.tenants.models import Tenant
from tests.factories import make_actor, make_credential, make_tenant, make_user
from tests.integration.web.conftest import HTMX, Visit, client_of, page

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password 9"


def sign_in(client: Client, email: str, password: str) -> int:
    return client.post(reverse("account_login"), {"login": email, "password": password}).status_code


def test_signing_in_and_out(tenant: Tenant) -> None:
    user, client = make_user(tenant, "viewer"), Client()
    html = page(client, reverse("account_login"))
    for forbidden in ("Sign up", "signup", "Forgot"):
        assert forbidden not in html
    assert sign_in(client, user.email, "wrong") == 200
    assert client.get("/").status_code == 302
    assert sign_in(client, user.email, "a long test password") == 302
    feed = reverse("feed", args=[tenant.id])
    assert page(client, feed)
    assert client.get(reverse("account_logout")).status_code == 200
    assert page(client, feed), "reading the page of signing out does not sign out"
    client.post(reverse("account_logout"))
    assert client.get(feed).headers["Location"] == f"{reverse('account_login')}?next={feed}"


def test_somebody_switched_off_is_told_so_only_with_the_right_password(tenant: Tenant) -> None:
    user = make_user(tenant, "viewer")
    User.objects.filter(pk=user.pk).update(is_active=False)
    reply = Client().post(
        reverse("account_login"), {"login": user.email, "password": "a long test password"}, follow=True
    )
    assert "Your access is switched off" in reply.content.decode()
    assert sign_in(Client(), user.email, "wrong") == 200


def test_guessing_is_stopped_and_explained(tenant: Tenant) -> None:
    user, client = make_user(tenant, "viewer"), Client(REMOTE_ADDR="192.0.2.9")
    for _ in range(12):
        reply = client.post(reverse("account_login"), {"login": user.email, "password": "wrong"})
    assert "Too many" in reply.content.decode()
    assert sign_in(client, user.email, "a long test password") != 302


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "password/change/"])
def test_nothing_else_of_the_sign_in_library_is_reachable(path: str) -> None:
    for prefix in ("/accounts/", "/sign-in/", "/"):
        assert Client().get(prefix + path).status_code == 404


def test_the_first_admin_joins_by_the_link(db: None) -> None:
    token = invite_first_admin(now=utc_now())
    address, client = reverse("invitation", args=[token.expose()]), Client()
    reply = client.get(address)
    assert reply.headers["Referrer-Policy"] == "strict-origin"
    assert "organisation admin" in reply.content.decode()
    for body, sentence in (
        ({"email": "root@x.example", "password": "short"}, "too short"),
        ({"email": "root", "password": PASSWORD}, "not an e-mail address"),
    ):
        html = client.post(address, body).content.decode()
        assert sentence in html
        assert PASSWORD not in html
    assert not User.objects.exists()

    assert client.post(address, {"email": "Root@x.example", "password": PASSWORD}).headers["Location"] == "/"
    assert User.objects.get().email == "root@x.example"
    assert page(client, reverse("tenants"))
    assert client.get(address).status_code == 404
    assert sign_in(Client(), "root@x.example", PASSWORD) == 302


def test_a_member_cannot_choose_another_address(tenant: Tenant) -> None:
    token = invite_member(tenant, "ann@x.example", "viewer", actor=make_actor(tenant, "admin"), now=utc_now())
    address, client = reverse("invitation", args=[token.expose()]), Client()
    html = page(client, address)
    assert "Contoso" in html
    assert 'name="email"' not in html
    client.post(address, {"email": "other@x.example", "password": PASSWORD})
    assert User.objects.filter(email="ann@x.example").exists()
    assert client.get("/", follow=True).status_code == 200


def test_a_dead_link_explains_itself(db: None) -> None:
    reply = Client().get(reverse("invitation", args=["no-such-token"]))
    assert reply.status_code == 404
    assert "This link has been used, has expired, or never existed." in reply.content.decode()


def test_a_token_is_shown_once_and_can_be_revoked(tenant: Tenant) -> None:
    user = make_user(tenant, "analyst")
    client, address = client_of(user), reverse("tokens")
    assert "No API token yet" in page(client, address)
    for body, sentence in (
        ({"name": "", "tenant": str(tenant.id)}, "needs a name"),
        ({"name": "n", "tenant": str(make_tenant().id)}, "Choose a tenant."),
        ({"name": "n", "tenant": "x"}, "Choose a tenant."),
    ):
        reply = client.post(address, body)
        assert reply.status_code == 400
        assert sentence in reply.content.decode()

    html = client.post(address, {"name": "nightly job", "tenant": str(tenant.id)}).content.decode()
    found = re.search(r"data-copied-text>(ember_[^<]+)<", html)
    assert found
    assert actor_for_token(Secret(found.group(1)), now=utc_now())
    assert found.group(1) not in page(client, address)
    assert "nightly job" in page(client, address)
    assert "nightly job" not in page(client_of(make_user(tenant, "admin")), address)

    client.post(reverse("revoke_token", args=[ApiToken.objects.get().id]))
    assert actor_for_token(Secret(found.group(1)), now=utc_now()) is None
    assert "No API token yet" in page(client, address)


def test_the_audit_pages_newest_first(visit: Visit, tenant: Tenant) -> None:
    admin = visit("admin")
    for number in range(60):
        admin.post(reverse("reveal", args=[tenant.id, make_credential(tenant).id]), {"reason": f"r{number}-"})
    address, seen = reverse("audit", args=[tenant.id]), []
    while address:
        html = page(admin, address)
        seen += re.findall(r"Reason: r(\d+)-", html)
        older = re.search(r'href="([^"]+)">Older', html)
        address = older.group(1) if older else ""
    assert seen == [str(number) for number in reversed(range(60))]
    assert admin.get(reverse("audit", args=[tenant.id]) + "?before=x").status_code == 400
    assert admin.get(reverse("audit", args=[tenant.id]) + "?before=" + "9" * 30).status_code == 400


def test_the_chain_is_verified_on_the_page(visit: Visit, tenant: Tenant) -> None:
    admin, address = visit("admin"), reverse("verify_audit", args=[tenant.id])
    make_credential(tenant)
    assert "The chain holds." in admin.post(address, headers=HTMX).content.decode()
    first = AuditRow.objects.filter(chain=tenant.id).order_by("sequence")[0]
    AuditRow.objects.filter(pk=first.pk).update(actor="somebody else")
    html = admin.post(address).content.decode()
    assert "The chain is broken at row 1" in html
    assert "<html" in html


def test_a_missing_worker_is_told_on_every_page(visit: Visit, tenant: Tenant) -> None:
    client, address = visit("viewer"), reverse("feed", args=[tenant.id])
    assert "No worker is running." in page(client, address)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
        assert "No worker is running." not in page(client, address)
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '16 seconds'")
    assert "No worker is running." in page(client, address)
