"""Uploads in chunks: a file of gigabytes survives a lost connection and goes on where it broke off.

Each chunk is sealed as it arrives, at its own place in the spool; the row tells how much is there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import BadInput, Conflict, NotFound
from emberwatch.ingestion.models import Import, Upload
from emberwatch.ingestion.services import ImportOptions, discard_upload, request_import, spool_place
from emberwatch.ingestion.streams import printable
from emberwatch.ingestion.uploads import MOST_UPLOAD_BYTES
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import BLOCK_BYTES, write_chunk

CHUNK_BYTES: Final = 4 * BLOCK_BYTES
"""What a sender puts into one request; whole blocks of the spool."""
LARGEST_CHUNK: Final = 16 * BLOCK_BYTES
_ABANDONED_AFTER: Final = timedelta(days=2)


def begin_upload(
    tenant: Tenant, file_name: str, size: int, mark: str, *, actor: Actor, now: datetime
) -> Upload:
    """A new upload, or the one of the same file by the same sender that broke off."""
    require(actor, tenant, Permission.IMPORT)
    if not 0 <= size <= MOST_UPLOAD_BYTES:
        raise BadInput(
            "The file is larger than may be sent.", remedy="Import it on the server.", field="size"
        )
    upload, _ = Upload.objects.get_or_create(
        tenant=tenant,
        requested_by=actor.label,
        mark=f"{size}:{mark}"[:200],
        defaults={
            "file_name": printable(file_name)[:500] or "upload",
            "size": size,
            "updated_at": now,
        },
    )
    return upload


def access_upload(tenant: Tenant, upload_id: UUID, actor: Actor) -> Upload:
    """One's own upload to a tenant that was reached through ``access_tenant``."""
    found = Upload.objects.filter(tenant=tenant, pk=upload_id, requested_by=actor.label).first()
    if found is None:
        raise NotFound("There is no such upload.", remedy="Begin it again.")
    return found


def receive_chunk(upload: Upload, offset: int, data: bytes, *, now: datetime) -> Upload:
    """Stores the chunk that comes next; one that came already is answered with how far the upload is."""
    with transaction.atomic():
        held = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if held is None:
            raise NotFound("There is no such upload.", remedy="Begin it again.")
        if offset < held.received:
            return held
        _check(held, offset, len(data))
        is_last = offset + len(data) == held.size
        vault = tenant_vault(held.tenant_id)
        write_chunk(spool_place(held.pk), vault, held.pk, offset, data, is_last=is_last)
        held.received, held.updated_at = offset + len(data), now
        held.save(update_fields=["received", "updated_at"])
    return held


def _check(upload: Upload, offset: int, length: int) -> None:
    if offset > upload.received:
        raise Conflict(f"The chunk at {upload.received} comes first.")
    end = offset + length
    if not length or length > LARGEST_CHUNK or end > upload.size:
        raise BadInput("The chunk does not fit the file.", field="offset")
    if end < upload.size and length % BLOCK_BYTES:
        raise BadInput(f"Every chunk but the last has a multiple of {BLOCK_BYTES} bytes.", field="offset")


def finish_upload(upload: Upload, options: ImportOptions, *, actor: Actor, now: datetime) -> Import:
    """Queues the import of an upload whose last chunk is there."""
    if not upload.is_complete:
        raise Conflict(f"Only {upload.received} of {upload.size} bytes have arrived.")
    if not upload.size:
        vault = tenant_vault(upload.tenant_id)
        write_chunk(spool_place(upload.pk), vault, upload.pk, 0, b"", is_last=True)
    with transaction.atomic():
        tenant = upload.tenant
        started = request_import(
            tenant, upload.pk, upload.file_name, upload.size, options, actor=actor, now=now
        )
        Upload.objects.filter(pk=upload.pk).delete()
    return started


def discard_abandoned(now: datetime) -> int:
    """Removes uploads that nobody has gone on with for days."""
    old = Upload.objects.filter(updated_at__lt=now - _ABANDONED_AFTER)
    ids = list(old.values_list("pk", flat=True))
    for upload_id in ids:
        with transaction.atomic():
            if Upload.objects.filter(pk=upload_id, updated_at__lt=now - _ABANDONED_AFTER).delete()[0]:
                discard_upload(upload_id)
    return len(ids)
