"""The constraints of the models, checked as AWS's services do and worded as they word it.

A check is a closure that appends findings; a request without findings costs one look at each
constrained member. The wording is that of AWS's service framework: "1 validation error detected:
Value 'x' at 'userName' failed to satisfy constraint: Member must have length less than or equal to
64".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec

from mesocosm.wire import models
from mesocosm.wire.dialects import Dialect, of
from mesocosm.wire.errors import AwsError
from mesocosm.wire.javaregex import compiled
from mesocosm.wire.models import Operation, Shape
from mesocosm.wire.names import attributes

Validate = Callable[[Any], None]


class Finding(NamedTuple):
    """One broken constraint: the path of the value, the value as shown, the kind, and the
    sentence.
    """

    path: str
    value: str | None
    kind: str
    sentence: str


class Constraint(NamedTuple):
    """One constraint of a scalar, list or map: whether a value keeps it, its kind, and its
    sentence; `bound` when it is a length or a value at one of its ends.
    """

    keeps: Callable[[Any], bool]
    kind: str
    sentence: str
    bound: Callable[[Any], Any] | None = None

    def all_keep(self, column: list[Any]) -> bool:
        """Whether many values keep it."""
        if self.bound is not None and float not in map(type, column):  # NaN has no place in order
            return self.keeps(self.bound(column))
        return all(map(self.keeps, column))


Check = Callable[[Any, str, list[Finding]], None]

MAX_FINDINGS = 100


def validator(operation: Operation, protocol: str) -> Validate:
    """The function that raises AwsError for a request that breaks a constraint."""
    shape = operation.input_shape
    dialect = of(operation.service.name)
    check = (
        checks(operation.service.name).structure(shape)
        if shape is not None and dialect.validates
        else None
    )
    if check is None:
        return lambda value: None

    def validate(value: Any) -> None:
        found: list[Finding] = []
        check(value, "", found)
        if found:
            raise refusal(found, dialect, protocol)

    return validate


@cache
def checks(service: str) -> Checks:
    """The checks of a service."""
    return Checks()


class Checks:
    """The checks of one service's structures."""

    def __init__(self) -> None:
        self._structures: dict[str, Check] = {}
        self._constrained: dict[str, bool] = {}

    def structure(self, shape: Shape) -> Check | None:
        """The check of a structure, None when nothing in it is constrained."""
        if not self._matters(shape):
            return None
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        required: list[tuple[str, str]] = []
        inner: list[tuple[str, str, Check]] = []

        def check(value: Any, path: str, found: list[Finding]) -> None:
            for attr, name in required:
                if getattr(value, attr) is None:
                    found.append(Finding(path + name, "null", "null", "Member must not be null"))
            for attr, name, member in inner:
                given = getattr(value, attr)
                if given is not None:
                    member(given, path + name, found)

        self._structures[shape.name] = check
        members = shape.members
        attrs = attributes(members)
        for name, member in members.items():
            shown = name[0].lower() + name[1:]
            if name in shape.required:
                required.append((attrs[name], shown))
            step = self._value(member)
            if step is not None:
                inner.append((attrs[name], shown, step))
        return check

    def _matters(self, shape: Shape) -> bool:
        """Whether a shape or anything below it is constrained."""
        known = self._constrained.get(shape.name)
        if known is None:
            seen: set[str] = set()
            known = self._constrained[shape.name] = _reaches_constraint(shape, seen)
        return known

    def _value(self, shape: Shape) -> Check | None:
        if (
            shape.document
            or shape.get("streaming")
            or shape.get("eventstream")
            or shape.get("jsonvalue")
        ):
            return None
        if shape.type == "structure":
            inside = self.structure(shape)
            if inside is None:
                return None
            return lambda value, path, found: inside(value, f"{path}.", found)
        if shape.type not in ("list", "map"):
            return _scalar(shape)
        own = _own(shape)
        below = self._below(shape)
        if own is None or below is None:
            return own or below

        def both(value: Any, path: str, found: list[Finding]) -> None:
            own(value, path, found)
            below(value, path, found)

        return both

    def _below(self, shape: Shape) -> Check | None:
        """The check of what a list or map holds."""
        if shape.type == "list":
            held = shape.member
            simple = _elements(held, "Member must satisfy constraint", lambda value: value)
            if simple is not None:
                return simple
            step = self._value(held)
            return step and _each(step, _columns(held))
        parts = [
            _elements(shape.key, "Map keys must satisfy constraint", lambda value: value),
            _elements(
                shape.value, "Map value must satisfy constraint", lambda value: value.values()
            ),
        ]
        step = (
            self._value(shape.value) if shape.value.type in ("structure", "list", "map") else None
        )
        parts.append(step and _each_value(step))
        given = [part for part in parts if part is not None]
        if not given:
            return None

        def every(value: Any, path: str, found: list[Finding]) -> None:
            for part in given:
                part(value, path, found)

        return every


