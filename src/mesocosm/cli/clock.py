"""`mesocosm clock`: the cloud's time. Whatever falls due runs in order, each at its own instant."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mesocosm.cli import show
from mesocosm.cli.client import Client
from mesocosm.cli.moments import short
from mesocosm.cli.options import Json, Port
from mesocosm.cli.place import find_url

app = typer.Typer(help="Show, pause and move the cloud's clock.", no_args_is_help=True)


def _print(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show.as_json(told)
        return
    ahead = told["now"] - told["real"]
    side = "ahead of" if ahead > 0 else "behind"
    print(told["time"] + (f"  ({short(abs(ahead))} {side} real time)" if abs(ahead) > 1 else ""))
    if told["paused"]:
        print("paused; `mesocosm clock resume` lets it run again")
    elif told["rate"] != 1:
        print(f"runs at {told['rate']:g} times real time")


def _set(port: int | None, as_json: bool, verb: str, value: str | None = None) -> None:
    _print(Client(find_url(port)).post("clock", do=verb, value=value), as_json)


NEGATIVE = {"ignore_unknown_options": True}
"""`-5m` is a value, refused in plain words by the cloud, and no option."""


@app.command("show")
def show_clock(port: Port = None, as_json: Json = False) -> None:
    """Print the cloud's time and how fast it runs."""
    _print(Client(find_url(port)).get("clock"), as_json)


@app.command()
def pause(port: Port = None, as_json: Json = False) -> None:
    """Stop the clock."""
    _set(port, as_json, "pause")


@app.command()
def resume(port: Port = None, as_json: Json = False) -> None:
    """Let the clock run again, at real speed."""
    _set(port, as_json, "resume")


@app.command(context_settings=NEGATIVE)
def advance(
    by: Annotated[str, typer.Argument(help="How far: 90s, 15m, 24h, 7d.")],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Move the clock forward by a duration."""
    _set(port, as_json, "advance", by)


@app.command(context_settings=NEGATIVE)
def rate(
    factor: Annotated[str, typer.Argument(help="Times real time: 60 makes an hour a minute.")],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Let the clock run faster or slower."""
    _set(port, as_json, "rate", factor)


@app.command("at")
def at(
    time: Annotated[str, typer.Argument(help="An instant to come: 2026-03-01T09:30:00Z.")],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Move the clock forward to an instant."""
    _set(port, as_json, "at", time)
