"""The ledger for its readers: pages, exports and the budget of one account.

The ledger belongs to the directory. What another workspace that is connected to it has sent is shown too, because
it spends the same budget: when, to which account, with which answer, but neither who asked nor for which credential.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import NotFound
from emberwatch.core.listing import Place, cursor_at, one_of, place_of, plain_text, since, until
from emberwatch.core.verdict import Verdict
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connection_of
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.budget import Policy, Remaining, remaining
from emberwatch.validation.choices import budget_policy, policy_of
from emberwatch.validation.ledger import failed_by_others, ledger_of
from emberwatch.validation.models import Attempt, AttemptOrigin
from emberwatch.validation.policy import Hybrid

PAGE_SIZE: Final = 50
EXPORT_CHUNK: Final = 2000
ANOTHER_WORKSPACE: Final = "another workspace"
# More accounts than this behind one sign-in name are a mistake, not a wish.
MOST_ACCOUNTS_OF_A_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What the ledger is narrowed to; the same names stand in the address of the page, the API and the command."""

    account: str = ""
    """An object id or a sign-in name."""
    code: str = ""
    verdict: str = ""
    origin: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_query(cls, values: dict[str, str]) -> LedgerFilter:
        """Parses query parameters. Raises :class:`BadInput` naming the one at fault; unknown names are ignored."""
        told = {field.name: plain_text(values.get(field.name, "")) for field in fields(cls)}
        return cls(
            account=told["account"],
            code=told["code"][:20],
            verdict=one_of("verdict", told["verdict"], frozenset(Verdict)),
            origin=one_of("origin", told["origin"], AttemptOrigin.values),
            since=since("since", told["since"]),
            until=until("until", told["until"]),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt as a tenant may see it."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("id", "reserved_at", "answered_at", "directory_at", "state", "entra_tenant_id", "object_id"),
        *("user_principal_name", "credential_id", "run_id", "is_own", "requested_by", "origin", "client_id"),
        *("code", "unknown_code", "verdict", "counts_as_failed", "client_request_id", "correlation_id"),
        "trace_id",
    )

    attempt: Attempt
    is_own: bool

    @property
    def requested_by(self) -> str:
        return self.attempt.requested_by if self.is_own else ANOTHER_WORKSPACE

    @property
    def user_principal_name(self) -> str:
        return self.attempt.user_principal_name if self.is_own else ""

    @property
    def credential_id(self) -> UUID | None:
        return self.attempt.credential_id if self.is_own else None

    @property
    def run_id(self) -> UUID | None:
        return self.attempt.run_id if self.is_own else None

    @property
    def client_id(self) -> UUID | None:
        return self.attempt.client_id if self.is_own else None

    @property
    def verdict(self) -> Verdict | None:
        return Verdict(self.attempt.verdict) if self.attempt.verdict else None

    @property
    def client_request_id(self) -> UUID:
        """What the directory's sign-in log calls the correlation id: the attempt's own."""
        return self.attempt.id

    def fields(self) -> dict[str, object]:
        """Name and value of everything that pages, API and exports tell about an attempt."""
        own = {name: getattr(self, name) for name in self.COLUMNS if hasattr(self, name)}
        return {name: own[name] if name in own else getattr(self.attempt, name) for name in self.COLUMNS}


@dataclass(frozen=True, slots=True)
class LedgerPage:
    entries: list[Entry]
    next_cursor: str = ""


def access_ledger(actor: Actor, tenant_id: UUID | str) -> Tenant:
    """The tenant whose ledger is read; whoever may validate may see what validating sent."""
    return access_tenant(actor, tenant_id, Permission.VALIDATE)


def ledger_page(
    tenant: Tenant, wanted: LedgerFilter, *, cursor: str = "", limit: int = PAGE_SIZE
) -> LedgerPage:
    """One page of the ledger, newest first. ``cursor`` comes from the page before."""
    found = _entries(tenant, wanted, place_of(cursor) if cursor else None, limit + 1)
    last = found[limit - 1].attempt if len(found) > limit else None
    return LedgerPage(found[:limit], cursor_at(last.reserved_at, last.id) if last else "")


def whole_ledger(tenant: Tenant, wanted: LedgerFilter) -> Iterator[Entry]:
    """Every entry, newest first, read in pieces: a ledger of any length takes the same memory."""
    before: Place | None = None
    while True:
        found = _entries(tenant, wanted, before, EXPORT_CHUNK)
        yield from found
        if len(found) < EXPORT_CHUNK:
            return
        before = (found[-1].attempt.reserved_at, found[-1].attempt.id)


def record_export(tenant: Tenant, wanted: LedgerFilter, form: str, *, actor: Actor, now: datetime) -> None:
    """Writes down that somebody takes the ledger away; before the first row leaves."""
    since, until = (moment.isoformat() if moment else "" for moment in (wanted.since, wanted.until))
    narrowed = {"account": wanted.account, "code": wanted.code, "verdict": wanted.verdict}
    narrowed |= {"origin": wanted.origin, "since": since, "until": until}
    facts = {"format": form} | {name: value for name, value in narrowed.items() if value}
    with transaction.atomic():
        record(tenant.id, "attempts.exported", f"tenant:{tenant.id}", actor=actor, now=now, facts=facts)


