"""From a fact to alerts: each rule notes what it asks for, once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from emberwatch.alerts.models import Alert, AlertRule
from emberwatch.alerts.policy import KEPT_FOR, Choice, Fact, Happening, Turn, chooses, tell_at, turning_point
from emberwatch.alerts.witnesses import Told
from emberwatch.core.verdict import Verdict, VerdictGroup
from emberwatch.directories.models import DirectoryConnection
from emberwatch.engine.facts import announce
from emberwatch.exposures.closing import with_handling
from emberwatch.exposures.models import Credential, Handling, VerdictRecord
from emberwatch.exposures.profile import Profile
from emberwatch.identities.severity import Facts, Level, Severity, severity_of

ABOUT_VERDICTS: Final = (Fact.ACTIVE, Fact.NOT_ACTIVE)
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """A fact, and what is told of it."""

    what: Happening
    credential_id: UUID | None = None
    reasons: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


def wants(tenant_id: UUID | str, *facts: Fact) -> bool:
    """Whether any rule of the tenant asks for one of these facts."""
    rows = AlertRule.objects.filter(tenant_id=tenant_id, is_on=True)
    return rows.filter(facts__overlap=[fact.value for fact in facts]).exists()


def tenants_that_want(fact: Fact) -> list[UUID]:
    rows = AlertRule.objects.filter(is_on=True, facts__contains=[fact.value])
    return list(rows.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())


def gather_new(tenant_id: UUID, credential_ids: Sequence[UUID], now: datetime) -> None:
    """Credentials that were recorded for the first time."""
    for rows, severity in _open_credentials(tenant_id, credential_ids, now):
        note(
            tenant_id,
            [_about(row, Fact.NEW_CREDENTIAL, str(row.pk), row.first_seen_at, severity(row)) for row in rows],
            now,
        )


def gather_verdicts(tenant_id: UUID, credential_ids: Sequence[UUID], now: datetime) -> None:
    """Credentials that were found active or not active. One that stays what it was is no news."""
    for rows, severity in _open_credentials(tenant_id, credential_ids, now):
        turns = _turns(tenant_id, [row.pk for row in rows])
        notes = []
        for row in rows:
            found = turning_point(turns[row.pk])
            if found is not None:
                fact, turn = found
                key = f"{row.pk}@{turn.record_id}"
                notes.append(_about(row, fact, key, turn.at, severity(row)))
        note(tenant_id, notes, now)


def _turns(tenant_id: UUID, credential_ids: Sequence[UUID]) -> dict[UUID, list[Turn]]:
    rows = VerdictRecord.objects.filter(tenant_id=tenant_id, credential_id__in=credential_ids)
    found: dict[UUID, list[Turn]] = defaultdict(list)
    for record_id, credential_id, verdict, at in rows.order_by("-at", "-id").values_list(
        "id", "credential_id", "verdict", "at"
    ):
        found[credential_id].append(Turn(record_id, Verdict(verdict).group, at))
    return found


def _open_credentials(
    tenant_id: UUID, ids: Sequence[UUID], now: datetime
) -> Iterable[tuple[list[Credential], Callable[[Credential], Severity]]]:
    """In parts, without those that somebody has closed, and what says how bad each is."""
    for begin in range(0, len(ids), _AT_ONCE):
        rows = Credential.objects.filter(tenant_id=tenant_id, pk__in=ids[begin : begin + _AT_ONCE])
        found = list(with_handling(rows, now, Handling.OPEN).select_related("identity").order_by("pk"))
        yield found, _Severities(now).of


class _Severities:
    """That of an account is worked out once, however many of its credentials are told of."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[UUID, Severity] = {}

    def of(self, row: Credential) -> Severity:
        if row.identity is None:
            return severity_of(_alone(row))
        if row.identity.pk not in self._known:
            self._known[row.identity.pk] = Profile(row.identity, self._now).severity
        return self._known[row.identity.pk]


def _alone(row: Credential) -> Facts:
    """Of a credential whose account is not known."""
    group = VerdictGroup(row.verdict_group)
    return Facts(
        active=int(group is VerdictGroup.ACTIVE),
        not_ruled_out=int(group in (VerdictGroup.NOT_VALIDATED, VerdictGroup.CANNOT_TELL)),
        ruled_out=int(group is VerdictGroup.NOT_ACTIVE),
    )


def _about(row: Credential, fact: Fact, key: str, at: datetime, severity: Severity) -> Note:
    what = Happening(fact, key, at, severity.level, row.source_kind)
    return Note(what, row.pk, tuple(reason.words for reason in severity.reasons))


def gather_halts(tenant_id: UUID, now: datetime) -> None:
    """Directories of the tenant that are stopped."""
    rows = DirectoryConnection.objects.filter(tenant_id=tenant_id, halted_at__isnull=False)
    for row in rows:
        if row.halted_at is not None:
            gather_told(tenant_id, Fact.DIRECTORY_STOPPED, _halt(row, row.halted_at), now)


def _halt(row: DirectoryConnection, at: datetime) -> Told:
    return Told(
        key=f"{row.pk}@{at.isoformat()}",
        title=f"Directory stopped: {row.label}",
        at=at,
        facts=(
            ("Directory", row.label),
            ("Directory ID", str(row.entra_tenant_id)),
            ("Why", row.status_sentence),
        ),
        severity=Level.HIGH,
        path=reverse("directory", args=[row.tenant_id, row.entra_tenant_id]),
        data={"entra_tenant_id": str(row.entra_tenant_id), "sentence": row.status_sentence},
    )


def gather_told(tenant_id: UUID, fact: Fact, told: Told | None, now: datetime) -> None:
    """What another part has told of; ``None`` when it has nothing to tell after all."""
    if told is None:
        return
    shown = {
        "title": told.title,
        "facts": [list(pair) for pair in told.facts],
        "path": told.path,
        "data": told.data,
        "identity_id": str(told.identity_id or ""),
    }
    what = Happening(fact, told.key[:120], told.at, told.severity, told.source_kind)
    note(tenant_id, [Note(what, told=shown)], now)


def note(tenant_id: UUID, notes: Sequence[Note], now: datetime) -> None:
    """Notes each fact for each rule that asks for it. One that was noted before stays as it is."""
    if not notes:
        return
    # What was noted longer ago is forgotten, so that it could not be told from something new.
    since = now - KEPT_FOR
    for rule in AlertRule.objects.filter(tenant_id=tenant_id, is_on=True):
        wanted = [each for each in notes if each.what.at > since and chooses(_choice(rule), each.what)]
        if wanted:
            _note(rule, wanted, now)


def _choice(rule: AlertRule) -> Choice:
    return Choice(rule.facts, rule.minimum_severity, rule.source_kinds, rule.on_since)


def _note(rule: AlertRule, wanted: Sequence[Note], now: datetime) -> None:
    with transaction.atomic():
        Alert.objects.bulk_create((_row(rule, each, now) for each in wanted), ignore_conflicts=True)
        if rule.next_digest_at is None:
            wait = tell_at(now, rule.told_at) - now
            announce("alerts.gathered", rule_id=str(rule.pk), seconds=math.ceil(wait.total_seconds()))


def _row(rule: AlertRule, each: Note, now: datetime) -> Alert:
    level = Level(each.what.severity)
    return Alert(
        tenant_id=rule.tenant_id,
        rule=rule,
        fact=each.what.fact,
        key=each.what.key,
        credential_id=each.credential_id,
        severity=level,
        rank=level.rank,
        reasons=[reason[:500] for reason in each.reasons],
        told=dict(each.told),
        at=each.what.at,
        noted_at=now,
    )
