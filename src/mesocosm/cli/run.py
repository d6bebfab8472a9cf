"""Starting, stopping and looking after the cloud: up, down, status, env, reset, doctor."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mesocosm.cli import show
from mesocosm.cli.client import Client, NotRunning
from mesocosm.cli.errors import CliError
from mesocosm.cli.moments import short
from mesocosm.cli.options import Data, Json, Port
from mesocosm.cli.place import DEFAULT_PORT, data_directory, find_url, read_note


class Durability(StrEnum):
    """What an answered call survives: the end of the process, or also the loss of power."""

    PROCESS = "process"
    POWER = "power"


class Shell(StrEnum):
    """Whose syntax `env` prints."""

    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"


def up(
    port: Annotated[
        int, typer.Option("--port", help="0 takes a free one.", max=65535)
    ] = DEFAULT_PORT,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    data: Data = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Keep nothing: data goes away at the end.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Ids and keys from this seed: runs repeat.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Run in the background.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Only keys that exist in this cloud are accepted.")
    ] = False,
    account: Annotated[
        str, typer.Option("--account", help="The account of unknown keys (12 digits).")
    ] = "000000000000",
    region: Annotated[str, typer.Option("--region", help="The Region `env` sets.")] = "us-east-1",
    branch: Annotated[
        str | None, typer.Option("--branch", help="Go on with this branch (`mesocosm branches`).")
    ] = None,
    durability: Annotated[
        Durability, typer.Option("--durability", help="`power`: synced to disk before the answer.")
    ] = Durability.PROCESS,
    history: Annotated[
        str, typer.Option("--history", help="How far back one can go: age/size.")
    ] = "72h/4GB",
    listen_anyway: Annotated[
        bool, typer.Option("--listen-anyway", help="Allow a --host that others can reach.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start the cloud; in the foreground unless --detach. Ctrl-C or `mesocosm down` ends it."""
    from mesocosm.cli.start import start

    start(
        host=host,
        port=port,
        data=data,
        ephemeral=ephemeral,
        seed=seed,
        detach=detach,
        strict=strict,
        account=account,
        region=region,
        branch=branch,
        durability=durability.value,
        history=history,
        listen_anyway=listen_anyway,
        as_json=as_json,
    )


def down(port: Port = None, data: Data = None, as_json: Json = False) -> None:
    """Stop the running cloud; its data stays."""
    from mesocosm.cli.serve import interrupt, wait_for_end

    url = find_url(port, data)
    try:
        pid = Client(url).post("shutdown")["pid"]
    except NotRunning:
        note = read_note(data_directory(data)) if port is None else None
        if note is None:
            if as_json:
                show.as_json({"stopped": False, "url": url})
            else:
                print(f"No cloud runs at {url}")
            return
        pid = note.pid
        interrupt(pid)
    if pid is not None:
        wait_for_end(pid)
    if as_json:
        show.as_json({"stopped": True, "url": url, "pid": pid})
    else:
        print(f"Stopped the cloud at {url}")


def status(port: Port = None, data: Data = None, as_json: Json = False) -> None:
    """Show the running cloud: address, data, clock. Fails when none runs."""
    url = find_url(port, data)
    told = {"url": url, **Client(url).get("status")}
    if as_json:
        show.as_json(told)
        return
    clock = told.pop("clock")
    pace = "paused" if clock["paused"] else f"rate {clock['rate']:g}"
    ahead = clock["now"] - clock["real"]
    drift = f", {short(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}" if abs(ahead) > 1 else ""
    show.fields({**told, "clock": f"{clock['time']} ({pace}{drift})"})


def env(
    port: Port = None,
    shell: Annotated[Shell, typer.Option("--shell", help="Whose syntax.")] = Shell.SH,
    as_json: Json = False,
) -> None:
    """Print what the AWS CLI and the SDKs need: eval "$(mesocosm env)"."""
    url = find_url(port)
    told = Client(url).get("status")
    values = {"AWS_ENDPOINT_URL": url, "AWS_REGION": told["region"]}
    values["AWS_DEFAULT_REGION"] = told["region"]
    # Some operations want a word put before the host, and 127.0.0.1 has no such name.
    values["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"
    if not told["strict"]:
        values["AWS_ACCESS_KEY_ID"] = told["account"]
        values["AWS_SECRET_ACCESS_KEY"] = "mesocosm"
    if as_json:
        show.as_json(values)
        return
    form = {
        Shell.SH: "export {}={}",
        Shell.FISH: "set -gx {} {}",
        Shell.POWERSHELL: "$env:{} = '{}'",
    }[shell]
    for name, value in values.items():
        print(form.format(name, value))


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Make the cloud empty, as at its first start."""
    client = Client(find_url(port))
    if not yes:
        if not sys.stdin.isatty():
            raise CliError("reset empties the cloud, so it asks first", "Say --yes to mean it")
        typer.confirm(f"Empty the cloud at {client.url}?", abort=True)
    told = client.post("reset")
    if as_json:
        show.as_json(told)
    else:
        print("The cloud is empty")


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Measure what this machine offers, and say what is missing and how to get it."""
    from mesocosm.cli.doctor import examine

    found = list(examine(_existing(data_directory(data))))
    if as_json:
        show.as_json({"facts": [fact._asdict() for fact in found]})
        return
    rows = [
        ("yes" if f.found else "no", f.name, f.detail, "" if f.found else f.hint) for f in found
    ]
    show.table(("", "what", "measured", "to get it"), rows)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
