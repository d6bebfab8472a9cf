"""The commands, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from mesocosm import __version__
from mesocosm.cli import clock, observe, policy, run, travel

app = typer.Typer(
    name="mesocosm",
    help="A cloud for your own machine that speaks the AWS API, remembers, and can go back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: tuple[Callable[..., None], ...] = (
    run.up,
    run.down,
    run.status,
    run.env,
    run.reset,
    run.doctor,
    observe.calls,
    observe.why,
    observe.coverage,
    travel.snapshot,
    travel.snapshots,
    travel.fork,
    travel.rewind,
    travel.diff,
    travel.branches,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(clock.app, name="clock")
app.add_typer(policy.app, name="policy")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mesocosm {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A cloud for your own machine that speaks the AWS API, remembers, and can go back."""
