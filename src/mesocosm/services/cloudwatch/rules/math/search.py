"""Search expressions: `{Namespace, Dimension} MetricName="x" term NOT other` (user guide, "Search
expression syntax").

A term without quotes is looked for among the tokens of namespace, metric name, dimension names and
values (words are parted at what is no letter or digit, and where the case changes), in any case; a
term in quotes must be one of these as a whole. Terms side by side must all match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression


class Found(NamedTuple):
    """A metric as a search sees it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


Test: TypeAlias = Callable[[Found], bool]

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>[(){},=])|(?P<word>[^\s(){},="]+))'
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(text: str) -> set[str]:
    """The tokens of a name: its parts and itself, in lower case."""
    found = {part.lower() for part in _WORD.findall(text)}
    found.update(part.lower() for part in re.split(r"[^A-Za-z0-9]+", text) if part)
    found.add(text.lower())
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        self.depth = 0
        position = 0
        text = text.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise BadExpression(f"The search cannot be read from {text[position:]}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ("", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def schema(self) -> tuple[str, frozenset[str]] | None:
        """`{Namespace, Dimension, ...}`, if it begins so."""
        if self.peek() != ("sign", "{"):
            return None
        self.at += 1
        names = []
        while True:
            parts = []
            while self.peek()[0] in ("word", "string"):
                parts.append(_text(self.next()))
            if not parts:
                raise BadExpression("The schema of a search names a namespace and dimensions")
            names.append(" ".join(parts))
            sign = self.next()
            if sign == ("sign", "}"):
                return names[0], frozenset(names[1:])
            if sign != ("sign", ","):
                raise BadExpression("The schema of a search ends with }")

    def any(self) -> Test:
        self.depth += 1
        if self.depth > 50:
            raise BadExpression("The search is nested too deeply")
        tests = [self.all()]
        while self.peek() == ("word", "OR"):
            self.at += 1
            tests.append(self.all())
        self.depth -= 1
        return tests[0] if len(tests) == 1 else lambda one: any(test(one) for test in tests)

    def all(self) -> Test:
        tests = [self.one()]
        while True:
            kind, value = self.peek()
            if (kind, value) == ("word", "AND"):
                self.at += 1
            elif not kind or (kind, value) == ("word", "OR") or (kind, value) == ("sign", ")"):
                break
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda one: all(test(one) for test in tests)

    def one(self) -> Test:
        token = self.next()
        if token == ("word", "NOT"):
            test = self.one()
            return lambda one: not test(one)
        if token == ("sign", "("):
            test = self.any()
            if self.next() != ("sign", ")"):
                raise BadExpression("A parenthesis of the search is not closed")
            return test
        if token[0] not in ("word", "string"):
            raise BadExpression("The search ends unexpectedly")
        if self.peek() == ("sign", "="):
            self.at += 1
            return self.designated(_text(token))
        return _term(token, _everything)

    def designated(self, name: str) -> Test:
        """`MetricName=x`, `Namespace="x"`, `InstanceId=(a OR "b")`."""
        part = _designator(name)
        if self.peek() != ("sign", "("):
            return _term(self.next(), part)
        self.at += 1
        tests = []
        while True:
            tests.append(_term(self.next(), part))
            token = self.next()
            if token == ("sign", ")"):
                return lambda one: any(test(one) for test in tests)
            if token != ("word", "OR"):
                raise BadExpression(f"The values of {name} are parted by OR")


Part: TypeAlias = Callable[[Found], Sequence[str]]


def _text(token: tuple[str, str]) -> str:
    kind, value = token
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    if kind != "word":
        raise BadExpression("The search ends unexpectedly")
    return value


def _everything(one: Found) -> Sequence[str]:
    return (one.namespace, one.name, *(text for pair in one.dimensions for text in pair))


def _designator(name: str) -> Part:
    if name == "MetricName":
        return lambda one: (one.name,)
    if name == "Namespace":
        return lambda one: (one.namespace,)
    return lambda one: [value for key, value in one.dimensions if key == name]


def _term(token: tuple[str, str], part: Part) -> Test:
    wanted = _text(token)
    if token[0] == "string":
        return lambda one: wanted in part(one)
    lower = wanted.lower()
    return lambda one: any(lower in words(text) for text in part(one))


@lru_cache(maxsize=256)
def parse(text: str) -> Test:
    """The test a search expression makes of metrics. Raises BadExpression."""
    reader = _Reader(text)
    schema = reader.schema()
    test = reader.any() if reader.peek()[0] else None
    if reader.peek()[0]:
        raise BadExpression("The search cannot be read to its end")
    if schema is None and test is None:
        raise BadExpression("The search is empty")

    def matches(one: Found) -> bool:
        if schema is not None and (
            one.namespace != schema[0] or {name for name, _ in one.dimensions} != schema[1]
        ):
            return False
        return test is None or test(one)

    return matches


def labels(found: Sequence[Found]) -> list[str]:
    """What tells the metrics found apart; the metric's name when nothing does."""
    rows = [
        {"Namespace": one.namespace, "MetricName": one.name, **dict(one.dimensions)}
        for one in found
    ]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    differing = [key for key in keys if len({row.get(key) for row in rows}) > 1]
    return [
        " ".join(row[key] for key in differing if key in row) or row["MetricName"] for row in rows
    ]
