"""``emberwatch audit``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.output import AsJson, print_json, visible
from emberwatch.cli.start import start

app = typer.Typer(help="The audit chains.", rich_markup_mode=None)


@app.callback()
def _audit() -> None:
    """The audit chains."""


@app.command()
def verify(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id; all chains without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no audit row was changed, removed or reordered."""
    start()
    found = list(_verified(tenant))
    if as_json:
        print_json(found)
    else:
        for chain in found:
            typer.echo(_sentence(chain))
    if not all(chain["is_intact"] for chain in found):
        raise typer.Exit(EXIT_FAILED)


def _verified(tenant: str) -> Iterator[dict[str, Any]]:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.audit.queries import verify_chain
    from emberwatch.cli import records
    from emberwatch.tenants.queries import tenant_by_name, visible_tenants

    if tenant:
        chosen = [tenant_by_name(tenant)]
    else:
        chosen = list(visible_tenants(command_line_actor()))
        yield records.audit_verification("organisation", *verify_chain(None))
    for row in chosen:
        yield records.audit_verification(row.name, *verify_chain(row.id))


def _sentence(chain: dict[str, Any]) -> str:
    name, fault = visible(chain["chain"]), chain["fault"]
    if fault is None:
        return f"{name}: intact, {chain['length']} rows."
    return f"{name}: FAULT at row {fault['sequence']}: {fault['what']}."
