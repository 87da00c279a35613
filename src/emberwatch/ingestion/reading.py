"""One pass over one file: every part, every entry, what is ours stored in batches, all of it counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final, Protocol

from emberwatch.exposures.models import Source
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.recording import Batch, Recorder
from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import Flag, Foreign, Noise, Outcome, ParseContext, ParsedCredential, Reject
from emberwatch.parsing.registry import choose
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import LeakPart, SkippedPart, SkipReason
from emberwatch.sources.files import open_leak
from emberwatch.sources.reading import read_part
from emberwatch.tenants.queries import monitored_domains

MOST_REJECT_SAMPLES: Final = 50
MOST_SKIPPED_PARTS: Final = 200
BATCH_SIZE: Final = 2000


class Progress(Protocol):
    def __call__(self, entries_read: int) -> None: ...


def printable(name: str) -> str:
    """A file's name as it may be shown: what a leak calls its files is not ours to trust."""
    return "".join(character if character.isprintable() else "�" for character in name)


class Reading:
    """One pass over one file."""

    def __init__(self, wanted: Import, now: datetime, progress: Progress | None) -> None:
        self._wanted = wanted
        self._now = now
        self._progress = progress
        self._repeats = Repeats()
        self._domains = DomainSet(monitored_domains(wanted.tenant))
        self._context = ParseContext(is_ours=self._domains.owns, hints=self._domains.hints)
        self._recorder = Recorder(wanted.tenant_id, self._domains, now)
        self.read_entries = self.foreign = self.rejected = 0
        self.new = self.duplicate = 0
        self.rejects: list[dict[str, str | int]] = []
        self.skipped: list[dict[str, str]] = []
        self._other_files = 0
        self.source: Source | None = None

    def read(self, file: BinaryIO) -> None:
        for part in open_leak(file, self._wanted.file_name):
            if isinstance(part, SkippedPart):
                self._skip(part.name, part.reason)
            else:
                self._read_part(part)

    def counts(self) -> ImportCounts:
        return ImportCounts(self.read_entries, self.foreign, self.new, self.duplicate, self.rejected)

    def _read_part(self, part: LeakPart) -> None:
        forced = self._wanted.format or None
        source = self._source(self._wanted.source_kind or choose(part.head, part.name, forced).kind)
        self.source = self.source or source
        outcomes = read_part(part, self._context, forced=forced, repeats=self._repeats)
        for batch in _batches(self._sorted(part, outcomes)):
            new, duplicate = self._recorder.store(
                Batch(source, part.name, part.machine, part.machine_key, batch)
            )
            self.new += new
            self.duplicate += duplicate
            if self._progress:
                self._progress(self.read_entries)

    def _skip(self, name: str, reason: SkipReason) -> None:
        if reason is SkipReason.NOT_CREDENTIALS:
            # A stealer archive holds hundreds of these; one line for all keeps what matters in sight.
            self._other_files += 1
        else:
            self.skipped.append({"name": printable(name), "reason": reason.label})

    def skipped_parts(self) -> list[dict[str, str]]:
        parts = self.skipped[:MOST_SKIPPED_PARTS]
        if self._other_files:
            parts.append(
                {"name": f"{self._other_files} other files", "reason": SkipReason.NOT_CREDENTIALS.label}
            )
        return parts

    def _sorted(self, part: LeakPart, outcomes: Iterator[Outcome]) -> Iterator[ParsedCredential]:
        for outcome in outcomes:
            if isinstance(outcome, Noise):
                continue
            self.read_entries += 1
            if isinstance(outcome, Foreign):
                self.foreign += 1
            elif isinstance(outcome, Reject):
                self.rejected += 1
                self._keep_sample(part, outcome)
            elif Flag.REPEATED in outcome.flags:
                # An aggregate file repeats what the browsers' own files hold: one sighting is enough.
                self.duplicate += 1
            else:
                yield outcome

    def _keep_sample(self, part: LeakPart, reject: Reject) -> None:
        if len(self.rejects) < MOST_REJECT_SAMPLES:
            self.rejects.append(
                {
                    "file": printable(part.name),
                    "line": reject.line,
                    "reason": reject.reason.label,
                    "sample": reject.sample,
                }
            )

    def _source(self, kind: str) -> Source:
        source, _ = Source.objects.get_or_create(
            tenant_id=self._wanted.tenant_id,
            kind=kind,
            name=self._wanted.source_name or self._wanted.file_name[:200],
            leaked_at=self._wanted.leaked_at,
            defaults={"created_at": self._now},
        )
        return source


def _batches(credentials: Iterator[ParsedCredential]) -> Iterator[list[ParsedCredential]]:
    batch: list[ParsedCredential] = []
    for credential in credentials:
        batch.append(credential)
        if len(batch) >= BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch
