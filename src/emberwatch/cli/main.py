"""The ``emberwatch`` command: exit 0 done, 1 failed, 2 bad input, 130 interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from emberwatch.cli.failures import ERRORS, EXIT_INTERRUPTED, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever goes wrong becomes one line on standard error."""
    if arguments is None:
        # Leaving by an exception lets the embedded database stop with its last user.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ERRORS as error:
        return report(error)


def _run(given: list[str]) -> int:
    if given[:1] == ["scan"]:
        # It reads gigabytes in less time than it takes to load what the other commands need.
        from emberwatch.cli.scan import scan

        return scan(given[1:])
    from emberwatch.cli.commands import run

    return run(given)


if __name__ == "__main__":
    sys.exit(main())
