"""Between Structs and the plain values of JSON and CBOR, where msgspec alone does not know the
format.

msgspec encodes and decodes a Struct in one C call. What it cannot know is a timestamp in another
format than epoch seconds, a float that JSON cannot write (NaN), CBOR's tag for time, and members
that belong into headers. Shapes that hold such members get a writer to plain values and a fixer of
what was read; all others get neither.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from mesocosm.wire import models, names, values
from mesocosm.wire.models import Shape
from mesocosm.wire.readers import Malformed
from mesocosm.wire.types import Types

Function = Callable[[Any], Any]


def odd_timestamp(shape: Shape) -> bool:
    """Whether a shape is a timestamp that JSON bodies carry as text."""
    return shape.type == "timestamp" and shape.get("timestampFormat", values.UNIX) != values.UNIX


def reaches(shape: Shape, test: Callable[[Shape], bool]) -> bool:
    """Whether a shape or anything below it passes a test."""
    seen: set[str] = set()
    stack = [shape]
    while stack:
        here = stack.pop()
        if test(here):
            return True
        if here.document or here.name in seen:
            continue
        if here.type in ("structure", "list", "map"):
            seen.add(here.name)
            stack += here.members.values()
        if here.type == "list":
            stack.append(here.member)
        if here.type == "map":
            stack += (here.key, here.value)
    return False


class Fixers:
    """Turn timestamps that were read as text into epoch seconds, in place."""

    def __init__(self) -> None:
        self._structures: dict[str, Callable[[Any], None]] = {}

    def structure(self, shape: Shape) -> Callable[[Any], None] | None:
        """The fixer of a structure, None when it holds no such timestamp."""
        if not reaches(shape, odd_timestamp):
            return None
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        steps: list[tuple[str, Function]] = []

        def fix(value: Any) -> None:
            for attr, function in steps:
                inner = getattr(value, attr)
                if inner is not None:
                    changed = function(inner)
                    if changed is not inner:
                        setattr(value, attr, changed)

        self._structures[shape.name] = fix
        members = shape.members
        attributes = names.attributes(members)
        for name, member in members.items():
            step = self._step(member)
            if step is not None and not member.get("location"):
                steps.append((attributes[name], step))
        return fix

    def _step(self, shape: Shape) -> Function | None:
        if shape.document or not reaches(shape, odd_timestamp):
            return None
        if shape.type == "timestamp":
            return _seconds
        if shape.type == "structure":
            inside = self.structure(shape)

            def structure(value: Any) -> Any:
                if inside is not None:
                    inside(value)
                return value

            return structure
        inner = self._step(shape.member if shape.type == "list" else shape.value)
        return None if inner is None else _each(inner, shape.type)


def _each(inner: Function, kind: str) -> Function:
    """A function applied to everything a list or map holds; what is null stays so (sparse
    collections).
    """
    if kind == "list":
        return lambda value: [None if v is None else inner(v) for v in value]
    return lambda value: {k: None if v is None else inner(v) for k, v in value.items()}


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        try:
            return values.timestamp(value)
        except ValueError as error:
            raise Malformed(str(error), "", value, "timestamp") from None
    return float(value)


class PlainWriters:
    """Structs as the plain values that a JSON or CBOR encoder takes."""

    def __init__(self, types: Types, protocol: str) -> None:
        self._types = types
        self._protocol = protocol
        self._structures: dict[str, Function] = {}

    def needed(self, shape: Shape) -> bool:
        """Whether msgspec's own encoder would not do."""
        if self._protocol == models.CBOR:
            return reaches(shape, lambda s: s.type == "timestamp")
        return any(m.get("location") for m in shape.members.values()) or reaches(
            shape, lambda s: odd_timestamp(s) or s.type in ("float", "double")
        )

    def structure(self, shape: Shape) -> Function:
        """The writer of a structure; members bound to headers and the like are left out."""
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        table: list[tuple[str, str, Function | None]] = []

        def write(value: Any) -> dict[str, Any]:
            found = {}
            for attr, wire, inner in table:
                member = getattr(value, attr)
                if member is not None:
                    found[wire] = member if inner is None else inner(member)
            return found

        self._structures[shape.name] = write
        members = shape.members
        attributes = names.attributes(members)
        wires = self._types.wire_names(members)
        for name, member in members.items():
            if not member.get("location"):
                table.append((attributes[name], wires[name], self._value(member)))
        return write

    def _value(self, shape: Shape) -> Function | None:
        kind = shape.type
        if shape.document:
            return None
        if kind == "structure":
            return self.structure(shape)
        if kind == "list" and shape.member.type == "timestamp" and self._protocol == models.CBOR:
            return _packed_times
        if kind in ("list", "map"):
            inner = self._value(shape.member if kind == "list" else shape.value)
            return None if inner is None else _each(inner, kind)
        if kind == "timestamp":
            if self._protocol == models.CBOR:
                return _tagged
            return values.FORMATS[shape.get("timestampFormat")] if odd_timestamp(shape) else None
        if kind in ("float", "double") and self._protocol != models.CBOR:
            return _json_float
        return None


def _json_float(value: float) -> float | str:
    return values.number(value) if value - value != 0 else value


class Encoded:
    """A value that is CBOR already; `write_encoded` is the `default` of an encoder of such."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def write_encoded(encoder: Any, value: Any) -> None:
    """Put CBOR as it is into what an encoder writes."""
    if not isinstance(value, Encoded):
        raise TypeError(f"{type(value)} has no place in CBOR")
    encoder.write(value.data)


def _packed_times(given: list[float]) -> Encoded:
    """An array of timestamps at once: a day of metrics has 1,440 of them. Each is tag 1 (0xc1)
    before a double (0xfb); RFC 8949, sections 3.1 and 3.4.2.
    """
    flat: list[Any] = [0xC1FB] * (2 * len(given))
    flat[1::2] = given
    return Encoded(struct.pack(f">BI{'Hd' * len(given)}", 0x9A, len(given), *flat))


def _tagged(value: float) -> Any:
    import cbor2

    return cbor2.CBORTag(1, value)
