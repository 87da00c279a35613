"""``python -m emberwatch.simulator --scenario FILE``: the simulator as a process of its own.

It prints one line of JSON when it is ready, and ends cleanly on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from emberwatch.simulator.loader import load_scenario
from emberwatch.simulator.scenario import ScenarioError
from emberwatch.simulator.server import SimulatedEntra


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; 2 when the scenario cannot be used."""
    options = _parse(arguments)
    try:
        scenario = load_scenario(options.scenario)
    except ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    entra = SimulatedEntra(scenario, port=options.port, ca_file=options.ca_file, control=options.control)
    with entra:
        sys.stdout.write(json.dumps(_ready(entra)) + "\n")
        sys.stdout.flush()
        ending.wait()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emberwatch.simulator", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, help="a .json or .toml file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ca-file", type=Path, help="where to write the certificate authority")
    parser.add_argument("--control", action="store_true", help="serve /_simulator/ behind a random token")
    return parser.parse_args(arguments)


def _ready(entra: SimulatedEntra) -> dict[str, str]:
    line = {
        "url": entra.url,
        "graph_url": entra.graph_url,
        "portal_url": entra.portal_url,
        "ca_file": str(entra.ca_file),
    }
    return {**line, "control_token": entra.control_token} if entra.control_token else line


if __name__ == "__main__":
    sys.exit(main())
