"""``emberwatch case``: everything that is known about a credential, as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from emberwatch.cli.start import start


def case(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    credential: Annotated[str, typer.Option(help="The id of the credential.")],
) -> None:
    """Print the case file of a credential: sightings, account, verdicts with evidence, sign-ins. No password."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.queries import access_credential
    from emberwatch.tenants.policy import Permission
    from emberwatch.tenants.queries import tenant_by_name
    from emberwatch.validation.case_file import export_case_file
    from emberwatch.validation.ledger_export import as_json

    actor = command_line_actor()
    found = access_credential(actor, tenant_by_name(tenant).pk, credential, Permission.VIEW_FEED)
    # ASCII alone: what stands in a leak must not reach a terminal as control characters.
    typer.echo(json.dumps(as_json(export_case_file(found, actor=actor, now=utc_now())), indent=2))
