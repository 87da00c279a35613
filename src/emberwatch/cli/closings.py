"""``emberwatch close`` and ``emberwatch reopen``: what people have dealt with by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.exposures.models import Credential

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
CredentialId = Annotated[str, typer.Option(help="The id of the credential.")]
Reason = Annotated[str, typer.Option(help="Why; written into the audit.")]


def close(
    tenant: TenantName,
    credential: CredentialId,
    reason: Reason,
    handling: Annotated[str, typer.Option("--as", help="remediated or ignored.")] = "remediated",
    scope: Annotated[str, typer.Option(help="pair, or login for all that is ever found of it.")] = "pair",
    until: Annotated[str, typer.Option(help="The last day, such as 2026-12-31.")] = "",
) -> None:
    """Close a credential by hand, or all of its login; it stays closed when it is seen again."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.core.listing import until as end_of
    from emberwatch.exposures.closing import ClosingForm
    from emberwatch.exposures.closing import close as close_credential

    form = ClosingForm(handling, reason, scope, end_of("until", until))
    closing = close_credential(_found(tenant, credential), form, actor=command_line_actor(), now=utc_now())
    typer.echo(f"{closing.get_scope_display()}: {closing.get_handling_display().lower()}.")


def reopen(tenant: TenantName, credential: CredentialId, reason: Reason) -> None:
    """Open a credential again, with whatever was closed together with it."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.closing import reopen as reopen_credential

    reopen_credential(_found(tenant, credential), reason=reason, actor=command_line_actor(), now=utc_now())
    typer.echo("Open.")


def _found(tenant: str, credential_id: str) -> Credential:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.exposures.queries import access_credential
    from emberwatch.tenants.policy import Permission
    from emberwatch.tenants.queries import tenant_by_name

    return access_credential(
        command_line_actor(), tenant_by_name(tenant).pk, credential_id, Permission.REMEDIATE
    )
