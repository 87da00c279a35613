"""Regular expressions that are compiled when they are first asked.

Compiling takes longer than all else that starting does, and of the dozens that the formats have, reading one file
asks a few.
"""

from __future__ import annotations

import re
from typing import AnyStr, Generic, cast


class _Lazy(Generic[AnyStr]):
    def __init__(self, pattern: AnyStr, flags: int) -> None:
        self._pattern: AnyStr = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        # Kept, so that the next look finds it without coming here.
        value = getattr(re.compile(self._pattern, self._flags), name)
        setattr(self, name, value)
        return value


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, later. For constants of modules: a mistake in it shows at the first use."""
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))
