"""Reads of the background engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from procrastinate.contrib.django.models import ProcrastinateWorker

# Workers report every two seconds; a pause of a busy machine is not an absence.
MISSING_AFTER: Final = timedelta(seconds=15)


def worker_is_alive(now: datetime) -> bool:
    """Whether any worker has reported lately; without one, nothing that was asked for is done."""
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=now - MISSING_AFTER).exists()
