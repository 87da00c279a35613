"""Which directory roles are harmless: a table of template ids, which are the same in every directory.

Every role that the table does not hold counts as privileged, a custom or a future one too: an account that is
protected for nothing costs an attempt, one that is taken for harmless may cost more.
Source: Microsoft's list of built-in roles, of which these read general information and change nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def harmless_roles() -> Mapping[str, str]:
    """Names by template id."""
    text = files(__package__).joinpath("harmless_roles.csv").read_text(encoding="utf-8")
    return {row["template_id"]: row["name"] for row in csv.DictReader(text.splitlines())}


def is_privileged(template_id: str) -> bool:
    return template_id.lower() not in harmless_roles()