def _reaches_constraint(shape: Shape, seen: set[str]) -> bool:
    if shape.name in seen or shape.document:
        return False
    seen.add(shape.name)
    if any(t in shape.traits for t in ("min", "max", "pattern", "enum")) or shape.required:
        return True
    inner = list(shape.members.values())
    if shape.type == "list":
        inner.append(shape.member)
    elif shape.type == "map":
        inner += (shape.key, shape.value)
    return any(_reaches_constraint(s, seen) for s in inner)


MANY = 8
"""Members of a list from which on they are checked column by column first."""


Keep = Callable[[Any], bool]
Column = tuple[Callable[[Any], Any], bool, list["Constraint"], Keep | None, bool]
"""How to read a member, whether it is required, its own constraints, the test of what it holds, and
whether it is a list.
"""


def _columns(shape: Shape, above: tuple[str, ...] = ()) -> Keep | None:
    """Whether all structures of a list keep their constraints, looked at one member after the
    other, also in what they hold: ten times as fast as each structure by itself. None where members
    are maps, or hold themselves.
    """
    if shape.type != "structure" or shape.name in above:
        return None
    attrs = attributes(shape.members)
    tests: list[Column] = []
    for name, member in shape.members.items():
        inner: Keep | None = None
        if member.type in ("structure", "list", "map") and _reaches_constraint(member, set()):
            held = member.member if member.type == "list" else member
            if member.type == "map" or held.type not in ("structure", "list", "map"):
                return None
            if _reaches_constraint(held, set()):
                inner = _columns(held, (*above, shape.name))
                if inner is None:
                    return None
        each = constraints(member) if member.type not in ("structure", "map") else []
        if each or inner is not None or name in shape.required:
            get = operator.attrgetter(attrs[name])
            tests.append((get, name in shape.required, each, inner, member.type == "list"))

    def keep(items: Any) -> bool:
        for get, required, each, inner, is_list in tests:
            column = list(map(get, items))
            if None in column:
                if required:
                    return False
                column = [value for value in column if value is not None]
            if not column:
                continue
            if not all(constraint.all_keep(column) for constraint in each):
                return False
            if inner is not None:
                if is_list:
                    column = [one for several in column for one in several]
                    if None in column:
                        return False
                if column and not inner(column):
                    return False
        return True

    return keep


def _each(step: Check, quick: Callable[[Any], bool] | None = None) -> Check:
    def check(value: Any, path: str, found: list[Finding]) -> None:
        if quick is not None and len(value) >= MANY and None not in value and quick(value):
            return
        for number, item in enumerate(value, 1):
            if item is not None and len(found) < MAX_FINDINGS:
                step(item, f"{path}.{number}.member", found)

    return check


def _each_value(step: Check) -> Check:
    def check(value: Any, path: str, found: list[Finding]) -> None:
        for key, item in value.items():
            if item is not None and len(found) < MAX_FINDINGS:
                step(item, f"{path}.{key}.member", found)

    return check


def _scalar(shape: Shape) -> Check | None:
    return _own(shape)


def _own(shape: Shape) -> Check | None:
    """The check of a value's own constraints."""
    found_constraints = constraints(shape)
    if not found_constraints:
        return None
    sensitive = shape.sensitive

    def check(value: Any, path: str, found: list[Finding]) -> None:
        for constraint in found_constraints:
            if not constraint.keeps(value):
                shown = None if sensitive else show(value)
                found.append(Finding(path, shown, constraint.kind, constraint.sentence))

    return check


