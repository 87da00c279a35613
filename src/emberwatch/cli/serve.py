"""``emberwatch serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.address import DEFAULT_HOST, DEFAULT_PORT, invitation_link, is_loopback, page_address
from emberwatch.cli.ports import require_free
from emberwatch.cli.start import end_with_standard_input, start

if TYPE_CHECKING:
    from emberwatch.config.environment import Environment


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer requests.")] = 1,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """Serve the pages and the API."""
    if attached:
        end_with_standard_input()
    require_free(host, port)
    environment = start()
    _announce(environment, host, port)
    from emberwatch.cli.web_server import run

    run(host, port, workers)


def _announce(environment: Environment, host: str, port: int) -> None:
    from emberwatch.accounts.services import INVITATION_LIFE, first_admin_needed, invite_first_admin
    from emberwatch.core.clock import utc_now
    from emberwatch.engine.queries import worker_is_alive

    if not is_loopback(host) and not page_address(environment).startswith("https://"):
        _warn_of_plain_http(host)
    typer.echo(f"Emberwatch serves {page_address(environment, host, port)}")
    if not worker_is_alive(utc_now()):
        typer.echo("No worker is running: imports and validations wait until `emberwatch worker` does.")
    if first_admin_needed():
        link = invitation_link(environment, invite_first_admin(now=utc_now()), host, port)
        typer.echo(
            f"Nobody administers it yet. This link makes one admin, within {INVITATION_LIFE.days} days:"
        )
        typer.echo(f"  {link}")


def _warn_of_plain_http(host: str) -> None:
    typer.echo(
        f"WARNING: listening on {host} without TLS. Passwords and sessions can be read on the way.\n"
        "WARNING: put a reverse proxy with TLS in front, and set EMBERWATCH_BASE_URL to its https:// address;\n"
        "WARNING: other names than that (without it: than localhost) are refused.",
        err=True,
    )
