"""What a record never shows: the members a model calls sensitive."""

from __future__ import annotations

from functools import cache

from mesocosm import wire
from mesocosm.wire import Shape


@cache
def sensitive(service: str, operation: str) -> frozenset[str]:
    """Wire names of the sensitive members of an operation's input and output, at any depth."""
    model = wire.service(service).operation(operation)
    names: set[str] = set()
    seen: set[str] = set()

    def visit(shape: Shape | None) -> None:
        if shape is None or shape.name in seen:
            return
        seen.add(shape.name)
        if shape.type == "structure":
            for name, member in shape.members.items():
                if member.sensitive:
                    names.add(name)
                else:
                    visit(member)
        elif shape.type == "list":
            visit(shape.member)
        elif shape.type == "map":
            visit(shape.value)

    visit(model.input_shape)
    visit(model.output_shape)
    return frozenset(names)
