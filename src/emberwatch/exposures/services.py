"""Writes of leaked data: recording credentials, setting verdicts, revealing a password."""

from __future__ import annotations

from collections.abc import Mapping
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
    return tenant_vault(credential.tenant_id).open(
        bytes(credential.sealed_secret), secret_context(credential)
    )


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
    entry = VerdictRecord.objects.create(
        tenant_id=credential.tenant_id,
        credential=credential,
        verdict=verdict,
        certainty=certainty or "",
        at=now,
        decided_for=actor.label,
        evidence=dict(evidence),
    )
    Credential.objects.filter(pk=credential.pk).update(
        verdict=verdict, verdict_group=verdict.group, certainty=certainty or "", verdict_at=now
    )
    record(
        credential.tenant_id,
        "credential.verdict_set",
        f"credential:{credential.id}",
        actor=actor,
        now=now,
        facts={"verdict": verdict, "certainty": certainty or "", "method": evidence.get("method", "")},
    )
    announce("credential.verdict_set", credential_id=str(credential.id), tenant_id=str(credential.tenant_id))
    return entry
