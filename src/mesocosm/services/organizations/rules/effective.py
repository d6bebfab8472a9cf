"""The effective policy of an account: policies merged from the root down by their inheritance
operators.

Source: Organizations user guide, "Policy syntax and inheritance for management policy types". A
node of a document is either an object of further nodes, or a value set by `@@assign`, `@@append`
and `@@remove`. A policy says by `@@operators_allowed_for_child_policies` what policies further down
may still do to a node and what lies below it; policies attached to the same target do not limit
each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ALLOWED = "@@operators_allowed_for_child_policies"
SETTING = ("@@assign", "@@append", "@@remove")
EVERYTHING = frozenset(SETTING)
DEPTH_MAX = 32

Document = Mapping[str, Any]


def well_formed(document: Any, depth: int = 0) -> bool:
    """Whether a document uses the operators as they are meant."""
    if depth > DEPTH_MAX or not isinstance(document, dict):
        return False
    setting = [key for key in document if key.startswith("@@") and key != ALLOWED]
    if any(key not in SETTING for key in setting):
        return False
    permitted = document.get(ALLOWED, [])
    if not isinstance(permitted, list) or any(
        word not in (*SETTING, "@@all", "@@none") for word in permitted
    ):
        return False
    for key in setting:
        value = document[key]
        values = value if isinstance(value, list) else [value]
        if any(isinstance(item, dict | list) for item in values):
            return False
    nodes = [value for key, value in document.items() if not key.startswith("@@")]
    return not (setting and nodes) and all(well_formed(node, depth + 1) for node in nodes)


class _Node:
    """What has been merged so far: a value, or further nodes, and what may still be done below."""

    __slots__ = ("allowed", "nodes", "value")

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed
        self.nodes: dict[str, _Node] = {}
        self.value: Any = None


def merged(levels: Iterable[Iterable[Document]]) -> dict[str, Any] | None:
    """The effective document of policies by level, from the root down; None when no policy says
    anything.
    """
    root = _Node(EVERYTHING)
    said = False
    for level in levels:
        documents = list(level)
        for document in documents:
            said = True
            _apply(root, document)
        for document in documents:
            _limit(root, document, EVERYTHING)
    return (_plain(root) or {}) if said else None


def _apply(node: _Node, document: Document) -> None:
    """Where one policy sets a value and another has nodes, what came first stays."""
    for operator in SETTING:
        if operator in document and operator in node.allowed and not node.nodes:
            _set(node, operator, document[operator])
    for key, below in document.items():
        if key.startswith("@@") or not isinstance(below, Mapping) or node.value is not None:
            continue
        _apply(node.nodes.setdefault(key, _Node(node.allowed)), below)


def _set(node: _Node, operator: str, value: Any) -> None:
    if operator == "@@assign":
        node.value = list(value) if isinstance(value, list) else value
        return
    values = value if isinstance(value, list) else [value]
    held = node.value if isinstance(node.value, list) else []
    if operator == "@@append":
        node.value = [*held, *(item for item in values if item not in held)]
    elif isinstance(node.value, list):
        node.value = [item for item in held if item not in values]


def _limit(node: _Node, document: Document, above: frozenset[str]) -> None:
    permitted = above
    if ALLOWED in document:
        words = frozenset(document[ALLOWED])
        permitted &= EVERYTHING if "@@all" in words else words & EVERYTHING
    node.allowed &= permitted
    for key, below in node.nodes.items():
        named = document.get(key)
        _limit(below, named if isinstance(named, Mapping) else {}, permitted)


def _plain(node: _Node) -> Any:
    if not node.nodes:
        return node.value
    found = {key: _plain(below) for key, below in node.nodes.items()}
    return {key: value for key, value in found.items() if value not in (None, {})}
