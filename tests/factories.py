"""Makes the objects that tests need, through the same services that the product uses."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from emberwatch.accounts.actor import SYSTEM, Actor, actor_for_user
from emberwatch.accounts.models import User
from emberwatch.alerts.composing import queued
from emberwatch.alerts.models import AlertChannel, AlertRule, Delivery, DeliveryState
from emberwatch.alerts.ruling import RuleForm, create_rule
from emberwatch.alerts.services import ChannelForm, create_channel
from emberwatch.channels.base import Message
from emberwatch.core.ids import new_id
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.actions import ActionKind
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import ConnectionForm, save_connection
from emberwatch.exposures.models import Credential, Source, SourceKind
from emberwatch.identities.models import Identity
from emberwatch.ingestion.recording import Origin, Part, Recorder
from emberwatch.parsing.base import ParsedCredential, SecretKind
from emberwatch.remediation.models import RemediationPlan, RemediationStep
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import watchlist_of
from emberwatch.tenants.services import create_tenant, set_role
from emberwatch.validation.models import Attempt, AttemptState, Run
from emberwatch.validation.runs import open_run

NOW: Final = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def make_tenant(*domains: str, name: str = "") -> Tenant:
    return create_tenant(
        name or f"Tenant {next(_numbers)}", domains or ("contoso.example",), actor=SYSTEM, now=NOW
    )


def make_user(tenant: Tenant | None = None, role: str = "", *, organisation_admin: bool = False) -> User:
    user = User.objects.create_user(
        f"person{next(_numbers)}@emberwatch.example",
        "a long test password",
        is_organisation_admin=organisation_admin,
    )
    if tenant is not None:
        set_role(tenant, user, role, actor=SYSTEM, now=NOW)
    return user


def make_actor(tenant: Tenant | None = None, role: str = "", *, organisation_admin: bool = False) -> Actor:
    return actor_for_user(make_user(tenant, role, organisation_admin=organisation_admin))


def make_credential(
    tenant: Tenant,
    login: str = "ann@contoso.example",
    password: str = "Leaked-Passw0rd",
    *,
    kind: SecretKind = SecretKind.PLAINTEXT,
    leaked_at: datetime | None = None,
    source_kind: str = SourceKind.COMBO_LIST,
    now: datetime = NOW,
    line: int | None = None,
) -> Credential:
    """Records one credential as an import would."""
    source, _ = Source.objects.get_or_create(
        tenant=tenant, kind=source_kind, name="test leak", leaked_at=leaked_at, defaults={"created_at": now}
    )
    found = ParsedCredential(login=login, secret=Secret(password), kind=kind, line=line or next(_numbers))
    origin = Origin(tenant.id, None, f"leak {found.line}.txt", source_kind, source.name, leaked_at, None, now)
    with transaction.atomic():
        Recorder(origin, watchlist_of(tenant)).store([(found, Part("leak.txt", source_kind))])
    return Credential.objects.select_related("tenant").get(
        tenant=tenant, sightings__line=found.line, sightings__source=source
    )


def connect(
    tenant: Tenant, entra_tenant_id: str, client_id: str, client_secret: str, *, cloud: str = "custom"
) -> DirectoryConnection:
    form = ConnectionForm(client_id, entra_tenant_id, cloud, Secret(client_secret))
    connection, report = save_connection(tenant, form, actor=SYSTEM, now=NOW)
    assert report.fault is None, report.fault
    connection.refresh_from_db()
    return connection


def only_directory(tenant: Tenant) -> DirectoryConnection:
    return DirectoryConnection.objects.get(tenant=tenant)


def make_run(tenant: Tenant, **facts: object) -> Run:
    """A run that is open, without the worker that would move it on; one that is there already serves too."""
    standing = {"entra_tenant_id": uuid4(), "mode": "attempts", "requested_by": "test", "requested_at": NOW}
    return open_run(tenant.id) or Run.objects.create(tenant=tenant, **{**standing, **facts})


def make_attempt(tenant: Tenant, entra_tenant_id: UUID, *, at: datetime = NOW, **facts: object) -> Attempt:
    """A sign-in as the ledger has it; wrong, answered and spent unless said otherwise."""
    ordinary = {
        "object_id": uuid4(),
        "user_principal_name": "ann@contoso.example",
        "pair_fingerprint": bytes(32),
        "state": AttemptState.ANSWERED,
        "requested_by": "ann the analyst",
        "answered_at": at,
        "code": "50126",
        "verdict": Verdict.INACTIVE,
        "trace_id": "trace-of-microsoft",
    }
    return Attempt.objects.create(
        tenant=tenant, entra_tenant_id=entra_tenant_id, reserved_at=at, **{**ordinary, **facts}
    )


def make_plan(
    credential: Credential, connection: DirectoryConnection, *steps: str, **facts: object
) -> RemediationPlan:
    """A plan that waits for approval, for an account that nobody else has a plan for."""
    identity = Identity.objects.create(
        tenant_id=credential.tenant_id,
        entra_tenant_id=connection.entra_tenant_id,
        object_id=uuid4(),
        user_principal_name=credential.login,
        read_at=NOW,
    )
    ordinary = {"reason": "it leaked", "requested_by": "ann the analyst", "requested_at": NOW}
    plan = RemediationPlan.objects.create(
        tenant_id=credential.tenant_id,
        identity=identity,
        credential=credential,
        entra_tenant_id=connection.entra_tenant_id,
        **{**ordinary, **facts},
    )
    for position, kind in enumerate(steps or (ActionKind.DISABLE_ACCOUNT,), start=1):
        RemediationStep.objects.create(plan=plan, position=position, kind=kind)
    return plan


def make_channel(tenant: Tenant) -> AlertChannel:
    """A webhook at a private address, so that nothing ever leaves this machine."""
    form = ChannelForm(
        f"Hook {next(_numbers)}",
        {"url": "https://127.0.0.1/hook"},
        {"secret": Secret("a secret to sign with")},
    )
    return create_channel(tenant, "webhook", form, actor=SYSTEM, now=NOW)


def make_alert_rule(tenant: Tenant, channel: AlertChannel | None = None) -> AlertRule:
    channels = [str((channel or make_channel(tenant)).pk)]
    return create_rule(
        tenant, RuleForm(f"Rule {next(_numbers)}", ["active"], channels), actor=SYSTEM, now=NOW
    )


def make_delivery(rule: AlertRule, **facts: object) -> Delivery:
    """A message that has failed."""
    channel = rule.channels.get()
    message = Message(str(new_id()), rule.tenant.name, "Active: ann", "high", NOW.isoformat(), (), 1)
    delivery = queued(channel, message, NOW, rule=rule)
    for name, value in {"state": DeliveryState.FAILED, "sentence": "gone", **facts}.items():
        setattr(delivery, name, value)
    delivery.save(force_insert=True)
    return delivery
