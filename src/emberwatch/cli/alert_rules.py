"""``emberwatch alerts rule``: what is told, through which channels and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from emberwatch.cli.alert_lines import TenantName, tenant_of
from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.alerts.models import AlertRule

app = typer.Typer(help="Rules: what is told, through which channels and when.", rich_markup_mode=None)

RuleName = Annotated[str, typer.Argument(help="The rule's name or id.")]
Facts = Annotated[list[str], typer.Option("--fact", help="What to tell, such as active; may be repeated.")]
Channels = Annotated[list[str], typer.Option("--channel", help="A channel's name or id; may be repeated.")]
Severity = Annotated[
    str, typer.Option(help="none, low, medium, high or critical; counts for new and active.")
]
SourceKinds = Annotated[list[str], typer.Option("--source-kind", help="Only these sources; may be repeated.")]
CadenceName = Annotated[str, typer.Option("--cadence", help="immediate, hourly or daily.")]
Hour = Annotated[str, typer.Option(help="Of a daily digest, from 0 to 23.")]
Zone = Annotated[str, typer.Option(help="Of that hour, such as Europe/Amsterdam.")]
_COLUMNS: Final = ("Rule", "Tells of", "Through", "When", "Id")


@app.command("list")
def list_rules(tenant: TenantName, as_json: AsJson = False) -> None:
    """List the rules of a tenant."""
    found = tenant_of(tenant)
    from emberwatch.alerts.queries import rules_of

    _say(rules_of(found), as_json)


@app.command()
def add(
    tenant: TenantName,
    name: Annotated[str, typer.Argument(help="What to call it.")],
    fact: Facts = [],  # noqa: B006 - typer reads the default, nobody writes to it
    channel: Channels = [],  # noqa: B006 - as above
    minimum_severity: Severity = "none",
    source_kind: SourceKinds = [],  # noqa: B006 - as above
    cadence: CadenceName = "immediate",
    digest_hour: Hour = "8",
    time_zone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Make a rule: from now on, what it asks for is told."""
    typed = {
        "name": name,
        "facts": fact,
        "channels": channel,
        "minimum_severity": minimum_severity,
        "source_kinds": source_kind,
        "cadence": cadence,
        "digest_hour": digest_hour,
        "time_zone": time_zone,
    }
    found = tenant_of(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.queries import channel_named
    from emberwatch.alerts.ruling import create_rule, rule_form
    from emberwatch.core.clock import utc_now

    typed["channels"] = [str(channel_named(found, each).pk) for each in channel]
    _say([create_rule(found, rule_form(typed), actor=command_line_actor(), now=utc_now())], as_json)


@app.command()
def change(
    tenant: TenantName,
    rule: RuleName,
    name: Annotated[str, typer.Option(help="A new name.")] = "",
    fact: Facts = [],  # noqa: B006 - typer reads the default, nobody writes to it
    channel: Channels = [],  # noqa: B006 - as above
    minimum_severity: Severity = "",
    source_kind: SourceKinds = [],  # noqa: B006 - as above
    cadence: CadenceName = "",
    digest_hour: Hour = "",
    time_zone: Zone = "",
    switch: Annotated[str, typer.Option(help="on or off.")] = "",
    as_json: AsJson = False,
) -> None:
    """Change what is given of a rule; everything else stays."""
    if switch not in ("", "on", "off"):
        raise BadInput("--switch needs on or off.", field="switch")
    found = tenant_of(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.describing import rule_fields
    from emberwatch.alerts.queries import channel_named, rule_named
    from emberwatch.alerts.ruling import change_rule, rule_form
    from emberwatch.core.clock import utc_now

    row = rule_named(found, rule)
    given: dict[str, Any] = {
        "name": name,
        "facts": fact,
        "channels": [str(channel_named(found, each).pk) for each in channel],
        "minimum_severity": minimum_severity,
        "source_kinds": source_kind,
        "cadence": cadence,
        "digest_hour": digest_hour,
        "time_zone": time_zone,
        "is_on": switch == "on" if switch else row.is_on,
    }
    typed = rule_fields(row) | {key: value for key, value in given.items() if value not in ("", [])}
    _say([change_rule(row, rule_form(typed), actor=command_line_actor(), now=utc_now())], as_json)


@app.command()
def remove(tenant: TenantName, rule: RuleName) -> None:
    """Remove a rule; what it has sent stays listed."""
    found = tenant_of(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.queries import rule_named
    from emberwatch.alerts.ruling import remove_rule
    from emberwatch.core.clock import utc_now

    row = rule_named(found, rule)
    remove_rule(row, actor=command_line_actor(), now=utc_now())
    typer.echo(f"Removed: {row.name}.")


def _say(rows: list[AlertRule], as_json: bool) -> None:
    from emberwatch.alerts.describing import rule_fields

    if as_json:
        print_json(rule_fields(row) for row in rows)
    else:
        print_table(_COLUMNS, [_cells(row) for row in rows])


def _cells(row: AlertRule) -> tuple[str, ...]:
    when = row.get_cadence_display() if row.is_on else "Off"
    through = ", ".join(sorted(each.name for each in row.channels.all()))
    return row.name, ", ".join(row.fact_labels), through, when, str(row.pk)
