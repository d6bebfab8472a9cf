"""`mesocosm policy`: evaluating policies without a running cloud."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mesocosm.cli import show
from mesocosm.cli.errors import CliError
from mesocosm.cli.options import Json

app = typer.Typer(help="Evaluate policies.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Evaluate policies."""


@app.command()
def simulate(
    file: Annotated[
        str, typer.Argument(help="A JSON file with one request or a list; - reads stdin.")
    ],
    as_json: Json = True,
) -> None:
    """Evaluate the requests of a file against the policies beside them, and explain each (JSON)."""
    from mesocosm.iam.simulate import CaseError
    from mesocosm.iam.simulate import simulate as evaluate

    given = _read(file)
    asked = given if isinstance(given, list) else [given]
    answers = []
    for number, one in enumerate(asked, 1):
        try:
            answers.append(evaluate(one))
        except CaseError as error:
            where = "stdin" if file == "-" else file
            place = f"Request {number} of {where}" if isinstance(given, list) else where
            raise CliError(
                f"{place}: {error}", "The format is in docs/policy-simulate.md"
            ) from error
    show.as_json(answers if isinstance(given, list) else answers[0])


def _read(file: str) -> Any:
    import json

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} cannot be read: {error}") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"{'stdin' if file == '-' else file} is not JSON: {error}") from error
