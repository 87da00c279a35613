"""Tables of validation: what was asked for, what was sent, what an operator allows, and the runs over a feed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from emberwatch.core.ids import new_id
from emberwatch.directories.models import DirectoryConnection
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.tenants.models import Tenant
from emberwatch.validation.policy import Hybrid, Mode, ProtectedKind


class ValidationState(models.TextChoices):
    QUEUED = "queued", "Queued"
    LOOKING_UP = "looking_up", "Looking the account up"
    SIGNING_IN = "signing_in", "One sign-in under way"
    DONE = "done", "Done"


OPEN_STATES = (ValidationState.QUEUED, ValidationState.LOOKING_UP, ValidationState.SIGNING_IN)


class Validation(models.Model):
    """One request to validate a credential: the job that pages and the API follow."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="validations")
    state = models.CharField(max_length=16, choices=ValidationState.choices, default=ValidationState.QUEUED)
    confirm = models.BooleanField(default=False)
    """A verdict that is merely likely is not enough: send a sign-in if the rules allow one."""
    requested_by = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    verdict_record = models.OneToOneField(
        VerdictRecord, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential"],
                condition=Q(state__in=OPEN_STATES),
                name="one_open_validation_per_credential",
            ),
        ]


class IdempotencyKey(models.Model):
    """A key that a caller of the API sent, and the validation that it names from then on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    validation = models.ForeignKey(Validation, on_delete=models.CASCADE, related_name="idempotency_keys")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_unique")]


class ValidationPolicy(models.Model):
    """What the operator of a connection allows and states. ``policy.py`` holds the rules and the defaults."""

    connection = models.OneToOneField(
        DirectoryConnection, on_delete=models.CASCADE, related_name="validation_policy", primary_key=True
    )
    mode = models.CharField(max_length=16, choices=Mode.choices(), default=Mode.ATTEMPTS)
    """For what people ask for: a press of Validate, Validate feed, the command line, the API."""
    automatic_mode = models.CharField(max_length=16, choices=Mode.choices(), default=Mode.OFF)
    """For what nobody pressed: the schedule and automation."""
    failed_attempts_allowed = models.PositiveSmallIntegerField(null=True)
    """Per account and 24 hours; it can only lower what the lockout rule gives."""
    pace = models.FloatField(default=1.0)
    """Sign-ins per second that a run sends at most."""
    hours_from = models.TimeField(null=True)
    hours_until = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    hybrid = models.CharField(max_length=24, choices=Hybrid.choices(), default=Hybrid.UNSTATED)
    cloud_password_validation = models.BooleanField(default=False)
    confirm_likely = models.BooleanField(default=True)
    test_privileged = models.BooleanField(default=False)
    egress_addresses = models.JSONField(default=list)
    """Addresses from which the sign-ins leave, for the text that the SOC is given."""
    updated_at = models.DateTimeField(null=True)


class ProtectedEntry(models.Model):
    """An account, group or role of which nothing is ever sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connection = models.ForeignKey(
        DirectoryConnection, on_delete=models.CASCADE, related_name="protected_entries"
    )
    kind = models.CharField(max_length=16, choices=ProtectedKind.choices())
    value = models.CharField(max_length=320)
    """Lower case: an object id or sign-in name, a group's object id, a role's template id."""
    note = models.CharField(max_length=200, blank=True)
    added_by = models.CharField(max_length=300)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "value"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "value"], name="protected_entry_unique")
        ]


class KillSwitch(models.Model):
    """Each time that the whole installation was told to send nothing more. One without an end is in force."""

    id = models.BigAutoField(primary_key=True)
    stopped_at = models.DateTimeField()
    stopped_by = models.CharField(max_length=300)
    reason = models.TextField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(lifted_at__isnull=True), name="one_kill_switch_in_force"
            )
        ]


class RunState(models.TextChoices):
    PLANNING = "planning", "Planning"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting for the next slot"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    CANCELLED = "cancelled", "Cancelled"
    DONE = "done", "Done"


MOVING_STATES = (RunState.PLANNING, RunState.RUNNING, RunState.WAITING, RunState.STOPPED)
OPEN_RUN_STATES = (*MOVING_STATES, RunState.PAUSED)


class RunOrigin(models.TextChoices):
    PERSON = "person", "Validate feed"
    SCHEDULE = "schedule", "Schedule"


