"""To which of a tenant's directories a login goes: the one that holds its account, else the one with its domain.

A tenant with one directory has no choice to make. Where several directories hold an account for a login, it is
nobody's for sure, wherever it goes: :mod:`emberwatch.validation.finding` looks into all of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.identities.queries import match_logins
from emberwatch.matching.domains import login_domain


def connection_for(credential: Credential) -> DirectoryConnection | None:
    """The connection that a credential is validated through; ``None`` when the tenant has none."""
    found = connections_of(credential.tenant_id)
    if len(found) < 2:
        return next(iter(found), None)
    by_directory = {each.entra_tenant_id: each for each in found}
    held = _holder(credential.tenant_id, by_directory, credential.login_canonical)
    domain = login_domain(credential.login_canonical) or ""
    return by_directory[_directory(held, domain, found)]


def _holder(tenant_id: UUID, directories: Collection[UUID], login: str) -> UUID | None:
    """The directory that holds the login's one account."""
    matched = match_logins(tenant_id, directories, [login])[login]
    if matched.identity_id is None:
        return None
    return Identity.objects.values_list("entra_tenant_id", flat=True).get(pk=matched.identity_id)


def _directory(held: UUID | None, domain: str, found: Sequence[DirectoryConnection]) -> UUID:
    # Without a directory that knows the domain, the first one says that it does not.
    return held or _by_domain(found).get(domain.lower()) or found[0].entra_tenant_id


def _by_domain(found: Sequence[DirectoryConnection]) -> Mapping[str, UUID]:
    """A domain is verified in one directory at a time; of two that say so, the one that was checked last is right."""
    ordered = sorted(found, key=lambda each: each.last_good_check_at or each.created_at)
    return {domain: each.entra_tenant_id for each in ordered for domain in each.verified_domains}


@dataclass(frozen=True, slots=True)
class Share:
    """The credentials of a tenant that go to one of its directories: the same rule as a condition in SQL."""

    tenant_id: UUID
    directory: UUID | None
    """``None``: the tenant has none yet."""

    def condition(self) -> tuple[str, list[Any]]:
        """Over the table of credentials ``c``; empty where the tenant has no other directory."""
        found = connections_of(self.tenant_id)
        if len(found) < 2:
            return "", []
        by_domain = {domain: str(directory) for domain, directory in _by_domain(found).items()}
        held = (
            f"SELECT i.entra_tenant_id FROM {Identity._meta.db_table} i "  # noqa: S608 - a model's own name
            "WHERE i.id = c.identity_id AND i.entra_tenant_id = ANY(%s)"
        )
        domain = "(%s::jsonb ->> split_part(c.login_canonical, '@', -1))::uuid"
        return (
            f" AND coalesce(({held}), {domain}, %s) = %s",
            [
                [each.entra_tenant_id for each in found],
                json.dumps(by_domain),
                found[0].entra_tenant_id,
                self.directory,
            ],
        )
