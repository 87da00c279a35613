"""Tables of remediation: a plan for one account, and its steps with what became of each."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from emberwatch.core.ids import new_id
from emberwatch.directories.actions import ActionKind
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.tenants.models import Tenant


class PlanState(models.TextChoices):
    AWAITING_APPROVAL = "awaiting_approval", "Awaiting approval"
    APPROVED = "approved", "Approved"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


WAITING_STATES = (PlanState.AWAITING_APPROVAL, PlanState.APPROVED)
MOVING_STATES = (PlanState.APPROVED, PlanState.RUNNING)


class RemediationPlan(models.Model):
    """What somebody wants done to one account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="remediation_plans")
    credential = models.ForeignKey(
        Credential, null=True, on_delete=models.SET_NULL, related_name="remediation_plans"
    )
    entra_tenant_id = models.UUIDField()
    state = models.CharField(max_length=24, choices=PlanState.choices, default=PlanState.AWAITING_APPROVAL)
    sentence = models.CharField(max_length=500, blank=True)
    """Why it waits, for people."""
    reason = models.CharField(max_length=500)
    requested_by = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    needs_second_person = models.CharField(max_length=500, blank=True)
    """Why somebody else than who asked has to approve; empty when anybody may."""
    approved_by = models.CharField(max_length=300, blank=True)
    approved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    """When it is tried again, while it has to wait."""
    group_object_id = models.UUIDField(null=True)
    """The group of the actions that need one."""
    notice = models.TextField(blank=True)
    """What people have to do elsewhere, such as in Active Directory."""
    undoes = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="undone_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity"],
                condition=Q(state__in=WAITING_STATES),
                name="one_waiting_plan_per_account",
            ),
            models.UniqueConstraint(
                fields=["undoes"],
                condition=~Q(state=PlanState.CANCELLED),
                name="one_undoing_plan_per_plan",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="plans_newest")]


class StepState(models.TextChoices):
    PLANNED = "planned", "Planned"
    REQUESTED = "requested", "Requested"
    APPLIED = "applied", "Applied"
    CONFIRMED = "confirmed", "Confirmed"
    DRIFTED = "drifted", "Drifted"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


UNSETTLED_STEPS = (StepState.PLANNED, StepState.REQUESTED, StepState.APPLIED)


class RemediationStep(models.Model):
    """One change. Its row says ``requested`` in a committed transaction before anything is sent, and no step that
    says so is ever sent again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    plan = models.ForeignKey(RemediationPlan, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=32, choices=[(kind.value, kind.label) for kind in ActionKind])
    state = models.CharField(max_length=16, choices=StepState.choices, default=StepState.PLANNED)
    sentence = models.CharField(max_length=500, blank=True)
    """What became of it, for people."""
    remedy = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True)
    """The account as it was read right before."""
    after = models.JSONField(null=True)
    """The account as it was read last."""
    client_request_id = models.UUIDField(null=True)
    """Ours, which the directory keeps too; set when the step is reserved."""
    request_id = models.CharField(max_length=64, blank=True)
    """The directory's."""
    requested_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    """How often the directory was too busy to take it."""
    looks = models.PositiveSmallIntegerField(default=0)
    """How often it was read back, since it was requested or since it was confirmed."""
    next_look_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="remediation_step_unique"),
            models.UniqueConstraint(fields=["plan", "kind"], name="remediation_step_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="remediation_looks_due"
            ),
        ]
