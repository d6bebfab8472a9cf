"""Finding the operation of a REST service by method, path, query and headers.

The paths of the model form a tree of segments; at each leaf stand the operations of one method,
most specific first: by literal query keys (`?lifecycle`), then by required query members, then by
required headers. That order routes all of S3 without a special case.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple
from urllib.parse import unquote

from mesocosm.wire.message import Headers
from mesocosm.wire.models import Operation, Service

Query = dict[str, list[str]]
Asked = tuple[str, Query, Headers]
"""Method, query and headers of a request."""

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}\Z")
_EMBEDDED = re.compile(r"\{([^}+]+)\+?\}")

HINT = "x-id"
"""A query key that newer SDKs add with the operation's name; it says nothing the rest does not
say.
"""


class Candidate(NamedTuple):
    """One operation at a leaf, and what a request must bring to mean it."""

    operation: str
    literals: tuple[tuple[str, str], ...]
    query: tuple[str, ...]
    headers: tuple[str, ...]
    labels: tuple[str, ...]
    deprecated: bool
    plain: bool = False
    """It asks for nothing."""

    def matches(self, query: Query, headers: Headers) -> bool:
        """Whether the request brings it all."""
        for key, value in self.literals:
            found = query.get(key)
            if found is None or (value and value not in found):
                return False
        if not all(key in query for key in self.query):
            return False
        return all(name in headers for name in self.headers)


class Match(NamedTuple):
    """A request's operation, the values of the path's labels, and how many segments matched
    literally.
    """

    operation: str
    labels: dict[str, str]
    literal: int


class _Node:
    __slots__ = ("bare", "greedy", "label", "leaves", "literal_only", "literals", "patterns")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.patterns: list[tuple[re.Pattern[str], _Node]] = []
        self.label: _Node | None = None
        self.greedy: _Node | None = None
        self.leaves: dict[str, list[Candidate]] = {}
        self.bare: dict[str, list[Candidate]] = {}
        """Those that ask for nothing in the query: all that a request without one can mean."""
        self.literal_only = False
        """Nothing but a literal segment leads on from here."""


class Router:
    """The paths of one REST service."""

    def __init__(self, service: Service) -> None:
        self._root = _Node()
        for name in service.operation_names:
            self._add(service.operation(name))
        _sort(self._root)

    def _add(self, operation: Operation) -> None:
        path, _, literal = operation.uri.partition("?")
        labels: list[str] = []
        node = self._root
        for segment in path.lstrip("/").split("/"):
            node = _step(node, segment, labels)
        query, headers = [], []
        shape = operation.input_shape
        for name, member in shape.members.items() if shape else ():
            if shape is not None and name in shape.required:
                place, wire = member.get("location"), member.get("locationName", name)
                if place == "querystring" and member.type != "map":
                    query.append(wire)
                elif place == "header":
                    headers.append(wire.lower())
        pairs = [part.partition("=") for part in literal.split("&") if part]
        node.leaves.setdefault(operation.method, []).append(
            Candidate(
                operation.name,
                tuple((key, value) for key, _, value in pairs if key != HINT),
                tuple(query),
                tuple(headers),
                tuple(labels),
                operation.deprecated,
            )
        )

    def match(self, method: str, path: str, query: Query, headers: Headers) -> Match | None:
        """The operation a request means, None when there is none. `path` is as sent
        (percent-encoded).
        """
        segments = path[1:].split("/")
        root = self._root
        if segments[0] not in root.literals and root.literal_only:
            return None
        asked = method, query, headers
        found = self._walk(root, segments, 0, (), 0, asked)
        if found is None and len(segments) > 1 and not segments[-1]:
            found = self._walk(root, segments[:-1], 0, (), 0, asked)
        return found

    def _walk(
        self,
        node: _Node,
        segments: list[str],
        at: int,
        labels: tuple[str, ...],
        literal: int,
        asked: Asked,
    ) -> Match | None:
        """Depth first: literal segments, then patterns, then a label, then a greedy label."""
        if at == len(segments):
            return _leaf(node, labels, literal, asked)
        segment = segments[at]
        below = node.literals.get(segment)
        if below is not None:
            found = self._walk(below, segments, at + 1, labels, literal + 1, asked)
            if found is not None:
                return found
        for pattern, inner in node.patterns:
            parts = pattern.match(segment)
            if parts is not None:
                more = (*labels, *parts.groups())
                found = self._walk(inner, segments, at + 1, more, literal + 1, asked)
                if found is not None:
                    return found
        if node.label is not None and segment:
            found = self._walk(node.label, segments, at + 1, (*labels, segment), literal, asked)
            if found is not None:
                return found
        if node.greedy is None:
            return None
        first = len(segments)
        if not node.greedy.literals:
            whole = "/".join(segments[at:])
            return _leaf(node.greedy, (*labels, whole), literal, asked) if whole else None
        # What stands behind the label decides first; no model has more than a few segments there.
        first = max(at + 1, first - 8)
        for end in range(first, len(segments) + 1):
            whole = "/".join(segments[at:end])
            if whole:
                found = self._walk(node.greedy, segments, end, (*labels, whole), literal, asked)
                if found is not None:
                    return found
        return None


def _step(node: _Node, segment: str, labels: list[str]) -> _Node:
    label = _LABEL.match(segment)
    if label is None and "{" in segment:
        # A label inside a segment: `/applications/{id}.json`
        labels += _EMBEDDED.findall(segment)
        pieces = _EMBEDDED.split(segment)
        text = "".join("(.+)" if i % 2 else re.escape(p) for i, p in enumerate(pieces))
        pattern = re.compile(text + r"\Z")
        for known, inner in node.patterns:
            if known.pattern == pattern.pattern:
                return inner
        made = _Node()
        node.patterns.append((pattern, made))
        return made
    if label is None:
        return node.literals.setdefault(segment, _Node())
    labels.append(label.group(1))
    if label.group(2):
        node.greedy = node.greedy or _Node()
        return node.greedy
    node.label = node.label or _Node()
    return node.label


def _leaf(node: _Node, labels: tuple[str, ...], literal: int, asked: Asked) -> Match | None:
    method, query, headers = asked
    for candidate in (node.leaves if query else node.bare).get(method, ()):
        if candidate.plain or candidate.matches(query, headers):
            named = dict(zip(candidate.labels, labels, strict=True))
            for label, value in named.items():
                if "%" in value:
                    named[label] = unquote(value)
            return Match(candidate.operation, named, literal + len(candidate.literals))
    return None


def _sort(node: _Node) -> None:
    """Most specific first; of two that ask for the same, the one that is not deprecated."""
    for method, candidates in node.leaves.items():
        # A required header tells two operations apart; where the query does that already, it is
        # for validation to miss the header.
        asked = Counter((c.literals, c.query) for c in candidates)
        candidates[:] = [
            c if asked[c.literals, c.query] > 1 else c._replace(headers=()) for c in candidates
        ]
        candidates[:] = [
            c._replace(plain=not (c.literals or c.query or c.headers)) for c in candidates
        ]
        candidates.sort(
            key=lambda c: (-len(c.literals), -len(c.query), -len(c.headers), c.deprecated)
        )
        node.bare[method] = [c for c in candidates if not c.literals and not c.query]
    node.literal_only = not (node.patterns or node.label or node.greedy)
    below = [*node.literals.values(), *(inner for _, inner in node.patterns)]
    for inner in (*below, node.label, node.greedy):
        if inner is not None:
            _sort(inner)
