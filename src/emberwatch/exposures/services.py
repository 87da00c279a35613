"""Writes of leaked data: recording credentials, setting verdicts, revealing a password."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.vault.services import tenant_vault


def secret_context(credential: Credential) -> str:
    return secret_context_of(credential.id)


def secret_context_of(credential_id: object) -> str:
    """What binds a sealed secret to its row."""
    return f"credential:{credential_id}:secret"


def open_secret(credential: Credential) -> Secret:
    """The plaintext, for the sign-in call and for :func:`reveal`."""
    return secret_opener(credential.tenant_id)(credential)


def secret_opener(tenant_id: UUID) -> Callable[[Credential], Secret]:
    """The same for many credentials of one tenant, whose key is looked up once."""
    vault = tenant_vault(tenant_id)
    return lambda credential: vault.open(bytes(credential.sealed_secret), secret_context(credential))


def reveal(credential: Credential, *, reason: str, actor: Actor, now: datetime) -> Secret:
    """Opens a password for a person to read; the audit row is written whether or not it is then looked at."""
    require(actor, credential.tenant, Permission.REVEAL_PASSWORD)
    if not reason.strip():
        raise BadInput("A reason is needed to reveal a password.", field="reason")
    with transaction.atomic():
        record(
            credential.tenant_id,
            "credential.revealed",
            f"credential:{credential.id}",
            actor=actor,
            now=now,
            reason=reason.strip(),
            facts={"login": credential.login},
        )
        return open_secret(credential)


@dataclass(frozen=True, slots=True)
class NewVerdict:
    credential: Credential
    verdict: Verdict
    certainty: Certainty | None
    evidence: Mapping[str, Any]


def set_verdict(
    credential: Credential,
    verdict: Verdict,
    certainty: Certainty | None,
    evidence: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> VerdictRecord:
    """Stores a verdict with its evidence, keeps the earlier ones, and announces it. Needs a transaction."""
    wanted = NewVerdict(credential, verdict, certainty, evidence)
    return set_verdicts(credential.tenant_id, [wanted], actor=actor, now=now)[0]


def set_verdicts(
    tenant_id: UUID, wanted: Sequence[NewVerdict], *, actor: Actor, now: datetime
) -> list[VerdictRecord]:
    """The same for many credentials of one tenant at once, with one audit row that names them all."""
    if not wanted:
        return []
    # In one order everywhere, so that two workers never wait for each other.
    ids = sorted({each.credential.id for each in wanted})
    list(Credential.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    entries = VerdictRecord.objects.bulk_create(
        VerdictRecord(
            tenant_id=tenant_id,
            credential=each.credential,
            verdict=each.verdict,
            certainty=each.certainty or "",
            at=now,
            decided_for=actor.label,
            evidence=dict(each.evidence),
        )
        for each in wanted
    )
    for (verdict, certainty), members in _by_verdict(wanted).items():
        Credential.objects.filter(tenant_id=tenant_id, pk__in=members).update(
            verdict=verdict,
            verdict_group=verdict.group,
            certainty=certainty or "",
            verdict_at=now,
            looked_at=now,
        )
    _record_verdicts(tenant_id, wanted, actor, now)
    announce("credential.verdict_set", credential_ids=[str(each) for each in ids], tenant_id=str(tenant_id))
    return entries


def _by_verdict(wanted: Sequence[NewVerdict]) -> dict[tuple[Verdict, Certainty | None], list[UUID]]:
    grouped: dict[tuple[Verdict, Certainty | None], list[UUID]] = {}
    for each in wanted:
        grouped.setdefault((each.verdict, each.certainty), []).append(each.credential.id)
    return grouped


def _record_verdicts(tenant_id: UUID, wanted: Sequence[NewVerdict], actor: Actor, now: datetime) -> None:
    facts = [
        {
            "credential": str(each.credential.id),
            "verdict": each.verdict,
            "certainty": each.certainty or "",
            "method": each.evidence.get("method", ""),
        }
        for each in wanted
    ]
    one = len(facts) == 1
    record(
        tenant_id,
        "credential.verdict_set" if one else "credential.verdicts_set",
        f"credential:{wanted[0].credential.id}" if one else f"tenant:{tenant_id}",
        actor=actor,
        now=now,
        facts={k: v for k, v in facts[0].items() if k != "credential"} if one else {"verdicts": facts},
    )
