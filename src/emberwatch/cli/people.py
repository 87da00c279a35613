"""``emberwatch token`` and ``emberwatch user``."""

from __future__ import annotations

from typing import Annotated

import typer

from emberwatch.cli.address import invitation_link
from emberwatch.cli.start import start
from emberwatch.core.errors import NotFound

tokens = typer.Typer(help="Tokens for the API.", rich_markup_mode=None)
users = typer.Typer(help="People.", rich_markup_mode=None)

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]


@tokens.callback()
def _tokens() -> None:
    """Tokens for the API."""


@users.callback()
def _users() -> None:
    """People."""


@tokens.command("create")
def create_token(
    tenant: TenantName,
    user: Annotated[str, typer.Option(help="E-mail address of the person that the token speaks for.")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
) -> None:
    """Make an API token for one person and one tenant. It is printed once and stored only as a hash."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.accounts.models import User
    from emberwatch.accounts.services import create_api_token
    from emberwatch.core.clock import utc_now
    from emberwatch.tenants.queries import tenant_by_name

    found, person = tenant_by_name(tenant), User.objects.filter(email__iexact=user).first()
    if person is None:
        raise NotFound(
            f"Nobody here has the address {user}.", remedy="`emberwatch user invite` makes a link."
        )
    _, text = create_api_token(person, found, name, actor=command_line_actor(), now=utc_now())
    typer.echo(text.expose())


@users.command("invite")
def invite(
    tenant: TenantName,
    email: Annotated[str, typer.Option(help="The person's e-mail address.")],
    role: Annotated[str, typer.Option(help="admin, analyst or viewer.")],
) -> None:
    """Print a one-time link that makes a person a member of a tenant."""
    environment = start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.accounts.services import INVITATION_LIFE, invite_member
    from emberwatch.core.clock import utc_now
    from emberwatch.tenants.queries import tenant_by_name

    token = invite_member(tenant_by_name(tenant), email, role, actor=command_line_actor(), now=utc_now())
    typer.echo(f"Works once, for {INVITATION_LIFE.days} days:", err=True)
    typer.echo(invitation_link(environment, token))
