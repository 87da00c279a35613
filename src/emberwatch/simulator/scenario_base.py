"""What every part of a scenario stands on: its error, the clouds, ids that follow from names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from emberwatch.core.errors import BadInput

_NAMESPACE: Final = uuid.UUID("6b1d7a52-5d55-4f0e-9d0a-5b0f3f8f4a11")
CREATED: Final = datetime(2021, 3, 1, 8, 0, tzinfo=UTC)


class ScenarioError(BadInput):
    """The scenario cannot be used; the message names the path of the bad value."""


class Cloud(StrEnum):
    """The national clouds; a server plays one of them, and a directory lives in one."""

    GLOBAL = "global"
    USGOV = "usgov"
    USGOVDOD = "usgovdod"
    CHINA = "china"


CLOUD_THRESHOLD: Final[Mapping[Cloud, int]] = {
    Cloud.GLOBAL: 10,
    Cloud.CHINA: 10,
    Cloud.USGOV: 3,
    Cloud.USGOVDOD: 3,
}


def stable_id(text: str) -> str:
    """A GUID that follows from a text, so that scenarios need not spell out ids."""
    return str(uuid.uuid5(_NAMESPACE, text.casefold()))


def is_guid(value: str) -> bool:
    """Whether a text is a GUID in its usual hyphenated form."""
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
