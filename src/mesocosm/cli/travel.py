"""Going back and branching off: snapshot, snapshots, fork, rewind, diff, branches."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mesocosm.cli import show
from mesocosm.cli.client import Client
from mesocosm.cli.options import Json, Port
from mesocosm.cli.place import find_url

POINT = (
    "A snapshot, a branch (its end) or an instant: before, main, 2026-03-01T09:30:00Z, '10m ago'."
)


VALUE_MAX = 400


def snapshot(
    name: Annotated[str, typer.Argument(help="1 to 100 characters.")],
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
    show.table(
        ("snapshot", "of branch", "time in the cloud", "made at (real time)"),
        ((one["name"], one["branch"], one["virtual"], one["real"]) for one in told["snapshots"]),
        empty="No snapshots yet; `mesocosm snapshot NAME` makes one",
    )


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
        print(f"Branch {told['name']} answers at {told['url']}, until this cloud ends")
        print(f"`mesocosm up --branch {told['name']}` goes on with it later")


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
    pace = told["clock"]["rate"]
    how = "" if pace == 1 else " and stands still" if pace == 0 else f" and runs {pace:g} times"
    print(f"The cloud is back at {to}; its clock shows {told['clock']['time']}{how}")
    left = told["left"]
    print(f"What was left behind is branch {left}; `mesocosm rewind --to {left}` returns to it")


def diff(
    a: Annotated[str, typer.Argument(help=POINT)],
    b: Annotated[str, typer.Argument(help=POINT)] = "now",
    everything: Annotated[
        bool, typer.Option("--all", help="Also the cloud's own bookkeeping (clock, uses of keys).")
    ] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two points."""
    told = Client(find_url(port)).get("diff", a=a, b=b, all=1 if everything else None)
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
    show.table(
        ("", "branch", "branched off", "time in the cloud", "made at (real time)"),
        (
            (
                "*" if one["current"] else "",
                one["name"],
                f"{one['parent']}@{one['position']}" if one["parent"] else "-",
                one["virtual"],
                one["real"],
            )
            for one in told["branches"]
        ),
    )


def _print_change(change: dict[str, Any]) -> None:
    old, new = change.get("old"), change.get("new")
    sign = "+" if old is None else "-" if new is None else "~"
    key = change["key"] if isinstance(change["key"], str) else "/".join(map(str, change["key"]))
    where = " ".join(part for part in (change.get("account"), change.get("region")) if part)
    print(f"{sign} {change['table']}  {key}" + (f"  ({where})" if where else ""))
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                print(f"    {name}: {_short(old.get(name))} -> {_short(new.get(name))}")


def _short(value: Any) -> str:
    """A value on one line; the data of a large row is not for reading."""
    text = show.text(value)
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}... ({len(text)} characters)"
