"""Looks at many logins at once: reads their accounts, triages every credential, and sorts out what is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.base import Directory, DirectoryError, Lookup
from emberwatch.exposures.linking import link_logins
from emberwatch.exposures.models import Credential, ExposureKind, Sighting
from emberwatch.exposures.services import NewVerdict, secret_opener
from emberwatch.identities.models import Identity
from emberwatch.validation import evidence, likelihood
from emberwatch.validation.finding import find_accounts, reason_code
from emberwatch.validation.reading import (
    Circumstances,
    Triaged,
    best_date_of,
    confirmed_of,
    credential_facts,
    leak_detections,
    meet_accounts,
    read_memberships,
    sibling_of,
    with_account,
)
from emberwatch.validation.triage import rule_named, triage
from emberwatch.validation.triage_facts import Decision, Facts, Needs, NeedsAttempt

# A privileged account that an admin has opted in is confirmed before all others.
PRIVILEGED_FIRST: Final = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A credential that only an attempt can decide, with what the attempt needs."""

    credential: Credential
    secret: Secret
    needed: NeedsAttempt
    section: dict[str, Any]
    score: float


@dataclass(slots=True)
class Looked:
    """What the facts say of the credentials of one login."""

    decided: list[NewVerdict] = field(default_factory=list)
    standing: list[UUID] = field(default_factory=list)
    """Credentials whose earlier verdict the facts bear out."""
    candidates: list[Candidate] = field(default_factory=list)
    """The likeliest first."""
    danger: float = 0.0
    """Of what is merely likely and could be confirmed; 0 when nothing is."""
    error: DirectoryError | None = None
    """The directory could not be asked about this login just now; nothing else is filled in then."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, for whom, and about what."""

    tenant_id: UUID
    circumstances: Circumstances
    directory: Directory
    confirming: bool
    actor: Actor
    clock: Clock


def look(asked: Asked, logins: Sequence[str]) -> dict[str, Looked]:
    """Raises :class:`DirectoryError` when nothing at all could be read."""
    looked = {login: Looked() for login in logins}
    found, looked_up = _accounts(asked, logins, looked)
    rows = [row for row in _credentials(asked.tenant_id, logins) if looked[row.login_canonical].error is None]
    facts = _facts(asked, rows, found, looked_up)
    places = _places(rows)
    for row, (complete, answer), secret in zip(rows, *facts, strict=True):
        _sort(looked[row.login_canonical], row, secret, complete, answer, places, asked)
    for each in looked.values():
        each.candidates.sort(key=lambda candidate: (-candidate.score, candidate.credential.pk))
    return looked


def _credentials(tenant_id: UUID, logins: Sequence[str]) -> list[Credential]:
    rows = Credential.objects.filter(
        tenant_id=tenant_id, login_canonical__in=logins, exposure_kind=ExposureKind.EMPLOYEE
    )
    return list(rows.select_related("identity", "tenant").order_by("pk"))


def _accounts(
    asked: Asked, logins: Sequence[str], looked: Mapping[str, Looked]
) -> tuple[dict[str, Identity], dict[str, Lookup]]:
    """Reads the accounts of those logins that need one, and remembers them."""
    wanted = _need_an_account(asked, _credentials(asked.tenant_id, logins))
    answers = find_accounts(asked.circumstances.connection, asked.directory, wanted, asked.clock)
    lookups: dict[str, Lookup] = {}
    for login, answer in answers.items():
        if isinstance(answer, DirectoryError):
            looked[login].error = answer
        else:
            lookups[login] = answer
    accounts = [lookup.account for lookup in lookups.values() if lookup.account is not None]
    met = meet_accounts(
        asked.tenant_id, asked.circumstances.connection, accounts, actor=asked.actor, clock=asked.clock
    )
    identities = {
        login: met[lookup.account.object_id]
        for login, lookup in lookups.items()
        if lookup.account is not None
    }
    link_logins(
        asked.tenant_id,
        {login: (identities.get(login), reason_code(lookup)) for login, lookup in lookups.items()},
    )
    return identities, lookups


def _need_an_account(asked: Asked, rows: Iterable[Credential]) -> list[str]:
    opened = secret_opener(asked.tenant_id)
    needing = (
        row.login_canonical
        for row in rows
        if triage(asked.circumstances.facts(credential_facts(row, opened(row)))) is Needs.ACCOUNT
    )
    return list(dict.fromkeys(needing))


