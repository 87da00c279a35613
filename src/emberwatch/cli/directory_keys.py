"""``emberwatch entra key``, and what a check found, for the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.output import AsJson, day, moment, print_json, print_table
from emberwatch.cli.which_directory import Which, tenant_and_connection
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

if TYPE_CHECKING:
    from emberwatch.directories.base import CheckItem, CheckReport
    from emberwatch.directories.keys import KeyForm
    from emberwatch.directories.models import DirectoryConnection

app = typer.Typer(
    help="What the application proves itself with: two may stand side by side.", rich_markup_mode=None
)

SECRET_VARIABLE: Final = "EMBERWATCH_ENTRA_CLIENT_SECRET"  # noqa: S105 - a variable's name
PASSWORD_VARIABLE: Final = "EMBERWATCH_ENTRA_CERTIFICATE_PASSWORD"  # noqa: S105 - a variable's name
_MARKS: Final = {"ok": "ok      ", "warning": "warning ", "fault": "FAULT   "}
_WORKS: Final = {True: "yes", False: "no", None: "not checked"}

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
CertificateFile = Annotated[
    Path | None,
    typer.Option(help="A PFX, or a PEM with its private key, in the place of the client secret."),
]
Federated = Annotated[
    bool,
    typer.Option("--federated", help="The platform's federated token in the place of the client secret."),
]


@app.command("list")
def list_keys(tenant: TenantName, directory: Which = "", as_json: AsJson = False) -> None:
    """List the keys of a tenant's application, the one in use first."""
    _, connection = tenant_and_connection(tenant, directory)
    _list(connection, as_json)


@app.command("add")
def add(
    tenant: TenantName,
    certificate: CertificateFile = None,
    federated: Federated = False,
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Put a second secret or certificate beside the one in use, and check both.

    The secret and a certificate's password are read as in emberwatch entra connect.
    """
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.directories.services import add_key

    key, meant = given_key(certificate, federated), connection.entra_tenant_id
    report = add_key(found, key, actor=command_line_actor(), now=utc_now(), directory=meant)
    show_report(connection, report, as_json)


@app.command("remove")
def remove(
    tenant: TenantName,
    key: Annotated[str, typer.Option(help="The key's id, as the list shows it.")],
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Remove one of two keys and check with the other."""
    found, connection = tenant_and_connection(tenant, directory)
    from uuid import UUID

    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.directories.services import remove_key

    try:
        key_id = UUID(key)
    except ValueError:
        raise BadInput(
            "This is not the id of a key.", remedy="`emberwatch entra key list` shows them."
        ) from None
    meant = connection.entra_tenant_id
    report = remove_key(found, key_id, actor=command_line_actor(), now=utc_now(), directory=meant)
    show_report(connection, report, as_json)


def given_key(certificate: Path | None, federated: bool) -> KeyForm:
    """The key that a command was given: no secret and no password is ever an argument."""
    from emberwatch.directories.keys import KeyForm

    if federated:
        return KeyForm(certificate=_file(certificate), federated=True)
    if certificate is not None:
        password = _typed(PASSWORD_VARIABLE, "Password of the certificate's file (empty for none)")
        return KeyForm(certificate=_file(certificate), certificate_password=password)
    return KeyForm(client_secret=_typed(SECRET_VARIABLE, "Entra Client Secret (the Value)"))


def _file(path: Path | None) -> Secret:
    from emberwatch.directories.entra.certificates import LARGEST_FILE
    from emberwatch.directories.keys import file_in_base64

    if path is None:
        return Secret("")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", field="certificate") from None
    if not data:
        raise BadInput(f"{path} is empty.", field="certificate")
    return file_in_base64(data)


def _typed(variable: str, prompt: str) -> Secret:
    given = os.environ.get(variable)
    if given:
        return Secret(given)
    if sys.stdin.isatty():
        return Secret(typer.prompt(prompt, default="", show_default=False, hide_input=True, err=True))
    return Secret(sys.stdin.readline().rstrip("\r\n"))


def show_report(connection: DirectoryConnection, report: CheckReport, as_json: bool) -> None:
    """Everything that a check found; ends the command with an error when there is a fault."""
    connection.refresh_from_db()
    if as_json:
        print_json([_record(connection, report)])
    else:
        _print_items(report.items)
        _print_capabilities(connection)
    if report.fault:
        raise typer.Exit(EXIT_FAILED)


def _record(connection: DirectoryConnection, report: CheckReport) -> dict[str, object]:
    from emberwatch.directories.diagnosis import diagnosis_of

    return {
        "status": connection.status,
        "status_sentence": connection.status_sentence,
        "checked_at": report.checked_at,
        "items": [asdict(item) for item in report.items],
    } | diagnosis_of(connection)


def _print_items(items: Sequence[CheckItem]) -> None:
    for item in items:
        code = f" ({item.code})" if item.code else ""
        typer.echo(f"{_MARKS[item.state]} {item.name}: {item.sentence}{code}")
        if item.remedy:
            typer.echo(f"          {item.remedy}")


def _print_capabilities(connection: DirectoryConnection) -> None:
    from emberwatch.directories.base import CapabilityState
    from emberwatch.directories.diagnosis import links_of

    if not connection.capabilities:
        return
    rows = [
        (row["name"], row["state"].replace("_", " "), row["granted_by"] or row["permission"], row["adds"])
        for row in connection.capabilities
    ]
    rows += [(row["permission"], "more than needed", "", row["risk"]) for row in connection.surplus]
    print_table(("Capability", "State", "Permission", "What it does"), rows)
    if any(row["state"] == CapabilityState.MISSING for row in connection.capabilities):
        typer.echo(f"Add permissions:      {links_of(connection).permissions}")
        typer.echo(f"Grant admin consent:  {links_of(connection).consent}")


def _list(connection: DirectoryConnection, as_json: bool) -> None:
    from emberwatch.directories.diagnosis import key_states

    states = key_states(connection)
    if as_json:
        print_json(asdict(state) for state in states)
        return
    print_table(
        ("Id", "Kind", "Thumbprint", "Added", "Ends", "Works", "In use"),
        [
            (
                str(state.id),
                state.label,
                state.thumbprint,
                moment(state.added_at),
                day(state.ends_at),
                _WORKS[state.works],
                "yes" if state.in_use else "",
            )
            for state in states
        ],
    )
