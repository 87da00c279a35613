"""Addresses under which people reach the pages."""

from __future__ import annotations

import ipaddress
from typing import Final

from emberwatch.config.environment import Environment
from emberwatch.core.secret import Secret

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8600


def page_address(environment: Environment, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> str:
    """Where a browser finds the pages: what the operator has set, or where we listen."""
    shown = f"[{host}]" if ":" in host else host
    return environment.base_url or f"http://{shown}:{port}"


def invitation_link(
    environment: Environment, token: Secret, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT
) -> str:
    """A one-time link; whoever holds it becomes the person that it was made for."""
    return f"{page_address(environment, host, port)}/invitation/{token.expose()}/"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
