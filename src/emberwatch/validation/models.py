"""Tables of validations (what was asked) and attempts (what was sent)."""

from __future__ import annotations

from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.tenants.models import Tenant


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
                condition=models.Q(state__in=OPEN_STATES),
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


class AttemptState(models.TextChoices):
    RESERVED = "reserved", "Reserved"
    ANSWERED = "answered", "Answered"
    UNKNOWN = "unknown", "Outcome unknown"


class Attempt(models.Model):
    """One sign-in. The row is committed before anything is sent; its id is the client-request-id.

    The account is (directory, object id): several tenants may be connected to one directory and share its
    budget. ``pair_fingerprint`` is keyed for the installation, so that a pair is recognised across tenants.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    validation = models.OneToOneField(Validation, on_delete=models.PROTECT, related_name="attempt")
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    pair_fingerprint = models.BinaryField(max_length=32)
    state = models.CharField(max_length=16, choices=AttemptState.choices, default=AttemptState.RESERVED)
    requested_by = models.CharField(max_length=300)
    reserved_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=20, blank=True)
    verdict = models.CharField(max_length=24, blank=True)
    counts_as_failed = models.BooleanField(default=True)
    """True until an answer shows that the password was right: an unknown outcome is a failure."""
    trace_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entra_tenant_id", "object_id"],
                condition=models.Q(state=AttemptState.RESERVED),
                name="one_attempt_in_flight_per_account",
            ),
        ]
        indexes = [
            models.Index(fields=["entra_tenant_id", "object_id", "-reserved_at"], name="ledger_by_account"),
        ]
