"""Values made from the models: what a client could send, and what an operation could answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape

WORDS = ("alpha", "b<c>&d", 'quote"d', "ünïcode", "with space", "plus+sign", "a/b", "100%", "x=y&z")
PLAIN = ("alpha", "beta", "gamma-1")


class Generator:
    """Values of shapes in botocore's form. `full` gives every member, otherwise the required
    ones.
    """

    def __init__(self, seed: str, full: bool, text_only: bool) -> None:
        self.random = random.Random(seed)
        self.full = full
        self.text_only = text_only

    def structure(self, shape: Shape, path: tuple[str, ...] = ()) -> dict[str, Any]:
        """A structure. Recursive shapes end where they meet themselves."""
        members = {
            name: member
            for name, member in shape.members.items()
            if not member.serialization.get("eventstream")
            and not _recurs(member, (*path, shape.name))
        }
        if getattr(shape, "is_tagged_union", False):
            chosen = sorted(members)[:1] if not self.full else [self.random.choice(sorted(members))]
        elif self.full:
            chosen = list(members)
        else:
            chosen = [name for name in members if name in shape.required_members]
            if not chosen and path:
                chosen = list(members)[:1]
        return {name: self.value(members[name], (*path, shape.name)) for name in chosen}

    def value(self, shape: Shape, path: tuple[str, ...]) -> Any:
        """A value of any shape."""
        serialization = shape.serialization
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "x", True], "b": {"c": 1.5}}
        if serialization.get("jsonvalue"):
            return {"a": 1}
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, path)
        if kind == "list":
            count = 2 if self.full and len(path) < 3 else 1
            return [self.value(shape.member, path) for _ in range(count)]
        if kind == "map":
            value = self.value(shape.value, path)
            return {self._key(shape.key): value}
        return self._scalar(shape)

    def _key(self, shape: Shape) -> str:
        choices: list[str] = shape.enum or list(PLAIN)
        return self.random.choice(choices)

    def _scalar(self, shape: Shape) -> Any:
        kind = shape.type_name
        place = shape.serialization.get("location")
        if kind in ("string", "character"):
            if shape.enum:
                return self.random.choice(shape.enum)
            plain = place in ("header", "headers", "uri") or shape.serialization.get("hostLabel")
            return self.random.choice(PLAIN if plain else WORDS)
        if kind in ("integer", "long"):
            if place == "statusCode":
                return 200
            low, high = shape.metadata.get("min", 1), shape.metadata.get("max", 100)
            return int(min(max(7, low), high))
        if kind in ("float", "double"):
            return 1.5
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return datetime(2026, 3, 4, 5, 6, self.random.randrange(60), tzinfo=UTC)
        text = self.random.choice(WORDS).encode()
        return text if self.text_only else b"\x00\xff" + text


def _recurs(shape: Shape, path: tuple[str, ...]) -> bool:
    """Whether a member leads back to a structure that is being made."""
    seen = set()
    while shape.type_name in ("list", "map") and shape.name not in seen:
        seen.add(shape.name)
        shape = shape.member if shape.type_name == "list" else shape.value
    return shape.name in path or shape.name in seen