def _elements(shape: Shape, prefix: str, items: Callable[[Any], Any]) -> Check | None:
    """The check of all scalars of a collection at once: AWS names the collection and lists what
    each must satisfy.
    """
    if shape.type in ("structure", "list", "map"):
        return None
    each = constraints(shape)
    if not each:
        return None
    sentence = f"{prefix}: [{', '.join(c.sentence for c in each)}]"

    def check(value: Any, path: str, found: list[Finding]) -> None:
        for item in items(value):
            for constraint in each:
                if item is not None and not constraint.keeps(item):
                    shown = None if shape.sensitive else show(value)
                    found.append(Finding(path, shown, constraint.kind, sentence))
                    return

    return check


def constraints(shape: Shape) -> list[Constraint]:
    """The constraints of a value itself, in the order in which AWS lists them."""
    found: list[Constraint] = []
    low, high = shape.get("min"), shape.get("max")
    if shape.type in ("string", "list", "map", "blob"):
        if high is not None:
            found.append(_max_length(int(high)))
        if low is not None and low > 0:
            found.append(_min_length(int(low)))
    elif shape.type in ("integer", "long", "float", "double"):
        if high is not None:
            found.append(_max_value(high))
        if low is not None:
            found.append(_min_value(low))
    if shape.type == "string" and shape.get("pattern"):
        pattern = compiled(shape.get("pattern"))
        if pattern is not None:
            sentence = f"Member must satisfy regular expression pattern: {shape.get('pattern')}"
            full = pattern.fullmatch
            found.append(Constraint(lambda value: full(value) is not None, "pattern", sentence))
    if shape.get("enum") and of(shape.service.name).enums:
        known = frozenset(shape.get("enum"))
        sentence = f"Member must satisfy enum value set: [{', '.join(shape.get('enum'))}]"
        found.append(Constraint(known.__contains__, "enum", sentence))
    return found


def _longest(values: list[Any]) -> Any:
    return max(values, key=len)


def _shortest(values: list[Any]) -> Any:
    return min(values, key=len)


def _max_length(limit: int) -> Constraint:
    sentence = f"Member must have length less than or equal to {limit}"
    return Constraint(lambda value: len(value) <= limit, "max length", sentence, _longest)


def _min_length(limit: int) -> Constraint:
    sentence = f"Member must have length greater than or equal to {limit}"
    return Constraint(lambda value: len(value) >= limit, "min length", sentence, _shortest)


def _max_value(limit: float) -> Constraint:
    sentence = f"Member must have value less than or equal to {limit}"
    return Constraint(lambda value: value <= limit, "max value", sentence, max)


def _min_value(limit: float) -> Constraint:
    sentence = f"Member must have value greater than or equal to {limit}"
    return Constraint(lambda value: value >= limit, "min value", sentence, min)


def show(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(show(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={show(item)}' for key, item in value.items())}}}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if isinstance(value, msgspec.Struct):
        name = type(value).__name__
        fields = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        shown = ((wire, getattr(value, attr)) for wire, attr in fields)
        return f"{name}({', '.join(f'{wire}={show(v)}' for wire, v in shown if v is not None)})"
    return str(value)


def refusal(found: list[Finding], dialect: Dialect, protocol: str) -> AwsError:
    """The error for broken constraints, in the dialect of the service."""
    first = found[0]
    if dialect.missing is not None and first.kind == "null":
        name = re.sub(r"(^|\.)([a-z])", lambda m: m.group(1) + m.group(2).upper(), first.path)
        stop = "" if protocol == models.EC2 else "."
        return AwsError(dialect.missing, f"The request must contain the parameter {name}{stop}")
    if first.kind in dialect.sentences:
        message, reason = dialect.sentences[first.kind]
        return AwsError(dialect.invalid or "ValidationException", message, Reason=reason)
    noun = "error" if len(found) == 1 else "errors"
    text = "; ".join(_sentence(finding) for finding in found)
    code = dialect.invalid or ("ValidationError" if protocol in _OLD else "ValidationException")
    return AwsError(code, f"{len(found)} validation {noun} detected: {text}", status=400)


_OLD = frozenset({models.QUERY, models.EC2, models.REST_XML})


def _sentence(finding: Finding) -> str:
    if finding.value is None:
        value = "Value"
    elif finding.kind == "null":
        value = "Value null"
    else:
        value = f"Value '{finding.value}'"
    return f"{value} at '{finding.path}' failed to satisfy constraint: {finding.sentence}"
