"""The watched folder: files below ``<folder>/<tenant>/`` are imported by themselves once they stand still.

Nothing in the folder is moved or removed, so it may be read-only: a file that was taken is remembered by its place,
size and time, and is taken again only when it was changed.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import EmberwatchError, NotFound
from emberwatch.ingestion.locations import Found, files_below
from emberwatch.ingestion.models import WatchedFile
from emberwatch.ingestion.services import ImportOptions, request_location
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import tenant_by_name

log = structlog.get_logger(__name__)


def look_through(folder: str, *, actor: Actor, now: datetime) -> int:
    """One look at the folder; says how many imports it began. A file has to look alike in two looks."""
    begun = 0
    tenants: dict[str, Tenant | None] = {}
    for found in files_below(folder):
        name = found.location.removeprefix(folder.rstrip("/") + "/").partition("/")
        if not name[2]:
            continue
        if name[0] not in tenants:
            tenants[name[0]] = _tenant(name[0])
        tenant = tenants[name[0]]
        if tenant is not None and found.size:
            begun += _take(tenant, found, actor, now)
    return begun


def _tenant(name: str) -> Tenant | None:
    try:
        return tenant_by_name(name)
    except NotFound:
        log.warning("watched_folder_without_tenant")
        return None


def _take(tenant: Tenant, found: Found, actor: Actor, now: datetime) -> bool:
    with transaction.atomic():
        known, is_new = WatchedFile.objects.select_for_update().get_or_create(
            tenant=tenant,
            location=found.location,
            defaults={"size": found.size, "stamp": found.stamp},
        )
        if is_new:
            return False
        if (known.size, known.stamp) != (found.size, found.stamp):
            known.size, known.stamp, known.is_taken = found.size, found.stamp, False
            known.save()
            return False
        if known.is_taken:
            return False
        try:
            known.leak_import = request_location(tenant, found, ImportOptions(), actor=actor, now=now)
        except EmberwatchError as error:
            log.warning("watched_file_refused", kind=type(error).__name__)
            return False
        known.is_taken = True
        known.save()
    return True
