"""Tables of the audit chains. A chain is named by its tenant's id, or the nil UUID for the organisation."""

from __future__ import annotations

from django.db import models


class AuditChain(models.Model):
    """The head of one chain: how long it is and the hash of its last row, so that a cut tail is found too."""

    chain = models.UUIDField(primary_key=True)
    length = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="0" * 64)


class AuditRow(models.Model):
    id = models.BigAutoField(primary_key=True)
    chain = models.UUIDField()
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=300)
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=300)
    reason = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    row_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "sequence"], name="audit_sequence_unique")]
        indexes = [models.Index(fields=["chain", "-sequence"], name="audit_newest")]
