"""Repetitions within a leak, in bounded memory: credentials repeat within one machine's files, seldom beyond."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from emberwatch.parsing.repeats import Repeats

_MACHINES: Final = 512


class BoundedRepeats:
    """Remembers the machines that were read last; files without a machine share one memory."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: OrderedDict[str, Repeats] = OrderedDict()

    def of(self, machine_key: str) -> Repeats:
        repeats = self._of.pop(machine_key, None) or Repeats()
        self._of[machine_key] = repeats
        if len(self._of) > _MACHINES:
            self._of.popitem(last=False)
        return repeats
