"""Uploads that wait for somebody: their files do not lie sealed on the disk for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.services import record
from emberwatch.ingestion.locations import spool_of
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.services import discard_upload


def expire_reviews(days: int, *, now: datetime) -> int:
    """Ends the imports whose columns nobody confirmed for so many days, removes their uploads, says how many.

    A file that lies where its owner keeps it is left there, and its import goes on waiting.
    """
    waiting = Import.objects.filter(
        state=ImportState.REVIEW, location="", requested_at__lt=now - timedelta(days=days)
    )
    return sum(_expired(import_id, days, now) for import_id in waiting.values_list("pk", flat=True))


def remove_failed(days: int, *, now: datetime) -> int:
    """Removes the uploads of imports that failed so many days ago, and says how many; what was stored stays."""
    failed = Import.objects.filter(
        state=ImportState.FAILED, location="", finished_at__lt=now - timedelta(days=days)
    )
    return sum(_removed(wanted, days, now) for wanted in failed.iterator())


def _removed(wanted: Import, days: int, now: datetime) -> bool:
    if not spool_of(wanted).exists():
        return False
    with transaction.atomic():
        record(
            wanted.tenant_id,
            "import.upload_removed",
            f"import:{wanted.pk}",
            actor=SYSTEM,
            now=now,
            facts={"days": days, "file_name": wanted.file_name},
        )
    discard_upload(wanted.pk)
    return True


def _expired(import_id: UUID, days: int, now: datetime) -> bool:
    sentence = f"Nobody confirmed its columns within {days} days, so the uploaded file was removed."
    with transaction.atomic():
        # Somebody may have confirmed or discarded it meanwhile.
        held = Import.objects.select_for_update().filter(pk=import_id, state=ImportState.REVIEW).first()
        if held is None:
            return False
        held.state, held.error, held.sealed_passwords = ImportState.EXPIRED, sentence, None
        held.save(update_fields=["state", "error", "sealed_passwords"])
        record(
            held.tenant_id,
            "import.expired",
            f"import:{held.pk}",
            actor=SYSTEM,
            now=now,
            facts={"days": days, "file_name": held.file_name},
        )
    discard_upload(import_id)
    return True
