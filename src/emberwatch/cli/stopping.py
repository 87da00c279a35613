"""``emberwatch validation``: the kill switch of the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberwatch.cli.output import AsJson, moment, print_json
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.validation.models import KillSwitch

app = typer.Typer(help="The kill switch: stop every sign-in to every directory.", rich_markup_mode=None)


@app.command()
def stop(
    reason: Annotated[str, typer.Option(help="Why; shown to everybody.")],
) -> None:
    """Stop every sign-in to every directory, at once, until it is resumed."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.stopping import stop_everything

    stop_everything(reason, actor=command_line_actor(), now=utc_now())
    typer.echo("Nothing more is sent, to any directory. Resume with: emberwatch validation resume")


@app.command()
def resume() -> None:
    """Lift the kill switch; runs that it stopped go on by themselves."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.stopping import lift_kill_switch

    lift_kill_switch(actor=command_line_actor(), now=utc_now())
    typer.echo("Sign-ins are sent again.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the kill switch is on, since when, by whom and why."""
    start()
    from emberwatch.validation.choices import kill_switch

    switch = kill_switch()
    if as_json:
        print_json([_record(switch)])
    elif switch:
        typer.echo(f"On since {moment(switch.stopped_at)} UTC, by {switch.stopped_by}: {switch.reason}")
    else:
        typer.echo("Off: sign-ins are sent as each directory's choices allow.")


def _record(switch: KillSwitch | None) -> dict[str, Any]:
    if switch is None:
        return {"is_on": False, "reason": "", "stopped_at": None, "stopped_by": ""}
    return {"is_on": True} | {name: getattr(switch, name) for name in ("reason", "stopped_at", "stopped_by")}
