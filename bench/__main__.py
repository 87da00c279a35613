"""Runs every benchmark, or those that are named: ``python -m bench [name …]``."""

from __future__ import annotations

import sys

from bench.exactness import exactness
from bench.scan import scan
from bench.scan_archive import scan_archive
from bench.validate_latency import validate_latency

BENCHMARKS = {
    "exactness": exactness,
    "scan": scan,
    "scan-archive": scan_archive,
    "validate-latency": validate_latency,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
