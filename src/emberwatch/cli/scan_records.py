"""Findings as lines of JSON: the fields that the command promises, and no other."""

from __future__ import annotations

import json
from datetime import UTC

from emberwatch.parsing.base import ParsedCredential
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.sources.scan.lines import Found
from emberwatch.sources.scan.tasks import Origin

# ASCII alone: what stands in a leak must not reach a terminal as control characters.
_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode


def render(found: Found, origin: Origin) -> bytes | None:
    """The fields in front of the line number, which is not known before all earlier ranges are counted."""
    if not isinstance(found, ParsedCredential):
        return None
    fields = {
        "login": found.login,
        "password": found.secret.expose(),
        "url": found.url,
        "kind": found.kind.value,
        "hash_type": "|".join(found.hash_types) or None,
        "match": found.match.value,
        "source_file": origin.name,
    }
    return f'{_encode(fields)[:-1]}, "line": '.encode()


def ending(origin: Origin) -> bytes:
    """The fields behind the line number, the same for a whole file."""
    machine = origin.machine or MachineFacts()
    when = machine.infected_at
    fields = {
        "family": machine.family or None,
        "machine_id": machine.machine_id or None,
        "infected_at": when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else None,
    }
    return f", {_encode(fields)[1:]}\n".encode()
