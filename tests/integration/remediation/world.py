"""A tenant whose leaked credential belongs to an account of the simulated directory, and plans for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from emberwatch.accounts.actor import SYSTEM, Actor
from emberwatch.core.clock import utc_now
from emberwatch.directories.actions import ActionKind
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.remediation.confirming import look_at_plan
from emberwatch.remediation.executing import execute_plan
from emberwatch.remediation.models import RemediationPlan, RemediationStep
from emberwatch.remediation.services import approve_plan, request_plan, wish_for
from emberwatch.simulator import AppScenario, SecretScenario, SimulatedEntra, UserScenario
from emberwatch.simulator.state import UserState
from emberwatch.tenants.models import Tenant
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import connect, make_actor, make_credential, make_tenant
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

READS: Final = "Directory.Read.All"
ALL: Final = (
    READS,
    "User.Read.All",
    "User.RevokeSessions.All",
    "User.EnableDisableAccount.All",
    "User-PasswordProfile.ReadWrite.All",
    "IdentityRiskyUser.ReadWrite.All",
    "GroupMember.ReadWrite.All",
)


def app(*roles: str) -> AppScenario:
    return AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=roles,
        consented_scopes=("openid",),
    )


@dataclass
class Case:
    """One credential of a connected tenant with its account, and a clock that the test moves."""

    entra: SimulatedEntra
    tenant: Tenant
    credential: Credential
    now: datetime = field(default_factory=utc_now)
    analyst: Actor = SYSTEM

    @property
    def account_identity(self) -> Identity:
        assert self.credential.identity is not None
        return self.credential.identity

    @property
    def account(self) -> UserState:
        """The account as the directory itself has it."""
        return self.entra.directory(DIRECTORY).users[str(self.account_identity.object_id)]

    @property
    def writes(self) -> list[tuple[str, int]]:
        """What was sent to change the account, with the answers; 0 stands for none."""
        return [
            (write.kind, entry.status)
            for entry in self.entra.journal.writes(self.account.id)
            for write in entry.writes
        ]

    def ask(
        self, *kinds: ActionKind, group: UUID | None = None, actor: Actor | None = None
    ) -> RemediationPlan:
        wish = wish_for(self.credential, kinds, group)
        return request_plan(wish, reason="it leaked", actor=actor or self.analyst, now=self.now)

    def approve(self, plan: RemediationPlan, actor: Actor | None = None) -> RemediationPlan:
        return approve_plan(plan, actor=actor or self.analyst, now=self.now)

    def execute(self, plan: RemediationPlan, **others: Any) -> None:
        execute_plan(plan.pk, clock=self.clock, **others)

    def look(self, plan: RemediationPlan, after: timedelta = timedelta(0), **others: Any) -> None:
        self.now += after
        look_at_plan(plan.pk, clock=self.clock, **others)

    def clock(self) -> datetime:
        return self.now

    def do(self, *kinds: ActionKind, group: UUID | None = None) -> RemediationPlan:
        """Asks, approves and carries out; the first looks are made."""
        plan = self.approve(self.ask(*kinds, group=group))
        self.execute(plan)
        self.look(plan, timedelta(seconds=3))
        plan.refresh_from_db()
        return plan


def states(plan: RemediationPlan) -> dict[str, str]:
    return dict(RemediationStep.objects.filter(plan=plan).values_list("kind", "state"))


def step(plan: RemediationPlan, kind: ActionKind) -> RemediationStep:
    return RemediationStep.objects.get(plan=plan, kind=kind)


MakeCase = Callable[..., Case]


def make_case(
    start_entra: StartEntra,
    user: UserScenario | None = None,
    *,
    granted: tuple[str, ...] = ALL,
    **directory: object,
) -> Case:
    """``user``: ann, whose leaked password is right, unless said otherwise."""
    ann = user or UserScenario(upn="ann@contoso.example", password=RIGHT)
    facts: dict[str, object] = {"premium": True} | directory
    entra = start_entra(ann, apps=(app(*granted),), **facts)
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, ann.upn, RIGHT)
    now = utc_now()
    validation = request_validation(credential, actor=SYSTEM, now=now)
    run_validation(validation.id, clock=lambda: now)
    credential = Credential.objects.select_related("tenant", "identity").get(pk=credential.pk)
    entra.journal.clear()
    return Case(entra, tenant, credential, analyst=make_actor(tenant, "analyst"))
