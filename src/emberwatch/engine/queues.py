"""The queues of the background engine.

Runs over whole feeds spend most of their time waiting for the next slot, so a worker gives them lanes of their
own: they never keep a person's request waiting.
"""

from __future__ import annotations

from typing import Final

VALIDATION: Final = "validation"
INGESTION: Final = "ingestion"
REMEDIATION: Final = "remediation"
RUNS: Final = "runs"
DIRECTORIES: Final = "directories"
ALERTS: Final = "alerts"

PROMPT_QUEUES: Final = (VALIDATION, INGESTION, REMEDIATION)
PATIENT_QUEUES: Final = (RUNS, DIRECTORIES, ALERTS)
