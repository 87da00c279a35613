"""How exactly leaks are read: a generated corpus of known truth, every dialect in several encodings."""

from __future__ import annotations

import time
from itertools import groupby
from typing import Final

from tests.corpus.generator import corpus
from tests.corpus.score import Score, read, score

SEED: Final = 20_26
ENTRIES: Final = 1_000


def exactness() -> None:
    """Prints recall, precision and exact passwords by kind of leak, and over all."""
    total, started, size = Score(), time.perf_counter(), 0
    files = corpus(SEED, ENTRIES)
    print(f"{'leak':<10} {'entries':>8} {'recall':>8} {'precision':>10} {'exact':>8} {'urls':>8}")
    for kind, group in groupby(files, key=lambda leak: leak.dialect.partition("/")[0]):
        found = Score()
        for leak in group:
            found.add(score(leak, read(leak)))
            size += len(leak.data)
        _show(kind, found)
        total.add(found)
    _show("all", total)
    for mistake in total.mistakes[:10]:
        print(f"  {mistake}")
    print(f"{size / 1e6:.1f} MB in {time.perf_counter() - started:.0f} s, making them included")


def _show(kind: str, found: Score) -> None:
    print(
        f"{kind:<10} {found.true:>8} {found.recall:>8.4f} {found.precision:>10.4f} {found.exactness:>8.4f} "
        f"{found.url_exactness:>8.4f}"
    )
