"""`up` without the library that reads command lines: loading that takes as long as the rest of a
start.

`quick` reads what is written plainly; help, mistakes and everything unusual are for the library.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mesocosm.cli.errors import CliError
from mesocosm.cli.loopback import loopback
from mesocosm.cli.moments import window
from mesocosm.cli.place import DEFAULT_PORT, data_directory
from mesocosm.cli.serve import Options, detached, run

TEXTS = {
    "--host": "host",
    "--account": "account",
    "--region": "region",
    "--branch": "branch",
    "--history": "history",
}
FLAGS = {
    "--ephemeral": "ephemeral",
    "--detach": "detach",
    "-d": "detach",
    "--strict": "strict",
    "--listen-anyway": "listen_anyway",
    "--json": "as_json",
}


def quick(arguments: list[str]) -> dict[str, Any] | None:
    """The arguments of `up` as those of `start`; None when they are not plain."""
    found: dict[str, Any] = {}
    rest = iter(arguments)
    for name in rest:
        if name in FLAGS:
            found[FLAGS[name]] = True
            continue
        value = next(rest, "")
        if not value or value.startswith("-"):
            return None
        if name in TEXTS:
            found[TEXTS[name]] = value
        elif name == "--data":
            found["data"] = Path(value)
        elif name == "--durability" and value in ("process", "power"):
            found["durability"] = value
        elif name == "--seed" and re.fullmatch(r"\d{1,18}", value, re.ASCII):
            found["seed"] = int(value)
        elif name == "--port" and re.fullmatch(r"\d{1,5}", value, re.ASCII):
            found["port"] = int(value)
            if found["port"] > 65535:
                return None
        else:
            return None
    return found


def start(
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    data: Path | None = None,
    ephemeral: bool = False,
    seed: int | None = None,
    detach: bool = False,
    strict: bool = False,
    account: str = "000000000000",
    region: str = "us-east-1",
    branch: str | None = None,
    durability: str = "process",
    history: str = "72h/4GB",
    listen_anyway: bool = False,
    as_json: bool = False,
) -> None:
    """Start the cloud. Raises CliError for what cannot be."""
    if not (host == "localhost" or loopback(host)) and not listen_anyway:
        raise CliError(
            f"{host} can be reached by other machines, and whoever reaches this cloud can use it",
            "Leave --host away to listen on 127.0.0.1, or add --listen-anyway if you mean it",
        )
    if not re.fullmatch(r"\d{12}", account):
        raise CliError(f"'{account}' is not an account", "An account id has 12 digits")
    if ephemeral and data is not None:
        raise CliError("--ephemeral keeps nothing, so it takes no --data", "Give one of the two")
    try:
        seconds, size = window(history)
    except ValueError as error:
        raise CliError(str(error)) from error
    options = Options(
        host=host,
        port=port,
        data=None if ephemeral else data_directory(data),
        seed=seed,
        strict=strict,
        account=account,
        region=region,
        branch=branch,
        durability="power" if durability == "power" else "process",
        history=history,
        history_seconds=seconds,
        history_bytes=size,
        as_json=as_json,
    )
    (detached if detach else run)(options)
