"""Printing: JSON for programs, tables and trees for people. Rich is imported only when drawing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def as_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def as_json_line(value: Any) -> None:
    """One JSON document on one line, at once."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def console() -> Console:
    """Where tables and trees are drawn: without colour and folding when it is not a terminal."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=10_000, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "") -> None:
    """A table, or the sentence `empty` when there are no rows."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(value if isinstance(value, Text) else str(value) for value in row))
    if drawn.row_count == 0 and empty:
        print(empty)
    else:
        console().print(drawn)


def fields(values: Mapping[str, Any]) -> None:
    """One `name  value` a line."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        print(f"{name.replace('_', ' '):<{width}}  {text(value)}")


def verdict(word: str) -> str:
    """A word with the colour of a decision."""
    from rich.markup import escape

    colour = {"Allowed": "green", "ImplicitlyDenied": "yellow", "ExplicitlyDenied": "red"}.get(word)
    return f"[{colour}]{escape(word)}[/]" if colour else escape(word)


def text(value: Any) -> str:
    """A value for people."""
    if value is True or value is False:
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return str(value) if not isinstance(value, Mapping | list) else json.dumps(value)
