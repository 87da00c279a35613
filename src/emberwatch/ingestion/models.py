"""Tables of imports."""

from __future__ import annotations

from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.exposures.models import Source
from emberwatch.tenants.models import Tenant


class ImportState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Import(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField(default=0)
    format = models.CharField(max_length=32, blank=True)
    """The parser that was asked for; empty for automatic."""
    source_kind = models.CharField(max_length=16, blank=True)
    source_name = models.CharField(max_length=200, blank=True)
    leaked_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=16, choices=ImportState.choices, default=ImportState.QUEUED)
    read = models.PositiveBigIntegerField(default=0)
    foreign = models.PositiveBigIntegerField(default=0)
    matched_new = models.PositiveBigIntegerField(default=0)
    duplicate = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    rejects = models.JSONField(default=list)
    """Masked samples of rejected entries, each with its place and reason; at most 50."""
    skipped_parts = models.JSONField(default=list)
    """Files inside a container that were not read, each with the reason."""
    error = models.TextField(blank=True)
    requested_by = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    @property
    def matched(self) -> int:
        return self.matched_new + self.duplicate
