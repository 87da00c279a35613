"""The simulated admin center and error pages: plain static HTML under a strict content policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emberwatch.simulator.context import Context
from emberwatch.simulator.messages import Reply, Request

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Simulated Microsoft Entra admin center</title></head>
<body>
<h1>Simulated Microsoft Entra admin center</h1>
<p>This page stands in for the admin center. The part of the address after <code>#</code> names the page that
the real one would open, for example a user's profile by object id.</p>
</body>
</html>
"""


def portal_page(_context: Context, _request: Request, _params: Mapping[str, str]) -> Reply:
    """One page for every deep link: the fragment never reaches a server."""
    return Reply(200, _PAGE.encode(), _HEADERS)
