"""Writes parsed credentials to the store: one row a pair, one sighting a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from emberwatch.core.ids import new_id
from emberwatch.exposures.features import character_classes
from emberwatch.exposures.models import Credential, DateBasis, Machine, Sighting, Source
from emberwatch.exposures.policy import LeakDate, best_date, worse_than
from emberwatch.exposures.services import secret_context
from emberwatch.matching.domains import DomainSet, canonical_login
from emberwatch.parsing.base import ParsedCredential
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.vault.services import tenant_vault


@dataclass(frozen=True, slots=True)
class Batch:
    source: Source
    file_name: str
    machine: MachineFacts | None
    machine_key: str
    credentials: list[ParsedCredential]


class Recorder:
    """Stores batches of one tenant inside the caller's transaction."""

    def __init__(self, tenant_id: UUID, domains: DomainSet, now: datetime) -> None:
        self._tenant_id = tenant_id
        self._domains = domains
        self._now = now
        self._vault = tenant_vault(tenant_id)

    def store(self, batch: Batch) -> tuple[int, int]:
        """How many credentials of the batch were new, and how many were known already."""
        prints = [self._fingerprint(found) for found in batch.credentials]
        known = self._ids(prints)
        machine = self._machine(batch)
        leaked = self._leaked(batch)
        fresh: dict[bytes, Credential] = {}
        for found, print_ in zip(batch.credentials, prints, strict=True):
            if print_ not in known and print_ not in fresh:
                fresh[print_] = self._credential(found, print_, batch.source, leaked)
        Credential.objects.bulk_create(fresh.values(), ignore_conflicts=True)
        # A parallel import may have been faster; the ids that count are those in the table.
        ids = known | self._ids(list(fresh))
        self._sight(batch, prints, ids, machine, leaked)
        self._freshen(known, batch.source, leaked)
        new = sum(1 for print_, credential in fresh.items() if ids[print_] == credential.id)
        return new, len(prints) - new

    def _fingerprint(self, found: ParsedCredential) -> bytes:
        return self._vault.fingerprint("credential", canonical_login(found.login), found.kind, found.secret)

    def _ids(self, prints: list[bytes]) -> dict[bytes, UUID]:
        rows = Credential.objects.filter(tenant_id=self._tenant_id, fingerprint__in=set(prints))
        return {bytes(print_): id_ for print_, id_ in rows.values_list("fingerprint", "id")}

    def _credential(
        self, found: ParsedCredential, print_: bytes, source: Source, leaked: LeakDate
    ) -> Credential:
        credential = Credential(
            id=new_id(),
            tenant_id=self._tenant_id,
            fingerprint=print_,
            login=found.login[:320],
            login_canonical=canonical_login(found.login)[:320],
            domain=self._domains.match(found.login) or "",
            secret_kind=found.kind,
            hash_types=list(found.hash_types),
            secret_length=len(found.secret),
            secret_classes=character_classes(found.secret),
            source_kind=source.kind,
            leaked_at=leaked.at,
            leaked_at_basis=leaked.basis,
            first_seen_at=self._now,
            last_seen_at=self._now,
        )
        credential.sealed_secret = self._vault.seal(found.secret, secret_context(credential))
        return credential

    def _machine(self, batch: Batch) -> Machine | None:
        facts = batch.machine
        if facts is None:
            return None
        machine, _ = Machine.objects.update_or_create(
            tenant_id=self._tenant_id,
            key=_machine_key(facts, batch),
            defaults={
                "family": facts.family[:60],
                "computer_name": facts.computer_name[:200],
                "user_name": facts.user_name[:200],
                "operating_system": facts.os[:200],
                "ip_address": facts.ip[:64],
                "country": facts.country[:60],
                "infected_at": facts.infected_at,
            },
        )
        return machine

    def _sight(
        self,
        batch: Batch,
        prints: list[bytes],
        ids: dict[bytes, UUID],
        machine: Machine | None,
        leaked: LeakDate,
    ) -> None:
        sightings = [
            Sighting(
                tenant_id=self._tenant_id,
                credential_id=ids[print_],
                source=batch.source,
                machine=machine,
                file_name=batch.file_name[:500],
                line=found.line,
                url=found.url,
                application=found.application[:200],
                leaked_at=leaked.at if leaked.basis != DateBasis.FIRST_SEEN else None,
                seen_at=self._now,
            )
            for found, print_ in zip(batch.credentials, prints, strict=True)
        ]
        Sighting.objects.bulk_create(sightings, ignore_conflicts=True)

    def _freshen(self, known: dict[bytes, UUID], source: Source, leaked: LeakDate) -> None:
        """Known credentials that were seen again move to the top of the feed; the better date stays."""
        rows = Credential.objects.filter(tenant_id=self._tenant_id, id__in=known.values())
        rows.update(last_seen_at=self._now, source_kind=source.kind)
        worse = Q(leaked_at__isnull=True) | Q(leaked_at_basis__in=worse_than(leaked.basis))
        if leaked.basis != DateBasis.FIRST_SEEN:
            worse |= Q(leaked_at_basis=leaked.basis, leaked_at__lt=leaked.at)
        rows.filter(worse).update(leaked_at=leaked.at, leaked_at_basis=leaked.basis)

    def _leaked(self, batch: Batch) -> LeakDate:
        return best_date(
            infected=batch.machine.infected_at if batch.machine else None,
            breached=None,
            stated=batch.source.leaked_at,
            first_seen=self._now,
        )


def _machine_key(facts: MachineFacts, batch: Batch) -> str:
    """What names a machine across leaks: its hardware id, else its names, else its place in this one leak."""
    names = f"{facts.computer_name}/{facts.user_name}" if facts.computer_name and facts.user_name else ""
    return (facts.hwid or facts.machine_id or names or f"{batch.source.id}/{batch.machine_key}")[:200]