class Run(models.Model):
    """One validation of what a feed has for one directory: planned once, then moved on in slices by free workers."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    entra_tenant_id = models.UUIDField()
    origin = models.CharField(max_length=16, choices=RunOrigin.choices, default=RunOrigin.PERSON)
    mode = models.CharField(max_length=16, choices=Mode.choices())
    state = models.CharField(max_length=16, choices=RunState.choices, default=RunState.PLANNING)
    sentence = models.CharField(max_length=500, blank=True)
    """Why it waits or stands still, for people."""
    requested_by = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    """When there is something to do again."""
    leased_until = models.DateTimeField(null=True)
    """A worker moves it on until then, unless it dies."""
    credentials = models.PositiveIntegerField(default=0)
    accounts = models.PositiveIntegerField(default=0)
    decided = models.PositiveIntegerField(default=0)
    """Credentials that have got a verdict other than Throttled in this run."""
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id"],
                condition=Q(state__in=OPEN_RUN_STATES),
                name="one_open_run_per_directory",
            )
        ]
        indexes = [models.Index(fields=["tenant", "-requested_at"], name="runs_newest")]


class ItemState(models.IntegerChoices):
    FACTS = 0, "Facts not read yet"
    ATTEMPT = 1, "An attempt would decide"
    CONFIRM = 2, "An attempt would confirm"
    DONE = 3, "Done"


class RunItem(models.Model):
    """One login within a run, with all its credentials that are in question."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    login_canonical = models.CharField(max_length=320)
    state = models.PositiveSmallIntegerField(choices=ItemState.choices, default=ItemState.FACTS)
    score = models.FloatField()
    """How likely its best candidate is the password (and, when confirming, how dangerous that would be)."""
    credentials = models.PositiveIntegerField()
    not_before = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "login_canonical"], name="run_item_unique")]
        indexes = [
            models.Index(
                fields=["run", "state", "-score", "id"], condition=~Q(state=3), name="run_items_open"
            ),
        ]


class AttemptState(models.TextChoices):
    RESERVED = "reserved", "Reserved"
    ANSWERED = "answered", "Answered"
    UNKNOWN = "unknown", "Outcome unknown"


class AttemptOrigin(models.TextChoices):
    PRESS = "press", "One credential"
    RUN = "run", "Validate feed"
    SCHEDULE = "schedule", "Schedule"


class Attempt(models.Model):
    """One sign-in. The row is committed before anything is sent; its id is the client-request-id.

    The account is (directory, object id): several tenants may be connected to one directory and share its
    budget. ``pair_fingerprint`` is keyed for the installation, so that a pair is recognised across tenants.
    What was sent stays on record when the credential, the run or the tenant is gone: the budget rests on it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.SET_NULL, related_name="+")
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="attempts")
    validation = models.OneToOneField(
        Validation, null=True, on_delete=models.SET_NULL, related_name="attempt"
    )
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="attempts_sent")
    origin = models.CharField(max_length=16, choices=AttemptOrigin.choices, default=AttemptOrigin.PRESS)
    entra_tenant_id = models.UUIDField()
    client_id = models.UUIDField(null=True)
    object_id = models.UUIDField()
    user_principal_name = models.CharField(max_length=320, blank=True)
    pair_fingerprint = models.BinaryField(max_length=32)
    password_changed_at = models.DateTimeField(null=True)
    """When the account's password was last changed, as read right before the attempt."""
    state = models.CharField(max_length=16, choices=AttemptState.choices, default=AttemptState.RESERVED)
    requested_by = models.CharField(max_length=300)
    reserved_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    directory_at = models.DateTimeField(null=True)
    """The directory's own time of its answer, in whole seconds: our clock may be wrong."""
    code = models.CharField(max_length=20, blank=True)
    unknown_code = models.BooleanField(default=False)
    """The table of codes does not hold the code."""
    verdict = models.CharField(max_length=24, blank=True)
    counts_as_failed = models.BooleanField(default=True)
    """True until an answer shows that the password was right: an unknown outcome is a failure."""
    trace_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entra_tenant_id"],
                condition=Q(state=AttemptState.RESERVED),
                name="one_attempt_in_flight_per_directory",
            ),
        ]
        indexes = [
            models.Index(fields=["entra_tenant_id", "object_id", "-reserved_at"], name="ledger_by_account"),
            models.Index(fields=["entra_tenant_id", "-reserved_at", "-id"], name="ledger_newest"),
            models.Index(fields=["entra_tenant_id", "-answered_at"], name="ledger_answers"),
            models.Index(fields=["tenant", "-reserved_at", "-id"], name="ledger_of_tenant"),
        ]


class ForeignFailure(models.Model):
    """A wrong password that somebody else sent to an account, as the directory's sign-in log has it."""

    id = models.BigAutoField(primary_key=True)
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    at = models.DateTimeField()
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entra_tenant_id", "object_id", "at", "correlation_id"], name="foreign_failure_unique"
            )
        ]
