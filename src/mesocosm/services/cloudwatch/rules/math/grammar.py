"""From the text of a metric math expression to its tree.

```text
or      := and (("OR" | "||") and)*
and     := compare (("AND" | "&&") compare)*
compare := sum (("==" | "!=" | "<=" | ">=" | "<" | ">") sum)*
sum     := product (("+" | "-") product)*
product := unary (("*" | "/") unary)*
unary   := "-" unary | power
power   := atom ("^" unary)?
atom    := number | string | name | name "(" or,... ")" | "[" or,... "]" | "(" or ")"
```
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias


class BadExpression(ValueError):
    """An expression that cannot be read, or makes no sense."""


class Number(NamedTuple):
    """A constant."""

    value: float


class Text(NamedTuple):
    """A string."""

    value: str


class Name(NamedTuple):
    """The id of another query, or a keyword of a function (REPEAT, DESC, ...)."""

    value: str


class Function(NamedTuple):
    """A function and its arguments."""

    name: str
    arguments: tuple[Node, ...]


class Binary(NamedTuple):
    """An operator between two sides."""

    operator: str
    left: Node
    right: Node


class Negative(NamedTuple):
    """A minus in front."""

    of: Node


class Array(NamedTuple):
    """`[m1, m2]`."""

    items: tuple[Node, ...]


Node: TypeAlias = Number | Text | Name | Function | Binary | Negative | Array

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>(),\[\]])
    )""",
    re.VERBOSE,
)
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"OR", "||"}),
    frozenset({"AND", "&&"}),
    frozenset({"==", "!=", "<=", ">=", "<", ">"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
SAME = {"||": "OR", "&&": "AND"}
DEPTH_MAX = 60


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token. Raises BadExpression."""
    found = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadExpression(f"Unexpected character at position {at}: {text[at:].strip()[:1]}")
        value = match[match.lastgroup]
        kind = match.lastgroup
        if kind == "name" and value in ("AND", "OR"):
            kind = "sign"
        found.append((kind, value))
        at = match.end()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        """The sign at hand, or nothing."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign":
            return self.tokens[self.at][1]
        return ""

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            shown = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise BadExpression(f"Expected {sign} instead of {shown}")
        self.at += 1

    def level(self, number: int) -> Node:
        if number == len(LEVELS):
            return self.unary()
        node = self.level(number + 1)
        while (sign := self.peek()) in LEVELS[number]:
            self.at += 1
            node = Binary(SAME.get(sign, sign), node, self.level(number + 1))
        return node

    def unary(self) -> Node:
        if self.peek() == "-":
            self.at += 1
            return Negative(self._deeper())
        node = self.atom()
        if self.peek() == "^":
            self.at += 1
            return Binary("^", node, self._deeper())
        return node

    def _deeper(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise BadExpression("The expression is nested too deeply")
        node = self.unary()
        self.depth -= 1
        return node

    def whole(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise BadExpression("The expression is nested too deeply")
        node = self.level(0)
        self.depth -= 1
        return node

    def several(self, end: str) -> tuple[Node, ...]:
        found = []
        if self.peek() != end:
            found.append(self.whole())
            while self.peek() == ",":
                self.at += 1
                found.append(self.whole())
        self.expect(end)
        return tuple(found)

    def atom(self) -> Node:
        if self.at >= len(self.tokens):
            raise BadExpression("The expression ends unexpectedly")
        kind, value = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return Number(float(value))
        if kind == "string":
            return Text(re.sub(r"\\(.)", r"\1", value[1:-1]))
        if kind == "name":
            if self.peek() == "(":
                self.at += 1
                return Function(value, self.several(")"))
            return Name(value)
        if value == "(":
            node = self.whole()
            self.expect(")")
            return node
        if value == "[":
            return Array(self.several("]"))
        raise BadExpression(f"Unexpected {value}")


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The tree of an expression. Raises BadExpression."""
    reader = _Reader(text)
    node = reader.whole()
    if reader.at != len(reader.tokens):
        raise BadExpression(f"Unexpected {reader.tokens[reader.at][1]}")
    return node


def names(node: Node) -> set[str]:
    """The names an expression uses: ids of other queries, and keywords."""
    if isinstance(node, Name):
        return {node.value}
    if isinstance(node, Function):
        return set().union(*(names(one) for one in node.arguments))
    if isinstance(node, Binary):
        return names(node.left) | names(node.right)
    if isinstance(node, Negative):
        return names(node.of)
    if isinstance(node, Array):
        return set().union(*(names(one) for one in node.items))
    return set()


def functions(node: Node) -> set[str]:
    """The functions an expression calls."""
    if isinstance(node, Function):
        return {node.name}.union(*(functions(one) for one in node.arguments))
    if isinstance(node, Binary):
        return functions(node.left) | functions(node.right)
    if isinstance(node, Negative):
        return functions(node.of)
    if isinstance(node, Array):
        return set().union(*(functions(one) for one in node.items))
    return set()
