"""What a policy's text says, apart from deciding: where its statements stand, which keys it reads,
what it grants.

The simulators and the reports of access are made from these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mesocosm.iam.actions import services
from mesocosm.iam.patterns import glob, matcher
from mesocosm.services.iam.rules.documents import statements

_SPACE = re.compile(r"[\s,:]*")
_VARIABLE = re.compile(r"\$\{\s*([^{},\s*?$']+)\s*(,[^}]*)?\}")
_decoder = json.JSONDecoder()


class Span(NamedTuple):
    """Where a statement stands: lines and columns from 1. The start is behind its opening brace,
    as AWS counts."""

    line: int
    column: int
    end_line: int
    end_column: int


def spans(text: str) -> list[Span]:
    """The places of the statements of a policy, in order. The text must be a valid policy."""
    found: list[Span] = []
    place = text.index("{") + 1
    while text[place := _skip(text, place)] != "}":
        key, place = _decoder.raw_decode(text, place)
        place = _skip(text, place)
        _, end = _decoder.raw_decode(text, place)
        if key == "Statement":
            found = [_span(text, *ends) for ends in _elements(text, place, end)]
        place = end
    return found


def _elements(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if text[start] != "[":
        yield start, end
        return
    place = _skip(text, start + 1)
    while text[place] != "]":
        _, end = _decoder.raw_decode(text, place)
        yield place, end
        place = _skip(text, end)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None
    return found.end()


def _span(text: str, start: int, end: int) -> Span:
    return Span(*_position(text, start + 1), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    line = text.count("\n", 0, offset) + 1
    return line, offset - text.rfind("\n", 0, offset)


def context_keys(text: str) -> list[str]:
    """The condition keys a policy reads, in conditions and variables, as it writes them; each
    once."""
    found: dict[str, str] = {}
    for statement in statements(json.loads(text)):
        for keys in statement.get("Condition", {}).values():
            for key, values in keys.items():
                found.setdefault(key.lower(), key)
                for name in _variables(values):
                    found.setdefault(name.lower(), name)
        for element in ("Resource", "NotResource"):
            for name in _variables(statement.get(element, ())):
                found.setdefault(name.lower(), name)
    return list(found.values())


def _variables(values: Any) -> Iterator[str]:
    for value in values if isinstance(values, list | tuple) else [values]:
        if isinstance(value, str):
            for match in _VARIABLE.finditer(value):
                yield match[1]


def granted_services(text: str) -> set[str]:
    """The service namespaces for which a policy has an Allow, whatever its resources and
    conditions."""
    found: set[str] = set()
    for statement in statements(json.loads(text)):
        if statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            found |= _not_excluded(_texts(statement["NotAction"]))
            continue
        for pattern in _texts(statement.get("Action", ())):
            prefix = pattern.partition(":")[0].lower()
            if "*" in prefix or "?" in prefix:
                test = matcher(glob(prefix))
                found.update(name for name in services() if test(name))
            else:
                found.add(prefix)
    return found


def _not_excluded(patterns: list[str]) -> set[str]:
    """Every service but those all of whose actions are excluded."""
    gone: set[str] = set()
    for pattern in patterns:
        prefix, _, rest = pattern.lower().partition(":")
        if rest.strip("*") == "" and prefix:
            test = matcher(glob(prefix))
            gone.update(name for name in services() if test(name))
    return set(services()) - gone


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
