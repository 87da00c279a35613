"""Writes of people: invitations, setting a first password, API tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from emberwatch.accounts.actor import SYSTEM, Actor, actor_for_user
from emberwatch.accounts.models import ApiToken, Invitation, Role, User
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.secret import Secret
from emberwatch.tenants.models import Membership, Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

INVITATION_LIFE: Final = timedelta(days=3)
TOKEN_PREFIX: Final = "ember_"  # noqa: S105 - what tokens begin with
TOKEN_LIFE: Final = timedelta(days=365)


def _hash(token: Secret) -> str:
    # Tokens are random and long: a plain hash cannot be searched, and it can be indexed.
    return hashlib.sha256(token.expose().encode()).hexdigest()


def first_admin_needed() -> bool:
    return not User.objects.filter(is_organisation_admin=True).exists()


def invite_first_admin(*, now: datetime) -> Secret:
    """A one-time token for the first organisation admin; an older unused one stops working."""
    with transaction.atomic():
        Invitation.objects.filter(makes_organisation_admin=True, used_at=None).delete()
        return _invite(actor=SYSTEM, now=now, makes_organisation_admin=True)


def invite_member(tenant: Tenant, email: str, role: str, *, actor: Actor, now: datetime) -> Secret:
    """A one-time token that makes a person with this address a member of the tenant."""
    require(actor, tenant, Permission.CONFIGURE_TENANT)
    if role not in Role.values:
        raise BadInput("Choose a role.", field="role")
    with transaction.atomic():
        return _invite(actor=actor, now=now, email=_valid_email(email), tenant=tenant, role=role)


def _invite(*, actor: Actor, now: datetime, **fields: object) -> Secret:
    token = Secret(secrets.token_urlsafe(32))
    invitation = Invitation.objects.create(
        token_hash=_hash(token),
        invited_by=actor.label,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
        **fields,
    )
    facts = {"email": invitation.email, "role": invitation.role or "organisation admin"}
    record(
        invitation.tenant_id,
        "member.invited",
        f"invitation:{invitation.id}",
        actor=actor,
        now=now,
        facts=facts,
    )
    return token


def _valid_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput("This is not an e-mail address.", field="email") from None
    return email


def invitation_for(token: Secret, *, now: datetime) -> Invitation:
    """The invitation of a link that still works."""
    rows = Invitation.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=now)
    found = rows.select_related("tenant").first()
    if found is None:
        raise NotFound("This link has been used, has expired, or never existed.", remedy="Ask for a new one.")
    return found


def accept_invitation(token: Secret, email: str, password: Secret, *, now: datetime) -> User:
    """Makes the person that a link was meant for. A link works once.

    Raises :class:`BadInput` with ``field`` ``email`` or ``password``.
    """
    with transaction.atomic():
        invitation = invitation_for(token, now=now)
        # The first to lock the row uses the link; the second finds it used.
        invitation = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
        if invitation.used_at is not None:
            raise NotFound("This link has been used.", remedy="Ask for a new one.")
        user = _new_user(invitation, invitation.email or _valid_email(email), password)
        if invitation.tenant is not None:
            Membership.objects.create(tenant=invitation.tenant, user=user, role=invitation.role)
        invitation.used_at = now
        invitation.save(update_fields=["used_at"])
        record(
            invitation.tenant_id,
            "member.joined",
            f"user:{user.id}",
            actor=actor_for_user(user),
            now=now,
            facts={"invited_by": invitation.invited_by, "role": invitation.role or "organisation admin"},
        )
    return user


def _new_user(invitation: Invitation, email: str, password: Secret) -> User:
    if User.objects.filter(email__iexact=email).exists():
        raise BadInput("Somebody with this e-mail address exists already.", field="email")
    candidate = User(email=email)
    try:
        validate_password(password.expose(), candidate)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), field="password") from None
    return User.objects.create_user(
        email, password.expose(), is_organisation_admin=invitation.makes_organisation_admin
    )


def create_user(
    email: str, password: Secret, *, actor: Actor, now: datetime, is_organisation_admin: bool = False
) -> User:
    """Makes a person directly; what the demo does for its own sign-in."""
    with transaction.atomic():
        user = User.objects.create_user(
            _valid_email(email), password.expose(), is_organisation_admin=is_organisation_admin
        )
        record(None, "member.created", f"user:{user.id}", actor=actor, now=now, facts={"email": user.email})
    return user


def create_api_token(
    user: User, tenant: Tenant, name: str, *, actor: Actor, now: datetime, life: timedelta = TOKEN_LIFE
) -> tuple[ApiToken, Secret]:
    """A bearer token bound to a person and a tenant. Its text is returned once and never stored."""
    require(actor_for_user(user), tenant, Permission.VIEW_FEED)
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise BadInput("A token needs a name of at most 80 characters.", field="name")
    text = Secret(TOKEN_PREFIX + secrets.token_urlsafe(32))
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, tenant=tenant, name=name, token_hash=_hash(text), created_at=now, expires_at=now + life
        )
        facts = {"name": name, "user": user.email}
        record(tenant.id, "api_token.created", f"api_token:{token.id}", actor=actor, now=now, facts=facts)
    return token, text


def revoke_api_token(user: User, token_id: UUID | str, *, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        found = ApiToken.objects.filter(user=user, pk=token_id, revoked_at=None).first()
        if found is None:
            raise NotFound("There is no such token.")
        found.revoked_at = now
        found.save(update_fields=["revoked_at"])
        record(found.tenant_id, "api_token.revoked", f"api_token:{found.id}", actor=actor, now=now)


def actor_for_token(text: Secret, *, now: datetime) -> Actor | None:
    """Whoever a bearer token speaks for, or ``None`` when it is unknown, expired or revoked."""
    rows = ApiToken.objects.filter(token_hash=_hash(text), revoked_at=None, user__is_active=True)
    found = rows.select_related("user").first()
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        return None
    ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return actor_for_user(found.user, only_tenant=found.tenant_id)
