"""One more process for ``emberwatch import``: works on the pieces of one import until none is left.

Not a command of its own: ``python -m emberwatch.cli.import_pieces IMPORT-ID --attached``.
"""

from __future__ import annotations

import sys
from uuid import UUID

from emberwatch.cli.start import end_with_standard_input, prepare


def main(import_id: str) -> None:
    end_with_standard_input()
    prepare()
    from emberwatch.ingestion.running import run_open_pieces

    run_open_pieces(UUID(import_id))


if __name__ == "__main__":
    main(sys.argv[1])
