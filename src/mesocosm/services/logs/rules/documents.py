"""Filter patterns of JSON log events: `{ $.user.id = 1 && $.items[*].name = "a*" }`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from mesocosm.services.logs.rules.operands import Test, invalid, shown
from mesocosm.services.logs.rules.scanner import Scanner, either

WILDCARDS_MAX = 3

_ANY = None
_PART = re.compile(r"\.?\[\s*(?:(\d+)|(\*)|'([^']+)'|\"([^\"]+)\")\s*\]|\.(\*)|\.([A-Za-z0-9_-]+)")
_BARE = re.compile(r"[^\s(){}&|\"%<>=!]+")
_IS = re.compile(r"IS\s+(NULL|TRUE|FALSE)\b")
_ABSENT = re.compile(r"NOT\s+EXISTS\b")
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
_decode = msgspec.json.Decoder().decode

Path = tuple[str | int | None, ...]
"""Names, numbers of elements, and None for every one."""


class Condition(NamedTuple):
    """A test of documents. `needles`: texts of which any event it is true of has each."""

    test: Callable[[Any], bool]
    needles: tuple[str, ...] = ()


def document(message: str) -> Any:
    """The JSON object or array that an event is; None when it is none."""
    if message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _selector(scanner: Scanner) -> tuple[str, Path]:
    scanner.skip()
    start = scanner.at
    if not scanner.take("$"):
        raise invalid()
    path: list[str | int | None] = []
    while (found := _PART.match(scanner.text, scanner.at)) is not None:
        scanner.at = found.end()
        if found[1] is not None:
            path.append(int(found[1]))
        elif found[2] or found[5]:
            path.append(_ANY)
        else:
            path.append(found[3] or found[4] or found[6])
    if not path or path.count(_ANY) > 1:
        raise invalid()
    return scanner.text[start : scanner.at], tuple(path)


def select(value: Any, path: Path) -> Iterator[Any]:
    """The values a path leads to."""
    for number, step in enumerate(path):
        if step is None:
            inner = value.values() if isinstance(value, dict) else value
            if isinstance(inner, str) or not hasattr(inner, "__iter__"):
                return
            for one in inner:
                yield from select(one, path[number + 1 :])
            return
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return
            value = value[step]
    yield value


def path_of(selector: str) -> Path:
    """The path of a selector that stands by itself (`$.a.b`): of a metric's value or dimension."""
    scanner = Scanner(selector)
    _, path = _selector(scanner)
    if not scanner.ended:
        raise invalid()
    return path


def text_at(value: Any, path: Path) -> str | None:
    """The scalar a path leads to, as text."""
    return next((shown(found) for found in select(value, path)), None)


def parse_document(scanner: Scanner) -> tuple[Condition, dict[str, Path]]:
    """The condition of a pattern in braces, and the selectors it names."""
    selectors: dict[str, Path] = {}

    def condition() -> Condition:
        name, path = _selector(scanner)
        selectors[name] = path
        if scanner.match(_ABSENT):
            return Condition(lambda value: not any(True for _ in select(value, path)))
        if (constant := scanner.match(_IS)) is not None:
            wanted = _CONSTANTS[constant[1]]
            return Condition(lambda value: any(one is wanted for one in select(value, path)))
        sign, text, test = scanner.compared(_BARE)
        needles: tuple[str, ...] = ()
        if sign == "=" and text and not _NUMERIC.fullmatch(text):
            # What is written without escapes must stand in the event as it is here.
            needles = tuple(part for part in text.split("*") if _PLAIN.fullmatch(part))
        return Condition(_tested(path, test), needles)

    if not scanner.take("{"):
        raise invalid()
    found = either(scanner, condition, _both, _one_of)
    if not scanner.take("}") or not scanner.ended:
        raise invalid()
    if sum(path.count(_ANY) for path in selectors.values()) > WILDCARDS_MAX:
        raise invalid()
    return found, selectors


_PLAIN = re.compile(r"[A-Za-z0-9_.:@ -]+")
_NUMERIC = re.compile(r"[0-9+.eE*-]+")


def _tested(path: Path, test: Test) -> Callable[[Any], bool]:
    if len(path) == 1 and isinstance(path[0], str):
        name = path[0]
        absent: Any = []  # of which no comparison holds

        def direct(value: Any) -> bool:
            return value.__class__ is dict and test(value.get(name, absent))

        return direct
    return lambda value: any(map(test, select(value, path)))


def _both(parts: list[Condition]) -> Condition:
    tests = [part.test for part in parts]
    return Condition(
        lambda value: all(test(value) for test in tests),
        tuple(needle for part in parts for needle in part.needles),
    )


def _one_of(parts: list[Condition]) -> Condition:
    tests = [part.test for part in parts]
    return Condition(lambda value: any(test(value) for test in tests))
