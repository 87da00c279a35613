"""Whether a port is free, and whether the pages answer there."""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from emberwatch.core.errors import Conflict


def require_free(host: str, port: int) -> None:
    """Raises :class:`Conflict` when somebody listens there.

    The server shares its port between its processes, so that a second server would not notice the first.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"Cannot listen on {host} port {port}: {error.strerror}.", remedy="Choose another --port."
            ) from None


def is_serving(host: str, port: int) -> bool:
    """Whether the pages answer: the port alone is open for a moment before anybody listens to it for good."""
    asked = HTTPConnection(host, port, timeout=5)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()
