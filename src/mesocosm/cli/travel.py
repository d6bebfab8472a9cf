"""Going back and branching off: snapshot, snapshots, fork, rewind, diff, branches."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mesocosm.cli import show
from mesocosm.cli.client import Client
from mesocosm.cli.options import Json, Port
from mesocosm.cli.place import find_url

POINT = "A snapshot's name or an instant: 2026-03-01T09:30:00Z, 09:30, '10m ago'."


def snapshot(
    name: Annotated[str, typer.Argument(help="Letters, digits, dots, - and _.")],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Name the present, so that it can be returned to."""
    told = Client(find_url(port)).post("snapshot", name=name)
    if as_json:
        show.as_json(told)
    else:
        print(f"Snapshot {name}; `mesocosm rewind --to {name}` returns to it")


def snapshots(port: Port = None, as_json: Json = False) -> None:
    """List the snapshots."""
    told = Client(find_url(port)).get("snapshots")
    if as_json:
        show.as_json(told)
        return
    _rows(told["snapshots"], "No snapshots yet; `mesocosm snapshot NAME` makes one")


def fork(
    point: Annotated[str, typer.Argument(help=POINT)] = "now",
    name: Annotated[str | None, typer.Option("--name", help="What to call the new branch.")] = None,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Branch off: a second cloud from a point of this one's past, which goes on undisturbed."""
    told = Client(find_url(port)).post("fork", at=point, name=name)
    if as_json:
        show.as_json(told)
    else:
        show.fields(told)


def rewind(
    to: Annotated[str, typer.Option("--to", help=POINT)],
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Bring the whole cloud back to an earlier point; what is left behind stays as a branch."""
    told = Client(find_url(port)).post("rewind", to=to)
    if as_json:
        show.as_json(told)
        return
    print(f"The cloud is back at {to}; its clock shows {told['clock']['time']}")
    print("What was left behind is kept: `mesocosm branches`")


def diff(
    a: Annotated[str, typer.Argument(help=POINT)],
    b: Annotated[str, typer.Argument(help=POINT)] = "now",
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two points."""
    told = Client(find_url(port)).get("diff", a=a, b=b)
    if as_json:
        show.as_json(told)
        return
    changes = told["changes"]
    for change in changes:
        _print_change(change)
    print(f"{len(changes)} {'row differs' if len(changes) == 1 else 'rows differ'}")


def branches(port: Port = None, as_json: Json = False) -> None:
    """List every line of this cloud, the abandoned ones included."""
    told = Client(find_url(port)).get("branches")
    if as_json:
        show.as_json(told)
        return
    _rows(told["branches"], "No branches")


def _rows(rows: list[dict[str, Any]], empty: str) -> None:
    columns = list(rows[0]) if rows else []
    titles = [column.replace("_", " ") for column in columns]
    show.table(titles, ([show.text(row.get(c)) for c in columns] for row in rows), empty=empty)


def _print_change(change: dict[str, Any]) -> None:
    old, new = change.get("old"), change.get("new")
    sign = "+" if old is None else "-" if new is None else "~"
    key = change["key"] if isinstance(change["key"], str) else "/".join(map(str, change["key"]))
    where = " ".join(part for part in (change.get("account"), change.get("region")) if part)
    print(f"{sign} {change['table']}  {key}  ({where})")
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                print(f"    {name}: {show.text(old.get(name))} -> {show.text(new.get(name))}")
