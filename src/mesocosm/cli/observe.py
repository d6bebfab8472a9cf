"""Looking on: calls, why, coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from mesocosm.cli import show
from mesocosm.cli.client import Client
from mesocosm.cli.options import Json, Port
from mesocosm.cli.place import find_url

WAIT_SECONDS = 30


def calls(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new calls.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=1000)] = 30,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """List the recent calls with their decision and time (with --json: one call a line)."""
    client = Client(find_url(port))
    line: Callable[[dict[str, Any]], None] = show.as_json_line if as_json else _print_call
    last = None
    for call in client.lines("calls", limit=limit):
        last = call["request_id"]
        line(call)
    if last is None and not follow and not as_json:
        print("No calls yet; `mesocosm env` prints what to set for the AWS CLI and the SDKs")
    while follow:
        for call in client.lines("calls", after=last or "", limit=1000, wait=WAIT_SECONDS):
            last = call["request_id"]
            line(call)


def _print_call(call: dict[str, Any]) -> None:
    verdict = {"ImplicitlyDenied": "denied", "ExplicitlyDenied": "DENIED"}
    decided = verdict.get(call["decision"], call["decision"].lower() or "-")
    who = call["principal"].rpartition(":")[2] or "-"
    action = f"{call['service']}:{call['operation']}"
    print(
        f"{call['time'][11:23]}  {decided:<8} {call['status']} {action:<38}"
        f" {call['micros'] / 1000:8.2f} ms"
        f"  {call['account']} {call['region']:<12} {who:<20} {call['request_id']}"
        f"  {call['error']}".rstrip(),
        flush=True,
    )


def why(
    request_id: Annotated[str, typer.Argument(help="From `mesocosm calls` or the answer.")],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Explain how a call was decided: each policy, the statement that decided, the keys."""
    from urllib.parse import quote

    from mesocosm.cli.reasons import draw

    told = Client(find_url(port)).get(f"why/{quote(request_id, safe='')}")
    if as_json:
        show.as_json(told)
    else:
        draw(told)


def coverage(
    service: Annotated[str | None, typer.Argument(help="One service, with its operations.")] = None,
    as_json: Json = False,
) -> None:
    """Show which operations are implemented, from the declarations (needs no running cloud)."""
    from mesocosm.cli.coverage import covered
    from mesocosm.cli.errors import CliError
    from mesocosm.services import catalogue

    rows = [row for row in covered(catalogue()) if service in (None, row.service)]
    if service is not None and not rows:
        raise CliError(
            f"Mesocosm has no service '{service}'", "`mesocosm coverage` lists those it has"
        )
    if as_json:
        show.as_json({"services": [row._asdict() for row in rows]})
    elif service is not None:
        marked = [(name, "yes") for name in rows[0].implemented]
        marked += [(name, "no: NotImplemented") for name in rows[0].missing]
        show.table(("operation", "implemented"), sorted(marked))
    else:
        counts = [
            (r.service, len(r.implemented), len(r.implemented) + len(r.missing)) for r in rows
        ]
        show.table(("service", "implemented", "of AWS's"), counts, empty="No services yet")
