"""Filter patterns of space-delimited log events: `[ip, user, ..., status = 4*, bytes > 1000]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from mesocosm.services.logs.rules.operands import Test, invalid
from mesocosm.services.logs.rules.scanner import Scanner, either

_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_BARE = re.compile(r"[^,\s\[\]()&|\"%<>=!]+")
_TOKEN = re.compile(r'\[([^\]]*)\]|"([^"]*)"|\S+')


class Field(NamedTuple):
    """One field: its name ("" without one), and its condition."""

    name: str
    test: Test | None


class Layout(NamedTuple):
    """The fields before and after the ellipsis; `open`: there is one."""

    first: tuple[Field, ...]
    last: tuple[Field, ...]
    open: bool


def parse_fields(scanner: Scanner) -> Layout:
    """The fields of a pattern in brackets."""
    if not scanner.take("["):
        raise invalid()
    before: list[Field] = []
    after: list[Field] = []
    seen = False
    while True:
        if scanner.take("..."):
            if seen:
                raise invalid()
            seen = True
        else:
            (after if seen else before).append(_field(scanner))
        if scanner.take("]"):
            break
        if not scanner.take(","):
            raise invalid()
    if not scanner.ended:
        raise invalid()
    return Layout(tuple(before), tuple(after), seen)


def _field(scanner: Scanner) -> Field:
    scanner.skip()
    if scanner.text[scanner.at : scanner.at + 1] in (",", "]"):
        return Field("", None)
    start = scanner.at
    name = scanner.match(_NAME)
    if name is not None:
        scanner.skip()
        if scanner.text[scanner.at : scanner.at + 1] in (",", "]"):
            return Field(name[0], None)
    scanner.at = start
    names: set[str] = set()

    def condition() -> Test:
        named = scanner.match(_NAME)
        if named is None:
            raise invalid()
        names.add(named[0])
        return scanner.compared(_BARE)[2]

    test = either(scanner, condition, _both, _one_of)
    if len(names) != 1:
        raise invalid()
    return Field(names.pop(), test)


def _both(tests: list[Test]) -> Test:
    return lambda value: all(test(value) for test in tests)


def _one_of(tests: list[Test]) -> Test:
    return lambda value: any(test(value) for test in tests)


def tokens(message: str) -> list[tuple[int, str]]:
    """The fields of an event with where they begin; brackets and quotes around them are gone."""
    found = []
    for token in _TOKEN.finditer(message):
        inner = token[1] if token[1] is not None else token[2]
        found.append((token.start(), token[0] if inner is None else inner))
    return found


def bind(layout: Layout, message: str) -> dict[str, str] | None:
    """The fields of an event by `$name`, or `$<number>` without one; None when it does not match.

    The last field takes the rest of the event, unless an ellipsis did before.
    """
    found = tokens(message)
    needed = len(layout.first) + len(layout.last)
    if len(found) < needed or (not layout.open and not needed):
        return None
    texts = [text for _, text in found]
    if not layout.open and len(texts) > needed:
        texts[needed - 1 :] = [message[found[needed - 1][0] :].rstrip()]
    between = len(texts) - needed
    fields = (*layout.first, *(Field("", None),) * between, *layout.last)
    bound = {}
    for number, (field, text) in enumerate(zip(fields, texts, strict=True), 1):
        if field.test is not None and not field.test(text):
            return None
        bound[f"${field.name or number}"] = text
    return bound


Binder = Callable[[str], "dict[str, str] | None"]
