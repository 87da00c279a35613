"""One person as the directory and the leaks know them: account, reach, credentials, machines, severity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, When

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.verdict import VerdictGroup
from emberwatch.exposures.models import Credential, Machine, VerdictRecord
from emberwatch.exposures.queries import count_on_machine, live_cookies
from emberwatch.exposures.timeline import Event, timeline
from emberwatch.identities.browsing import idle_days
from emberwatch.identities.models import DirectorySync, Identity
from emberwatch.identities.reach import Reach, reach_of
from emberwatch.identities.severity import Facts, Severity, severity_of
from emberwatch.identities.stages import Stage
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

MOST_CREDENTIALS: Final = 200
MOST_MACHINES: Final = 50
MOST_RECORDS: Final = 500
MOST_EVENTS: Final = 60
_OF_THE_ACCOUNT: Final = (Stage.SIGN_INS, Stage.REGISTRATION, Stage.RISK)
_OF_ITS_REACH: Final = (Stage.GROUPS, Stage.ROLES, Stage.APPLICATIONS)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why the directory tells nothing of the kind, and what to do about it."""

    label: str
    because: str
    remedy: str = ""


@dataclass(frozen=True)
class Profile:
    """Everything about one identity; each part is read when it is asked for."""

    identity: Identity
    now: datetime

    @cached_property
    def _sync(self) -> DirectorySync | None:
        return DirectorySync.objects.filter(
            tenant_id=self.identity.tenant_id, entra_tenant_id=self.identity.entra_tenant_id
        ).first()

    @cached_property
    def unknown(self) -> dict[str, Unknown]:
        """What of the directory is not known here, by the stage of the reading that would tell it."""
        found = {stage.value: _why_unknown(self._sync, stage) for stage in (*_OF_THE_ACCOUNT, *_OF_ITS_REACH)}
        return {stage: why for stage, why in found.items() if why is not None}

    @property
    def unread_reach(self) -> list[Unknown]:
        """Why what the account opens may be more than what is shown."""
        return [self.unknown[stage] for stage in _OF_ITS_REACH if stage in self.unknown]

    @property
    def remedies(self) -> list[str]:
        """What would make sign-ins, second factors and risk known, each step once."""
        told = (self.unknown[stage].remedy for stage in _OF_THE_ACCOUNT if stage in self.unknown)
        return list(dict.fromkeys(filter(None, told)))

    @cached_property
    def manager(self) -> Identity | None:
        identity = self.identity
        if identity.manager_object_id is None:
            return None
        return Identity.objects.filter(
            tenant_id=identity.tenant_id,
            entra_tenant_id=identity.entra_tenant_id,
            object_id=identity.manager_object_id,
        ).first()

    @cached_property
    def licences(self) -> list[str]:
        """Names of the products; the id of one that the directory did not name."""
        names = self._sync.organisation.get("products", {}) if self._sync else {}
        return sorted(names.get(str(sku)) or str(sku) for sku in self.identity.licences)

    @cached_property
    def reach(self) -> Reach:
        return reach_of(self.identity)

    @cached_property
    def credential_counts(self) -> dict[str, int]:
        """By verdict group, of all of the person's credentials."""
        rows = _credentials(self.identity).order_by().values_list("verdict_group")
        return {group.value: 0 for group in VerdictGroup} | dict(rows.annotate(Count("pk")))

    @property
    def credential_count(self) -> int:
        return sum(self.credential_counts.values())

    @cached_property
    def credentials(self) -> list[Credential]:
        """The newest, with those in the group Active first."""
        is_active = Case(When(verdict_group=VerdictGroup.ACTIVE, then=0), default=1)
        rows = _credentials(self.identity).order_by(is_active, "-last_seen_at", "-id")
        return list(rows[:MOST_CREDENTIALS])

    @cached_property
    def machines(self) -> list[Machine]:
        """From which these credentials were stolen, with how many of them and the cookies of the tenant's sites."""
        stolen = Q(sightings__credential__identity=self.identity)
        rows = Machine.objects.filter(stolen, tenant_id=self.identity.tenant_id)
        counted = rows.annotate(
            credential_count=Count("sightings__credential", distinct=True),
            live_cookie_count=count_on_machine(live_cookies()),
        )
        return list(counted.order_by("-id")[:MOST_MACHINES])

    @cached_property
    def severity(self) -> Severity:
        return severity_of(self._facts())

    def _facts(self) -> Facts:
        identity, counts = self.identity, self.credential_counts
        return Facts(
            active=counts[VerdictGroup.ACTIVE],
            not_ruled_out=counts[VerdictGroup.NOT_VALIDATED] + counts[VerdictGroup.CANNOT_TELL],
            ruled_out=counts[VerdictGroup.NOT_ACTIVE],
            privileged=tuple(each.name for each in self.reach.privileges),
            has_second_factor=identity.mfa_registered,
            risk_level=identity.risk_level,
            risk_state=identity.risk_state,
            live_cookies=sum(machine.live_cookie_count for machine in self.machines),  # type: ignore[attr-defined]
            is_enabled=identity.enabled,
            is_gone=identity.is_gone,
            idle_days=idle_days(identity, self.now),
        )

    @cached_property
    def timeline(self) -> list[Event]:
        """Newest first, cut to :data:`MOST_EVENTS`."""
        newest = VerdictRecord.objects.filter(
            tenant_id=self.identity.tenant_id, credential__in=[row.pk for row in self.credentials]
        ).order_by("-at", "-id")[:MOST_RECORDS]
        records = list(newest.only("credential_id", "verdict", "at"))[::-1]
        return timeline(self.identity, self.credentials, self.machines, records)[:MOST_EVENTS]


def _credentials(identity: Identity) -> QuerySet[Credential]:
    return Credential.objects.filter(tenant_id=identity.tenant_id, identity=identity)


def _why_unknown(sync: DirectorySync | None, stage: Stage) -> Unknown | None:
    if sync is None:
        return Unknown(
            stage.label, "The directory has not been read yet.", "Entra ID Configuration → Sync → Sync now."
        )
    refused = sync.refusals.get(stage)
    if refused:
        return Unknown(stage.label, refused["because"], refused["remedy"])
    return None if stage in sync.read_ats else Unknown(stage.label, "Not read yet; the next sync does it.")


def access_identity(actor: Actor, tenant_id: UUID | str, identity_id: UUID | str) -> Identity:
    """One account of a tenant's copy of its directory; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(identity_id))
    except ValueError:
        raise NotFound("There is no such identity.") from None
    found = Identity.objects.filter(tenant=tenant, pk=wanted).select_related("tenant").first()
    if found is None:
        raise NotFound("There is no such identity.")
    return found


def identity_named(tenant: Tenant, name: str) -> Identity:
    """By our own id, the directory's, or the sign-in name of an account that is there, else of one that was."""
    rows = Identity.objects.filter(tenant=tenant)
    try:
        found = list(rows.filter(Q(pk=UUID(name)) | Q(object_id=UUID(name))))
    except ValueError:
        found = list(rows.filter(user_principal_name__iexact=name.replace("\x00", "")))
    present = [row for row in found if not row.is_gone] or found
    if not present:
        raise NotFound("There is no such identity.")
    if len(present) > 1:
        raise BadInput("Several accounts have this sign-in name.", remedy="Give the id of one of them.")
    return present[0]


def severity_for(identity: Identity, now: datetime) -> Severity:
    """The severity alone, as a credential's page shows it."""
    return Profile(identity, now).severity
