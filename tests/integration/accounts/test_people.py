"""Invitations, roles and API tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emberwatch.accounts.actor import SYSTEM, actor_for_user
from emberwatch.accounts.models import ApiToken, Invitation, User
from emberwatch.accounts.services import (
    accept_invitation,
    actor_for_token,
    create_api_token,
    first_admin_needed,
    invite_first_admin,
    invite_member,
    revoke_api_token,
)
from emberwatch.core.errors import BadInput, NotAllowed, NotFound
from emberwatch.core.secret import Secret
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of, visible_tenants
from emberwatch.tenants.services import create_tenant, set_domains
from tests.factories import NOW, make_actor, make_tenant, make_user

pytestmark = pytest.mark.django_db

PASSWORD = Secret("a long enough password 9")


def test_the_first_admin_comes_by_a_link_that_works_once() -> None:
    assert first_admin_needed()
    stale = invite_first_admin(now=NOW)
    token = invite_first_admin(now=NOW)
    assert token.expose() not in str(list(Invitation.objects.values()))
    with pytest.raises(NotFound):
        accept_invitation(stale, "root@emberwatch.example", PASSWORD, now=NOW)

    user = accept_invitation(token, "Root@Emberwatch.example", PASSWORD, now=NOW)
    assert user.is_organisation_admin
    assert user.email == "root@emberwatch.example"
    assert user.check_password(PASSWORD.expose())
    assert not first_admin_needed()
    with pytest.raises(NotFound):
        accept_invitation(token, "second@emberwatch.example", PASSWORD, now=NOW)


def test_a_link_expires() -> None:
    token = invite_first_admin(now=NOW)
    with pytest.raises(NotFound):
        accept_invitation(token, "r@emberwatch.example", PASSWORD, now=NOW + timedelta(days=4))
    assert accept_invitation(token, "r@emberwatch.example", PASSWORD, now=NOW + timedelta(days=2))


@pytest.mark.parametrize("password", ["short", "password1234", "1234567890123"])
def test_a_weak_password_is_refused_and_the_link_still_works(password: str) -> None:
    token = invite_first_admin(now=NOW)
    with pytest.raises(BadInput) as caught:
        accept_invitation(token, "r@emberwatch.example", Secret(password), now=NOW)
    assert caught.value.field == "password"
    assert accept_invitation(token, "r@emberwatch.example", PASSWORD, now=NOW)


def test_a_member_gets_the_role_of_the_invitation_and_its_address() -> None:
    tenant = make_tenant()
    token = invite_member(tenant, "New@x.example", "analyst", actor=make_actor(tenant, "admin"), now=NOW)
    user = accept_invitation(token, "other@x.example", PASSWORD, now=NOW)
    assert user.email == "new@x.example"
    assert Permission.VALIDATE in permissions_of(actor_for_user(user), tenant)
    assert not user.is_organisation_admin


def test_only_admins_invite_and_only_organisation_admins_make_tenants() -> None:
    tenant = make_tenant()
    for role in ("viewer", "analyst"):
        with pytest.raises(NotAllowed):
            invite_member(tenant, "x@x.example", "viewer", actor=make_actor(tenant, role), now=NOW)
    with pytest.raises(NotAllowed):
        create_tenant("X", ["x.example"], actor=make_actor(tenant, "admin"), now=NOW)
    assert create_tenant("X", ["x.example"], actor=make_actor(organisation_admin=True), now=NOW)


def test_a_person_sees_only_their_own_tenants() -> None:
    tenant, other = make_tenant(), make_tenant()
    actor = make_actor(tenant, "viewer")
    assert list(visible_tenants(actor)) == [tenant]
    assert access_tenant(actor, tenant.id, Permission.VIEW_FEED) == tenant
    with pytest.raises(NotFound):
        access_tenant(actor, other.id, Permission.VIEW_FEED)
    with pytest.raises(NotAllowed):
        access_tenant(actor, tenant.id, Permission.VALIDATE)
    assert set(visible_tenants(make_actor(organisation_admin=True))) == {tenant, other}


def test_a_token_sees_one_tenant_and_can_be_ended() -> None:
    tenant, other = make_tenant(), make_tenant()
    user = make_user(organisation_admin=True)
    token, text = create_api_token(user, tenant, "ci", actor=actor_for_user(user), now=NOW)
    assert text.expose() not in str(list(ApiToken.objects.values()))

    actor = actor_for_token(text, now=NOW)
    assert actor is not None
    assert list(visible_tenants(actor)) == [tenant]
    with pytest.raises(NotFound):
        access_tenant(actor, other.id, Permission.VIEW_FEED)

    assert actor_for_token(Secret("ember_wrong"), now=NOW) is None
    assert actor_for_token(text, now=NOW + timedelta(days=366)) is None
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert actor_for_token(text, now=NOW) is None
    User.objects.filter(pk=user.pk).update(is_active=True)
    revoke_api_token(user, token.id, actor=actor_for_user(user), now=NOW)
    assert actor_for_token(text, now=NOW) is None


@pytest.mark.parametrize(
    "domains", [[], ["  "], ["not a domain"], ["https://contoso.example"], ["a@b.example"], ["com"]]
)
def test_domains_are_checked(domains: list[str]) -> None:
    tenant = make_tenant()
    with pytest.raises(BadInput) as caught:
        set_domains(tenant, domains, actor=SYSTEM, now=NOW)
    assert caught.value.field == "domains"
    assert set_domains(tenant, ["B.example", "bücher.example"], actor=SYSTEM, now=NOW) == [
        "b.example",
        "xn--bcher-kva.example",
    ]


def test_two_tenants_cannot_share_a_name() -> None:
    make_tenant(name="Contoso")
    with pytest.raises(BadInput) as caught:
        make_tenant(name="contoso")
    assert caught.value.field == "name"
