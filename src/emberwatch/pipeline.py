"""The whole flow in one table: which jobs follow which fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from procrastinate.exceptions import AlreadyEnqueued

from emberwatch.engine.facts import FactHandler
from emberwatch.ingestion import tasks as ingestion
from emberwatch.validation.tasks import validate


def _plan_import(*, import_id: str) -> None:
    ingestion.plan.defer(import_id=import_id)


def _read_piece(*, piece_id: str) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}").defer(piece_id=piece_id)


def _read_piece_later(*, piece_id: str, seconds: int) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}", schedule_in={"seconds": seconds}).defer(
        piece_id=piece_id
    )


def _validate(*, validation_id: str, order_by: str) -> None:
    validate.configure(lock=f"login:{order_by}").defer(validation_id=validation_id)


def _validate_later(*, validation_id: str, order_by: str, seconds: int) -> None:
    validate.configure(lock=f"login:{order_by}", schedule_in={"seconds": seconds}).defer(
        validation_id=validation_id
    )


def _undo_import(*, import_id: str) -> None:
    ingestion.undo.configure(lock=f"undo:{import_id}").defer(import_id=import_id)


def _look_at_watched_folder() -> None:
    # Every worker tells that time has passed; one job is enough.
    with suppress(AlreadyEnqueued):
        ingestion.watch.defer()


def _tidy_uploads() -> None:
    with suppress(AlreadyEnqueued):
        ingestion.tidy.defer()


# Facts without a job stand here too: the table names everything that services announce.
FACTS: Final[Mapping[str, Sequence[FactHandler]]] = {
    "time.passed": (_look_at_watched_folder, _tidy_uploads),
    "import.requested": (_plan_import,),
    "import.piece_ready": (_read_piece,),
    "import.piece_postponed": (_read_piece_later,),
    "import.finished": (),
    "import.undo_requested": (_undo_import,),
    "import.undone": (),
    # One for a batch of credentials, with the ids of the new ones.
    "credential.recorded": (),
    "directory.checked": (),
    "directory.halted": (),
    "validation.requested": (_validate,),
    "validation.postponed": (_validate_later,),
    "credential.verdict_set": (),
}
