"""An installation of a benchmark's own: a folder and an embedded database that go with the process."""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant


def installation(**settings: str) -> Path:
    """Starts the database, migrates it, and returns the folder."""
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    # Registered before the database's own hook, so it runs after the database has been left.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update({"EMBERWATCH_DATA_DIR": str(folder), **settings})
    from emberwatch.config.boot import boot

    boot()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return folder


def tenant_with_directory(now: datetime, client_id: UUID, **choices: object) -> Tenant:
    """A tenant whose connection leads nowhere: the benchmark hands its own directory in."""
    from emberwatch.accounts.actor import SYSTEM
    from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
    from emberwatch.tenants.services import create_tenant
    from emberwatch.validation.models import ValidationPolicy

    tenant = create_tenant("Bench", ["contoso.example"], actor=SYSTEM, now=now)
    connection = DirectoryConnection.objects.create(
        tenant=tenant,
        cloud="global",
        entra_tenant_id=uuid4(),
        client_id=client_id,
        status=ConnectionStatus.ACTIVE,
        last_good_check_at=now,
        created_at=now,
        updated_at=now,
    )
    ValidationPolicy.objects.create(connection=connection, **choices)
    return tenant


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
