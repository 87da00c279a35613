"""Tables of imports."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.exposures.models import Source
from emberwatch.tenants.models import Tenant


class ImportState(models.TextChoices):
    REVIEW = "review", "Waits for you"
    """A table whose columns somebody has to confirm before it is read."""
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"
    EXPIRED = "expired", "Expired"
    """It waited for somebody for so long that its upload was removed."""


OPEN_STATES = (ImportState.REVIEW, ImportState.QUEUED, ImportState.RUNNING, ImportState.UNDOING)
UNDOABLE_STATES = (ImportState.DONE, ImportState.FAILED)


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
    breached_at = models.DateTimeField(null=True)
    columns = models.JSONField(default=list)
    """The role of each column of a table, as a person put it right; empty when the parser's idea stands."""
    sealed_passwords = models.BinaryField(null=True)
    """Passwords of protected archives, one a line, sealed."""
    location = models.TextField(blank=True, default="")
    """Path or address of the file; empty for an upload, which lies in the sealed spool."""
    stamp = models.BigIntegerField(null=True)
    """When the file at ``location`` was last changed: another one under the same name must not be read on."""
    is_shared = models.BooleanField(default=False)
    """Whether every worker sees the file at ``location``."""
    is_planned = models.BooleanField(default=False)
    """Whether all of the file is cut into pieces."""
    state = models.CharField(max_length=16, choices=ImportState.choices, default=ImportState.QUEUED)
    read = models.PositiveBigIntegerField(default=0)
    foreign = models.PositiveBigIntegerField(default=0)
    matched_new = models.PositiveBigIntegerField(default=0)
    duplicate = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    cookies = models.JSONField(default=dict)
    """The same five counts for entries of cookie files, which are never credentials."""
    rejects = models.JSONField(default=list)
    """Masked samples of rejected entries, each with its place and reason; at most 50."""
    skipped_parts = models.JSONField(default=list)
    """Files inside a container that were not read, each with the reason."""
    error = models.TextField(blank=True)
    requested_by = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=300, blank=True, default="")
    undone_at = models.DateTimeField(null=True)
    undone = models.JSONField(default=dict)
    """What the undoing removed and kept, by name."""

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="imports_newest")]

    position: int = 0
    """How many bytes of the file are read; whoever shows an import works it out from the pieces."""

    @property
    def matched(self) -> int:
        return self.matched_new + self.duplicate

    @property
    def all_rejected(self) -> int:
        """Entries of cookie files too, whose samples stand among the others."""
        return self.rejected + int(self.cookies.get("rejected", 0))

    @property
    def percent(self) -> int:
        return min(100, 100 * self.position // self.size) if self.size else 0

    def rate(self, now: datetime) -> float:
        """Bytes a second since it began, or 0 when that is not known."""
        seconds = ((self.finished_at or now) - self.started_at).total_seconds() if self.started_at else 0
        return self.position / seconds if seconds > 0 else 0.0

    @property
    def is_undoable(self) -> bool:
        return self.state in UNDOABLE_STATES

    @property
    def is_moving(self) -> bool:
        return self.state in (ImportState.QUEUED, ImportState.RUNNING, ImportState.UNDOING)


class PieceState(models.TextChoices):
    QUEUED = "queued", "Queued"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Piece(models.Model):
    """A part of an import that one worker reads: a range of a large file, or all of a container.

    Its counts and its checkpoint change in the same transaction as the rows that they speak of, so that a piece
    which is read on after a crash counts nothing twice.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    whole = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    is_range = models.BooleanField()
    start = models.PositiveBigIntegerField(default=0)
    end = models.PositiveBigIntegerField(default=0)
    first_line = models.PositiveBigIntegerField(default=1)
    state = models.CharField(max_length=16, choices=PieceState.choices, default=PieceState.QUEUED)
    part = models.PositiveIntegerField(default=0)
    """Checkpoint: the part of the file that is being read; the ones before it are stored."""
    entry = models.PositiveBigIntegerField(default=0)
    """Checkpoint: how many credentials of that part are stored. Of a range: the offset to read on from."""
    line = models.PositiveBigIntegerField(default=0)
    """Checkpoint of a range: the number of the line that begins there."""
    position = models.PositiveBigIntegerField(default=0)
    """How many bytes of the file it has passed, for progress."""
    read = models.PositiveBigIntegerField(default=0)
    foreign = models.PositiveBigIntegerField(default=0)
    matched_new = models.PositiveBigIntegerField(default=0)
    duplicate = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    cookies = models.JSONField(default=dict)
    rejects = models.JSONField(default=list)
    skipped_parts = models.JSONField(default=list)
    other_files = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["whole", "number"], name="piece_unique")]


class Upload(models.Model):
    """A file that a browser or a program is sending in chunks; its id is that of the import to come."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    mark = models.CharField(max_length=200)
    """What the sender knows the file by, so that an upload which broke off is taken up again."""
    requested_by = models.CharField(max_length=300)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "requested_by", "mark"], name="upload_unique")
        ]

    @property
    def is_complete(self) -> bool:
        return self.received == self.size


class WatchedFile(models.Model):
    """A file that was met in the watched folder: imported once it has stood still, and never again unchanged."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    location = models.TextField()
    size = models.PositiveBigIntegerField()
    stamp = models.BigIntegerField()
    leak_import = models.ForeignKey(Import, null=True, on_delete=models.SET_NULL, related_name="+")
    is_taken = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "location"], name="watched_file_unique")]