def _entries(tenant: Tenant, wanted: LedgerFilter, before: Place | None, limit: int) -> list[Entry]:
    """The newest of the directory's and of those that the tenant sent to directories it was connected to before.

    Two reads, each along an index of its own, instead of one with an OR that would have to sort everything.
    """
    directory_id = shared_directory_of(tenant)
    own = Attempt.objects.filter(tenant_id=tenant.id)
    parts: list[QuerySet[Attempt]] = [
        own if directory_id is None else own.exclude(entra_tenant_id=directory_id)
    ]
    if directory_id is not None:
        parts.append(Attempt.objects.filter(entra_tenant_id=directory_id))
    object_ids = _accounts(tenant, wanted.account) if wanted.account else None
    rows = [list(_narrowed(part, wanted, object_ids, before)[:limit]) for part in parts]
    newest = heapq.merge(*rows, key=lambda row: (row.reserved_at, row.id), reverse=True)
    return [Entry(row, row.tenant_id == tenant.id) for row in list(newest)[:limit]]


def shared_directory_of(tenant: Tenant) -> UUID | None:
    """The directory whose whole ledger the tenant may see: one that has accepted the tenant's own application.

    Whoever has merely typed a directory's id must not learn what others sent there.
    """
    connection = connection_of(tenant.id)
    if connection is None or connection.last_good_check_at is None:
        return None
    return connection.entra_tenant_id


def _narrowed(
    rows: QuerySet[Attempt], wanted: LedgerFilter, object_ids: list[UUID] | None, before: Place | None
) -> QuerySet[Attempt]:
    exact = {"code": wanted.code, "verdict": wanted.verdict, "origin": wanted.origin}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if object_ids is not None:
        rows = rows.filter(object_id__in=object_ids)
    if wanted.since:
        rows = rows.filter(reserved_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(reserved_at__lt=wanted.until)
    if before is not None:
        at, last_id = before
        rows = rows.filter(reserved_at__lte=at).filter(Q(reserved_at__lt=at) | Q(id__lt=last_id))
    return rows.order_by("-reserved_at", "-id")


def _accounts(tenant: Tenant, account: str) -> list[UUID]:
    """Object ids of an account that is given by its own id, its sign-in name, or a login that leaked."""
    try:
        return [UUID(account)]
    except ValueError:
        pass
    met = Identity.objects.filter(tenant=tenant, user_principal_name__iexact=account)
    leaked = Credential.objects.filter(
        tenant=tenant, login_canonical=account.casefold(), identity__isnull=False
    )
    by_name = met.values_list("object_id", flat=True)[:MOST_ACCOUNTS_OF_A_NAME]
    by_login = leaked.values_list("identity__object_id", flat=True)[:MOST_ACCOUNTS_OF_A_NAME]
    return list({*by_name, *by_login})


@dataclass(frozen=True, slots=True)
class AccountBudget:
    """What the lockout rule leaves for one account, and what has used it up."""

    entra_tenant_id: UUID
    object_id: UUID
    identity: Identity
    policy: Policy
    remaining: Remaining
    others: list[datetime]
    """Wrong passwords of others within 24 hours, as the directory's sign-in log showed them."""


def account_budget(tenant: Tenant, object_id: UUID | str, now: datetime) -> AccountBudget:
    """The budget of an account that the tenant has met in its directory."""
    try:
        wanted = UUID(str(object_id))
    except ValueError:
        raise NotFound("There is no such account.") from None
    connection = connection_of(tenant.id)
    identity = _identity(tenant, connection, wanted)
    if connection is None or identity is None:
        raise NotFound("There is no such account.")
    directory_id = connection.entra_tenant_id
    policy = budget_policy(connection, synced=identity.synced, single_try=_single_try(connection, identity))
    others = sorted(failed_by_others(directory_id, wanted, now))
    left = remaining(ledger_of(directory_id, wanted), policy, now, identity.last_password_change_at, others)
    return AccountBudget(directory_id, wanted, identity, policy, left, others)


def budgets_of(tenant: Tenant, wanted: LedgerFilter, now: datetime) -> list[AccountBudget]:
    """The budgets of the accounts that a filter names; none when it names no account."""
    if not wanted.account:
        return []
    found = []
    for object_id in _accounts(tenant, wanted.account):
        try:
            found.append(account_budget(tenant, object_id, now))
        except NotFound:
            continue
    return found


def _identity(tenant: Tenant, connection: DirectoryConnection | None, object_id: UUID) -> Identity | None:
    if connection is None:
        return None
    rows = Identity.objects.filter(tenant=tenant, entra_tenant_id=connection.entra_tenant_id)
    return rows.filter(object_id=object_id).first()


def _single_try(connection: DirectoryConnection, identity: Identity) -> bool:
    """As triage has it: a synced account whose passwords may be checked on premises."""
    return identity.synced and policy_of(connection).hybrid != Hybrid.PASSWORD_HASH_SYNC
