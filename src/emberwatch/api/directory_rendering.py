"""From a directory's connection to the shapes of the API."""

from __future__ import annotations

from dataclasses import asdict

from emberwatch.api.directory_shapes import (
    CallCountsOut,
    CheckItemOut,
    CheckOut,
    DirectoryCallOut,
    DirectoryOut,
    HealthOut,
    KeyOut,
)
from emberwatch.api.rendering import filled
from emberwatch.api.sync_shapes import SwitchedOffOut, SyncOut
from emberwatch.directories.base import CheckReport
from emberwatch.directories.diagnosis import diagnosis_of, key_states
from emberwatch.directories.models import ConnectionStatus, DirectoryCall, DirectoryConnection
from emberwatch.identities.progress import progress_of
from emberwatch.validation.health import Health


def directory(row: DirectoryConnection) -> DirectoryOut:
    return filled(DirectoryOut, row, **_diagnosis(row))


def check(row: DirectoryConnection, report: CheckReport) -> CheckOut:
    return CheckOut.model_validate(
        {
            "status": ConnectionStatus(row.status),
            "status_sentence": row.status_sentence,
            "checked_at": report.checked_at,
            "items": [filled(CheckItemOut, item) for item in report.items],
        }
        | _diagnosis(row)
    )


def _diagnosis(row: DirectoryConnection) -> dict[str, object]:
    keys = [filled(KeyOut, key) for key in key_states(row)]
    return diagnosis_of(row) | {"keys": keys}


def health(found: Health) -> HealthOut:
    calls = CallCountsOut(**asdict(found.calls), total=found.calls.total)
    return HealthOut.model_validate(asdict(found) | {"calls": calls})


def call(row: DirectoryCall) -> DirectoryCallOut:
    return filled(DirectoryCallOut, row)


def sync(row: DirectoryConnection) -> SyncOut:
    progress = progress_of(row)
    return filled(
        SyncOut,
        progress,
        switched_off=[filled(SwitchedOffOut, each) for each in progress.switched_off],
    )
