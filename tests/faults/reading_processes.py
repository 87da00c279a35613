"""Makes processes that read a directory: one for each line on standard input, a fork that has everything loaded.

Told for each: its id when it begins, and how it ended.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from uuid import UUID

from emberwatch.config.boot import boot

boot()

from emberwatch.identities.syncing import sync_directory  # noqa: E402


def read(sync_id: UUID) -> None:
    while (wait := sync_directory(sync_id, for_at_most=None)) is not None:
        time.sleep(wait.total_seconds())


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                read(UUID(line.strip()))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
