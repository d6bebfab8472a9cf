"""Filter policies: which messages a subscription wants.

Source: developer guide, "Amazon SNS message filtering", with "Filter policy constraints".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mesocosm.services.sns.rules.patterns import (
    OPERATORS,
    BadPattern,
    Pattern,
    is_number,
    pattern,
)

POLICY_MAX_BYTES = 262_144
KEYS_MAX = 5
COMBINATIONS_MAX = 150
DEPTH_MAX = 100

Attribute: TypeAlias = tuple[str, bytes]
"""The data type of a message attribute, and its value (text in UTF-8)."""

Wanted: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Whether an object is what a policy, or a part of it, means."""


class Filter:
    """A compiled filter policy."""

    __slots__ = ("_body", "_wanted")

    def __init__(self, text: str, scope: str) -> None:
        """Raises BadPattern with AWS's sentence."""
        self._body = scope == "MessageBody"
        policy = _read(text)
        if not self._body:
            _check_flat(policy)
        measured = _Measure(self._body)
        measured.object(policy, 1)
        keys = len(policy) if self._body else measured.keys
        if keys > KEYS_MAX:
            raise BadPattern(f"Filter policy can not have more than {KEYS_MAX} keys")
        if measured.combinations > COMBINATIONS_MAX:
            raise BadPattern("Filter policy is too complex")
        self._wanted = _object(policy)

    def wants(self, content: Content) -> bool | None:
        """Whether a message is wanted; None: it cannot be, as its body is no JSON object."""
        if not self._body:
            return self._wanted(content.values)
        body = content.document
        return None if body is None else self._wanted(body)


class Content:
    """A message as filters see it; read once, however many subscriptions it has."""

    __slots__ = ("_document", "_message", "_read", "_values", "attributes")

    def __init__(self, message: str, attributes: Mapping[str, Attribute]) -> None:
        self.attributes = attributes
        self._message = message
        self._read = False
        self._document: dict[str, Any] | None = None
        self._values: dict[str, Any] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the message attributes."""
        if self._values is None:
            self._values = values_of(self.attributes)
        return self._values

    @property
    def document(self) -> dict[str, Any] | None:
        """The body, if it is a JSON object."""
        if not self._read:
            self._read = True
            try:
                found = json.loads(self._message)
            except (ValueError, RecursionError):
                found = None
            self._document = found if isinstance(found, dict) else None
        return self._document


def _read(text: str) -> dict[str, Any]:
    if len(text.encode()) > POLICY_MAX_BYTES:
        raise BadPattern("Filter policy is too long")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise BadPattern("failed to parse JSON.") from None
    if not isinstance(policy, dict):
        raise BadPattern("Filter is not an object")
    return policy


def _check_flat(policy: dict[str, Any]) -> None:
    for key, value in policy.items():
        if is_or(key, value):
            for one in value:
                _check_flat(one)
        elif isinstance(value, dict):
            raise BadPattern(
                "Filter policy scope MessageAttributes does not support nested filter policy"
            )


def is_or(key: str, value: Any) -> bool:
    """Whether a member is an $or relationship: an array of objects that are no expressions."""
    return (
        key == "$or"
        and isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and not OPERATORS & one.keys() for one in value)
    )


class _Measure:
    """How many keys a policy has, and how many combinations of values: the product of the numbers
    of values, in nested objects times the depth. Whatever is no policy raises BadPattern.
    """

    def __init__(self, nested: bool) -> None:
        self.keys = 0
        self.combinations = 1
        self._nested = nested

    def object(self, policy: dict[str, Any], depth: int) -> None:
        if depth > DEPTH_MAX:
            raise BadPattern("Filter policy is too complex")
        if not policy and depth > 1:
            raise BadPattern("Empty objects are not allowed")
        for key, value in policy.items():
            if isinstance(value, dict):
                self.object(value, depth + 1)
            elif not isinstance(value, list):
                raise BadPattern(f'"{key}" must be an object or an array')
            elif not value:
                raise BadPattern("Empty arrays are not allowed")
            elif is_or(key, value):
                self._alternatives(value, depth)
            else:
                self.keys += 1
                self.combinations *= len(value) * (depth if self._nested else 1)

    def _alternatives(self, policies: list[dict[str, Any]], depth: int) -> None:
        if len(policies) < 2:
            raise BadPattern("There must have at least 2 Objects in $or relationship.")
        total = 0
        for one in policies:
            if not one:
                raise BadPattern("Empty objects are not allowed")
            inner = _Measure(self._nested)
            inner.object(one, depth)
            self.keys += inner.keys
            total += inner.combinations
        self.combinations *= total


# -- compiling -----------------------------------------------------------------------------


def _object(policy: dict[str, Any]) -> Wanted:
    members = [_member(key, value) for key, value in policy.items()]
    if len(members) == 1:
        return members[0]
    return lambda found: all(member(found) for member in members)


def _member(key: str, value: Any) -> Wanted:
    if isinstance(value, dict):
        inner = _object(value)
        return lambda found: _nested(inner, found.get(key))
    if is_or(key, value):
        alternatives = [_object(one) for one in value]
        return lambda found: any(one(found) for one in alternatives)
    patterns = [pattern(one) for one in value]
    return lambda found: _leaf(patterns, _values(found[key]) if key in found else [])


def _nested(inner: Wanted, value: Any) -> bool:
    """Of the objects in an array, one must be meant by all of the policy; what is no object is
    taken for an empty one.
    """
    objects = [one for one in _flat(value) if isinstance(one, dict)]
    return any(inner(one) for one in objects) if objects else inner({})


def _leaf(patterns: list[Pattern], values: list[Any]) -> bool:
    for one in patterns:
        if one.absent:
            if not values:
                return True
        elif any(one.test(value) for value in values):
            return True
    return False


def _values(value: Any) -> list[Any]:
    """What a leaf holds: itself, or the elements of its array; objects are no leaves."""
    if not isinstance(value, list | dict):
        return [value]
    return [one for one in _flat(value) if not isinstance(one, dict)]


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [leaf for one in value for leaf in _flat(one)]


# -- message attributes --------------------------------------------------------------------


def values_of(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """The values of message attributes, as filter policies see them: binary ones do not count."""
    found: dict[str, Any] = {}
    for name, (kind, data) in attributes.items():
        if kind.startswith("Binary"):
            continue
        value = data.decode()
        if kind == "String.Array":
            try:
                elements = json.loads(value)
            except (ValueError, RecursionError):
                continue
            found[name] = elements if isinstance(elements, list) else [elements]
        elif kind.partition(".")[0] == "Number":
            found[name] = _number(value)
        else:
            found[name] = value
    return found


def _number(text: str) -> int | float | str:
    try:
        found = json.loads(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
    return found if is_number(found) else text
