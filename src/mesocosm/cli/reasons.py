"""Drawing how a call was decided: each policy looked at, the statement that decided, the keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.cli import show
from mesocosm.cli.moments import iso
from mesocosm.iam.explain import NAMES

if TYPE_CHECKING:
    from rich.tree import Tree

WHOLE = {"root": "the root user of the account", "grant": "a grant on the resource"}


def draw(told: Mapping[str, Any]) -> None:
    """Print the answer of `/_mesocosm/why/ID` as a tree."""
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree(f"[bold]{escape(told['service'])}:{escape(told['operation'])}[/]")
    place = f"{told['account']} {told['region']}"
    root.add(escape(f"request {told['requestId']} at {iso(told['time'])} in {place}"))
    root.add(f"by {escape(told['principal'] or 'nobody (not signed)')}")
    if told["error"]:
        root.add(f"[red]{escape(told['error'])}[/]: {escape(told['message'])}")
    if not told["decisions"]:
        root.add("no decision was made: the call needs none, or it was refused before")
    for decision in told["decisions"]:
        _decision(root, decision)
    show.console().print(root)


def _decision(root: Tree, made: Mapping[str, Any]) -> None:
    from rich.markup import escape

    found = made["explanation"]
    verdict = show.verdict(made["result"])
    node = root.add(f"{escape(made['action'])} on {escape(made['resource'])}: {verdict}")
    decided = found["decision"]
    if decided.get("policy") or decided.get("statement"):
        statement = _place(decided.get("statement", ""))
        name = decided.get("policy") or "(unnamed)"
        node.add(
            f"decided by [bold]{escape(str(name))}[/] ({escape(_title(decided['by']))}),"
            f" [bold]{escape(statement)}[/]"
        )
    elif made["by"] in WHOLE:
        node.add(f"decided by: {WHOLE[made['by']]}")
    else:
        node.add(escape(f"decided {found.get('reason') or 'by ' + made['by']}"))
    for layer in found.get("layers", ()):
        _layer(node, layer)
    context, missing = found.get("context") or {}, found.get("missing") or ()
    if context or missing:
        keys = node.add("condition keys looked at")
        for name, value in sorted(context.items()):
            keys.add(escape(f"{name} = {show.text(value)}"))
        for name in sorted(missing):
            keys.add(escape(f"{name} is missing"))


def _layer(node: Tree, layer: Mapping[str, Any]) -> None:
    from rich.markup import escape

    title = _title(layer["type"]) + (f" of {layer['level']}" if layer.get("level") else "")
    if layer.get("note"):
        node.add(escape(f"{title}: {layer['note']}"))
        return
    if not layer.get("policies"):
        node.add(escape(f"{title}: none"))
        return
    below = node.add(f"{escape(title)}: {show.verdict(layer['verdict'])}")
    for policy in layer["policies"]:
        statements = below.add(escape(policy.get("name") or "(unnamed)"))
        for view in policy.get("statements", ()):
            name = f"{view['effect']} {_place(view.get('sid') or str(view['index']))}"
            if view["matched"]:
                statements.add(f"[bold]{escape(name)}: matches[/]")
            else:
                said = f"{name}: no, {view.get('failed', '')}: {view.get('detail', '')}"
                statements.add(escape(said))


def _place(statement: str) -> str:
    """A statement's Sid, or where it stands in its policy, as in `Statement[0]`."""
    return f"Statement[{statement}]" if statement.isdigit() else statement


def _title(kind: str) -> str:
    return NAMES.get(kind, kind)  # type: ignore[call-overload, no-any-return]
