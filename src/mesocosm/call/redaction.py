"""What a record never shows: the members a model calls sensitive, and those an operation hides.

Where they stand is found once per operation, so that a call pays only for what it has: members of
the top level are taken out before the value is encoded; only for those further down is it decoded
and searched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import compress, repeat
from operator import attrgetter, is_not
from typing import Any, NamedTuple

from mesocosm import wire
from mesocosm.wire import Shape
from mesocosm.wire.names import attributes


class Hidden(NamedTuple):
    """What to hide in a request or an answer: attributes of the Struct itself, and wire names
    anywhere below."""

    attributes: tuple[str, ...] = ()
    below: frozenset[str] = frozenset()
    values: Callable[[Any], tuple[Any, ...]] = tuple
    """Of those attributes."""

    def present(self, value: Any) -> list[str]:
        """The attributes to hide that a value has."""
        return list(compress(self.attributes, map(is_not, self.values(value), repeat(None))))


class Redaction(NamedTuple):
    """What to hide in the record of one operation."""

    request: Hidden = Hidden()
    response: Hidden = Hidden()


NOTHING = Redaction()


@cache
def redaction(service: str, operation: str, hide: frozenset[str]) -> Redaction:
    """What an operation's record hides: sensitive members, and those called as in `hide` (wire
    names), at any depth."""
    model = wire.service(service).operation(operation)
    return Redaction(_hidden(model.input_shape, hide), _hidden(model.output_shape, hide))


def _hidden(shape: Shape | None, hide: frozenset[str]) -> Hidden:
    if shape is None:
        return Hidden()
    names = attributes(shape.members)
    own: list[str] = []
    below: set[str] = set()
    seen = {shape.name}

    def visit(shape: Shape) -> None:
        if shape.type == "list":
            visit(shape.member)
        elif shape.type == "map":
            visit(shape.value)
        elif shape.type == "structure" and shape.name not in seen:
            seen.add(shape.name)
            for name, member in shape.members.items():
                if member.sensitive or name in hide:
                    below.add(name)
                else:
                    visit(member)

    for name, member in shape.members.items():
        if member.sensitive or name in hide:
            own.append(names[name])
        else:
            visit(member)
    if not own:
        return Hidden((), frozenset(below))
    # One member more, so that there is always a tuple to get.
    return Hidden(tuple(own), frozenset(below), attrgetter(*own, "__class__"))
