"""Reads of people and of their API tokens."""

from __future__ import annotations

from emberwatch.accounts.models import ApiToken, User


def person_with_address(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip(), is_active=True).first()


def tokens_of(user: User) -> list[ApiToken]:
    """A person's own tokens, newest first; what was revoked is left out."""
    rows = ApiToken.objects.filter(user=user, revoked_at=None)
    return list(rows.select_related("tenant").order_by("-created_at", "-id")[:200])
