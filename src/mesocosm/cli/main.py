"""The command `mesocosm`. Starting it is light: a command imports what it needs."""

from __future__ import annotations

import sys
from typing import NoReturn

from mesocosm import __version__


def main() -> None:
    """Run the command line; a failure is one sentence and the next thing to do, on stderr."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(f"mesocosm {__version__}")
        return
    from mesocosm.cli.errors import CliError

    try:
        _run(arguments)
    except CliError as error:
        _fail(error, "--json" in arguments)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["up"]:
        from mesocosm.cli.start import quick, start

        plain = quick(arguments[1:])
        if plain is not None:
            start(**plain)
            return
    from mesocosm.cli.app import app

    app(prog_name="mesocosm")


def _fail(error: Exception, as_json: bool) -> NoReturn:
    message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
    if as_json:
        import json

        code = getattr(error, "code", "Error")
        told = {"error": code, "message": message, "next": hint}
        print(json.dumps(told), file=sys.stderr)
    else:
        print(f"mesocosm: {message}", file=sys.stderr)
        if hint:
            print(f"  {hint}", file=sys.stderr)
    sys.exit(1)
