"""Whether a port is free, and whether somebody answers there."""

from __future__ import annotations

import socket

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


def is_listening(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