def _facts(
    asked: Asked,
    rows: Sequence[Credential],
    identities: Mapping[str, Identity],
    lookups: Mapping[str, Lookup],
) -> tuple[list[tuple[Facts, Triaged]], list[Secret]]:
    confirmed = confirmed_of(asked.tenant_id, [identity.pk for identity in identities.values()])
    object_ids = list({identity.object_id for identity in identities.values()})
    detections = leak_detections(asked.directory, object_ids)
    opened = secret_opener(asked.tenant_id)
    facts, secrets = [], []
    for row in rows:
        secret, login = opened(row), row.login_canonical
        each = asked.circumstances.facts(credential_facts(row, secret, sibling_of(row, secret, confirmed)))
        if login in lookups:
            identity = identities.get(login)
            detection = detections.get(identity.object_id) if identity else None
            each = with_account(each, lookups[login], identity, detection)
        facts.append(replace(each, confirming=asked.confirming))
        secrets.append(secret)
    return read_memberships(asked.directory, facts), secrets


def _places(rows: Sequence[Credential]) -> dict[UUID, tuple[int, bool]]:
    """How often each credential was seen, and whether at a page where employees sign in."""
    seen = Sighting.objects.filter(credential__in=[row.pk for row in rows]).values("credential_id").order_by()
    at_page = Count("pk", filter=Q(url__iregex=likelihood.SIGN_IN_PAGES))
    counted = seen.annotate(places=Count("pk"), at_page=at_page)
    return {each["credential_id"]: (each["places"], each["at_page"] > 0) for each in counted}


def _sort(
    into: Looked,
    row: Credential,
    secret: Secret,
    facts: Facts,
    answer: Triaged,
    places: Mapping[UUID, tuple[int, bool]],
    asked: Asked,
) -> None:
    if isinstance(answer, DirectoryError):
        into.error = answer
    elif isinstance(answer, Decision):
        _decide(into, row, facts, answer)
        rule = rule_named(answer.rule)
        is_answered = row.certainty == Certainty.PROVED
        if rule is not None and rule.confirmable and not is_answered:
            into.danger = max(into.danger, _score(row, facts, places, asked))
    elif isinstance(answer, NeedsAttempt):
        if _answer_stands(row):
            into.standing.append(row.pk)
        else:
            _withdraw(into, row, asked)
            score = _score(row, facts, places, asked)
            into.candidates.append(Candidate(row, secret, answer, evidence.account_section(facts), score))


def _withdraw(into: Looked, row: Credential, asked: Asked) -> None:
    """Facts that settled it are gone, such as an account that was enabled again: it is open from this moment."""
    is_settled = row.verdict_group == VerdictGroup.NOT_ACTIVE or row.verdict == Verdict.NOT_TESTABLE
    if asked.confirming or not is_settled:
        return
    found = evidence.of_lost_ground(Verdict(row.verdict).label)
    into.decided.append(NewVerdict(row, Verdict.UNVALIDATED, None, found))
    row.verdict = Verdict.UNVALIDATED


def _decide(into: Looked, row: Credential, facts: Facts, decision: Decision) -> None:
    if _stays(row, decision):
        into.standing.append(row.pk)
        return
    found = evidence.of_decision(decision) | evidence.account_section(facts)
    into.decided.append(NewVerdict(row, decision.verdict, decision.certainty, found))


def _stays(row: Credential, decision: Decision) -> bool:
    """Whether an earlier verdict outlives what the facts say now: the same one, or one that was proved."""
    if (row.verdict, row.certainty) == (decision.verdict, decision.certainty or ""):
        return True
    return row.certainty == Certainty.PROVED and decision.certainty is not Certainty.PROVED


def _answer_stands(row: Credential) -> bool:
    """Whether the directory has answered on this very password; a change since would have withdrawn the verdict."""
    if row.verdict_group == VerdictGroup.ACTIVE or row.verdict == Verdict.INACTIVE:
        return True
    return row.verdict == Verdict.IMPOSSIBLE and row.certainty == Certainty.PROVED


def _score(row: Credential, facts: Facts, places: Mapping[UUID, tuple[int, bool]], asked: Asked) -> float:
    leaked_at, _ = best_date_of(row)
    count, at_page = places.get(row.pk, (1, False))
    candidate = likelihood.Candidate(
        row.source_kind, leaked_at, count, at_page, detected=facts.leak_detection is not None
    )
    privileged = facts.memberships is not None and any(m.privileged for m in facts.memberships.memberships)
    return likelihood.likelihood(candidate, asked.clock()) + (PRIVILEGED_FIRST if privileged else 0.0)
