"""``emberwatch entra choices``, ``protect`` and their kin: what an operator allows for a directory."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from emberwatch.cli.output import AsJson, moment, print_json, print_table
from emberwatch.cli.which_directory import Which, tenant_and_connection
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.directories.models import DirectoryConnection
    from emberwatch.validation.models import ProtectedEntry

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
Account = Annotated[str, typer.Option(help="An account's sign-in name or object ID.")]
Group = Annotated[str, typer.Option(help="A group's object ID.")]
Role = Annotated[str, typer.Option(help="A role's template ID.")]
_ENTRY: Final = ("id", "kind", "value", "note", "added_by", "added_at")


def choices(
    tenant: TenantName,
    set_: Annotated[
        list[str], typer.Option("--set", help="name=value; may be repeated. Addresses are parted by commas.")
    ] = [],  # noqa: B006 - typer reads the default, nobody writes to it
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Show the validation choices of a tenant's directory, or change some of them."""
    typed = dict(_pair(text) for text in set_)
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.operating import save_choices
    from emberwatch.validation.options import revised

    if typed:
        save_choices(
            found,
            lambda now: revised(now, typed),
            actor=command_line_actor(),
            now=utc_now(),
            directory=connection.entra_tenant_id,
        )
    _show(connection, as_json)


def _pair(text: str) -> tuple[str, str]:
    name, parted, value = text.partition("=")
    if not parted:
        raise BadInput("--set needs name=value.", remedy="Such as --set pace=0.5.")
    return name.strip(), value.strip()


def _show(connection: DirectoryConnection, as_json: bool) -> None:
    from emberwatch.validation.choices import policy_of
    from emberwatch.validation.operating import choices_of
    from emberwatch.validation.options import as_typed, plain, warnings
    from emberwatch.validation.oversight import in_force

    policy = policy_of(connection)
    chosen, force = choices_of(policy), in_force(connection)
    if as_json:
        values = {name: plain(value) for name, value in asdict(chosen).items()}
        more = {"updated_at": policy.updated_at, "warnings": warnings(chosen), "in_force": asdict(force)}
        print_json([values | more])
        return
    print_table(
        ("Choice", "Value"), [(name, value.replace("\n", ", ")) for name, value in as_typed(chosen).items()]
    )
    typer.echo(
        f"In force: {force.failed_attempts_allowed} failed attempts per account and 24 hours (the rule allows "
        f"{force.rule}), {force.pace:g} sign-ins a second."
    )
    if force.stricter_elsewhere:
        typer.echo(f"Another tenant on this directory is stricter: {', '.join(force.stricter_elsewhere)}.")
    for warning in warnings(chosen):
        typer.echo(f"Warning: {warning}", err=True)


def protected(tenant: TenantName, directory: Which = "", as_json: AsJson = False) -> None:
    """List the accounts, groups and roles of which nothing is ever sent."""
    _, connection = tenant_and_connection(tenant, directory)
    from emberwatch.validation.operating import entries_of

    rows = entries_of(connection)
    if as_json:
        print_json(_record(row) for row in rows)
    elif rows:
        print_table(
            ("Kind", "Value", "Note", "Added by"), [(r.kind, r.value, r.note, r.added_by) for r in rows]
        )
    else:
        typer.echo("Nothing is on the list. Privileged accounts are left alone all the same, unless allowed.")


def protect(
    tenant: TenantName,
    account: Account = "",
    group: Group = "",
    role: Role = "",
    note: Annotated[str, typer.Option(help="Why, for those who come later.")] = "",
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Protect an account, the members of a group or the holders of a role: nothing is ever sent for them."""
    kind, value = _one_of(account=account, group=group, role=role)
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation import operating

    meant = connection.entra_tenant_id
    entry = operating.protect(
        found, kind, value, note, actor=command_line_actor(), now=utc_now(), directory=meant
    )
    if as_json:
        print_json([_record(entry)])
    else:
        typer.echo(f"Protected: {entry.kind} {entry.value}.")


def unprotect(
    tenant: TenantName,
    account: Account = "",
    group: Group = "",
    role: Role = "",
    directory: Which = "",
) -> None:
    """Take an account, a group or a role off the list."""
    kind, value = _one_of(account=account, group=group, role=role)
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation import operating

    entry, meant = operating.entry_named(connection, kind, value), connection.entra_tenant_id
    operating.unprotect(found, entry.id, actor=command_line_actor(), now=utc_now(), directory=meant)
    typer.echo(f"No longer protected: {entry.kind} {entry.value}.")


def activity(tenant: TenantName, directory: Which = "", as_json: AsJson = False) -> None:
    """Show the sign-ins of the last 24 hours, whether the sign-in log is read, and codes that nobody knows."""
    _, connection = tenant_and_connection(tenant, directory)
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.oversight import activity_of

    found = activity_of(connection, utc_now())
    if as_json:
        shown = asdict(found) | {"log_state": found.log_state}
        shown.pop("log_asked_at")
        print_json([shown])
        return
    typer.echo(
        f"{found.attempts} sign-ins sent for this tenant in 24 hours; {found.pace:g} a second would allow "
        f"{found.most_at_this_pace}."
    )
    typer.echo(f"Sign-in log: {found.log_state.replace('_', ' ')}. {found.log_refused_because}".strip())
    if found.unknown_codes:
        cells = [(c.code, str(c.times), moment(c.first_at), moment(c.last_at)) for c in found.unknown_codes]
        print_table(("Unknown code", "Times", "First", "Last"), cells)
    else:
        typer.echo("No unknown code has been met.")


def soc(
    tenant: TenantName,
    kql: Annotated[
        bool, typer.Option("--kql", help="Only the texts for Sentinel and Log Analytics.")
    ] = False,
    sigma: Annotated[bool, typer.Option("--sigma", help="Only the Sigma rules, as one YAML stream.")] = False,
    days: Annotated[int, typer.Option(help="List the ids of the attempts of so many days.")] = 7,
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Print texts that find or leave out exactly our attempts in a SOC's logs."""
    _, connection = tenant_and_connection(tenant, directory)
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.oversight import soc_facts
    from emberwatch.validation.soc import Language, texts

    facts = soc_facts(connection, days, utc_now())
    asked = [language for language, given in ((Language.KQL, kql), (Language.SIGMA, sigma)) if given]
    wanted = [each for each in texts(facts) if each.language in (asked or list(Language))]
    if as_json:
        print_json(asdict(each) for each in wanted)
        return
    for each in wanted:
        mark, parting = ("//", "") if each.language is Language.KQL else ("#", "---\n")
        typer.echo(f"{parting}{mark} {each.title}. {each.purpose}\n{each.text}")


def _one_of(**given: str) -> tuple[str, str]:
    chosen = [(kind, value) for kind, value in given.items() if value]
    if len(chosen) != 1:
        raise BadInput("Say what it is about.", remedy="Give one of --account, --group and --role.")
    return chosen[0]


def _record(row: ProtectedEntry) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ENTRY}
