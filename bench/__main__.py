"""Runs every benchmark, or those that are named: ``python -m bench [name …]``. Each has a process of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

# Name → module and function.
BENCHMARKS: Final = {
    "validate-latency": ("bench.validate_latency", "validate_latency"),
    "leak-exactness": ("bench.exactness", "exactness"),
    "plan-feed": ("bench.plan_feed", "plan_feed"),
    "attempt-economy": ("bench.attempt_economy", "attempt_economy"),
    "verdict-exactness": ("bench.verdict_exactness", "verdict_exactness"),
    "feed-pace": ("bench.feed_pace", "feed_pace"),
    "import-load": ("bench.import_load", "import_load"),
    "scan": ("bench.scan", "scan"),
    "scan-archive": ("bench.scan_archive", "scan_archive"),
}


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    if len(names) == 1:
        module, function = BENCHMARKS[names[0]]
        getattr(importlib.import_module(module), function)()
        return 0
    commands = [[sys.executable, "-m", "bench", name] for name in names or BENCHMARKS]
    return max(subprocess.run(command, check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
