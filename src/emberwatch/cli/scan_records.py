"""Findings as lines of JSON: the fields that the command promises, and no other."""

from __future__ import annotations

import json
from datetime import UTC
from functools import lru_cache

from emberwatch.parsing.base import ParsedCredential
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.sources.scan.lines import Found
from emberwatch.sources.scan.tasks import Origin

# ASCII alone: what stands in a leak must not reach a terminal as control characters. Straight from where it is
# written: the encoder's own way there takes longer than the writing.
_quoted = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode


def render(found: Found, origin: Origin) -> bytes | None:
    """The fields in front of the line number, which is not known before all earlier ranges are counted."""
    if not isinstance(found, ParsedCredential):
        return None
    quoted = _quoted
    hash_type = quoted("|".join(found.hash_types)) if found.hash_types else "null"
    return (
        f'{{"login": {quoted(found.login)}, "password": {quoted(found.secret.expose())}, '
        f'"url": {quoted(found.url)}, "kind": "{found.kind}", "hash_type": {hash_type}, '
        f'"match": "{found.match}", "source_file": {quoted(origin.name)}, "line": '
    ).encode()


@lru_cache(maxsize=64)
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
