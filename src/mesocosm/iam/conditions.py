"""Condition operators, compiled to tests of a context.

Source: IAM user guide, "Condition operators", "Creating a condition with multiple keys or values",
"Single-valued vs. multivalued context keys". A missing key makes a positive operator false and an
inverted one true; with `IfExists` both are true. Values are ORed, for inverted operators NORed.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from .context import Context, Value
from .patterns import Mode, Template, glob, literal, matcher, template

Test = Callable[[Context], bool]
_Match = Callable[[str, Context], bool]
"""Does this one value of the request match any value of the policy?"""


class Condition(NamedTuple):
    """One key of one operator of a Condition block."""

    operator: str
    key: str
    values: tuple[str, ...]
    test: Test
    keys: tuple[str, ...]
    """Every context key that the test may read (lower case)."""


class _Operator(NamedTuple):
    make: Callable[[Sequence[str], bool], tuple[_Match, tuple[str, ...]]]
    inverted: bool


def compile_condition(name: str, key: str, values: Sequence[str], *, variables: bool) -> Condition:
    """Compile `{name: {key: values}}`. Raises ValueError for an operator that does not exist."""
    quantifier, _, base = name.rpartition(":")
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(name)
    exists = base.endswith("IfExists")
    base = base.removesuffix("IfExists")
    lowered = key.lower()
    if base == "Null":
        if exists:
            raise ValueError(name)
        return Condition(name, key, tuple(values), _null(lowered, values), (lowered,))
    found = _OPERATORS.get(base)
    if found is None:
        raise ValueError(name)
    match, read = found.make(values, variables)
    test = _quantified(quantifier, lowered, match, found.inverted, exists)
    return Condition(name, key, tuple(values), test, (lowered, *read))


def _null(key: str, values: Sequence[str]) -> Test:
    wanted = {value.lower() for value in values}

    def null(context: Context) -> bool:
        value = context[key]
        absent = value is None or (not isinstance(value, str) and len(value) == 0)
        return ("true" if absent else "false") in wanted

    return null


def _quantified(quantifier: str, key: str, match: _Match, inverted: bool, exists: bool) -> Test:
    if quantifier:
        return _set_test(quantifier == "ForAllValues", key, match, inverted, exists)
    if_missing = inverted or exists

    def single(context: Context) -> bool:
        value = context[key]
        if value.__class__ is str:
            return match(value, context) is not inverted
        if not value:
            return if_missing
        return any(match(item, context) for item in value) is not inverted

    return single


def _set_test(every: bool, key: str, match: _Match, inverted: bool, exists: bool) -> Test:
    if_missing = every or exists

    def test(context: Context) -> bool:
        items = _items(context[key])
        if not items:
            return if_missing
        if every:
            return all(match(item, context) is not inverted for item in items)
        return any(match(item, context) is not inverted for item in items)

    return test


def _items(value: Value | None) -> Sequence[str]:
    """The values of a key; an empty string is an empty set ("resolves to a null data set")."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    return () if len(value) == 1 and value[0] == "" else value


# Strings and ARNs: with variables.


def _strings(
    wildcards: bool, fold: bool = False, mode: Mode = "text"
) -> Callable[[Sequence[str], bool], tuple[_Match, tuple[str, ...]]]:
    def make(values: Sequence[str], variables: bool) -> tuple[_Match, tuple[str, ...]]:
        plain = glob if wildcards else literal
        fixed: list[str] = []
        dynamic: list[Template] = []
        for value in values:
            made = template(value, wildcards=wildcards) if variables else plain(value)
            if isinstance(made, Template):
                dynamic.append(made)
            else:
                fixed.append(made)
        static = _fixed(fixed, wildcards, fold, mode)
        if not dynamic:
            return static, ()
        keys = tuple(key for made in dynamic for key in made.keys)

        def match(value: str, context: Context) -> bool:
            if static(value, context):
                return True
            for made in dynamic:
                pattern = made.resolve(context)
                if pattern is None:
                    continue
                if fold:
                    pattern, value = pattern.lower(), value.lower()
                if matcher(pattern, mode)(value):
                    return True
            return False

        return match, keys

    return make


def _fixed(patterns: Sequence[str], wildcards: bool, fold: bool, mode: Mode) -> _Match:
    if wildcards:
        tests = [matcher(pattern, mode) for pattern in patterns]
        if len(tests) == 1:
            only = tests[0]
            return lambda value, _context: only(value)
        return lambda value, _context: any(test(value) for test in tests)
    # Equality: the patterns hold only escaped characters, so take the escapes out again.
    texts = frozenset(re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL) for pattern in patterns)
    if fold:
        lowered = frozenset(text.lower() for text in texts)
        return lambda value, _context: value.lower() in lowered
    return lambda value, _context: value in texts


# Numbers, dates, addresses, booleans, binary: no variables.

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z")


def _number(text: str) -> float | None:
    if len(text) > 64 or not _NUMBER.match(text.strip()):
        return None
    return float(text)


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?\Z"
)


@lru_cache(maxsize=4096)
def date(text: str) -> float | None:
    """Epoch seconds of a date as policies write it (W3C's ISO 8601 profile or epoch seconds), or
    None."""
    found = _DATE.match(text)
    if found is None:
        return _number(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            int(second or 0), tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    stamp = moment.timestamp() + (float("0." + fraction) if fraction else 0.0)
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        stamp -= minutes * 60 * (1 if zone[0] == "+" else -1)
    return stamp


def _compared(
    parse: Callable[[str], float | None], compare: Callable[[float, float], bool]
) -> Callable[[Sequence[str], bool], tuple[_Match, tuple[str, ...]]]:
    def make(values: Sequence[str], _variables: bool) -> tuple[_Match, tuple[str, ...]]:
        limits = [limit for limit in map(parse, values) if limit is not None]

        def match(value: str, _context: Context) -> bool:
            got = parse(value)
            return got is not None and any(compare(got, limit) for limit in limits)

        return match, ()

    return make


def _bool(values: Sequence[str], _variables: bool) -> tuple[_Match, tuple[str, ...]]:
    wanted = frozenset(value.lower() for value in values) & {"true", "false"}
    return (lambda value, _context: value.lower() in wanted), ()


def _binary(values: Sequence[str], _variables: bool) -> tuple[_Match, tuple[str, ...]]:
    wanted = frozenset(_bytes(value) for value in values)
    return (lambda value, _context: _bytes(value) in wanted), ()


def _bytes(text: str) -> bytes | str:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text


@lru_cache(maxsize=8192)
def _address(text: str) -> tuple[int, int] | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def _network(text: str) -> tuple[int, int, int] | None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.netmask)


def _addresses(values: Sequence[str], _variables: bool) -> tuple[_Match, tuple[str, ...]]:
    networks = [network for network in map(_network, values) if network is not None]

    def match(value: str, _context: Context) -> bool:
        got = _address(value)
        if got is None:
            return False
        version, number = got
        return any(v == version and number & mask == base for v, base, mask in networks)

    return match, ()


_ORDER: dict[str, Callable[[float, float], bool]] = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

_OPERATORS: dict[str, _Operator] = {
    "StringEquals": _Operator(_strings(wildcards=False), False),
    "StringNotEquals": _Operator(_strings(wildcards=False), True),
    "StringEqualsIgnoreCase": _Operator(_strings(wildcards=False, fold=True), False),
    "StringNotEqualsIgnoreCase": _Operator(_strings(wildcards=False, fold=True), True),
    "StringLike": _Operator(_strings(wildcards=True), False),
    "StringNotLike": _Operator(_strings(wildcards=True), True),
    "ArnEquals": _Operator(_strings(wildcards=True, mode="arn"), False),
    "ArnLike": _Operator(_strings(wildcards=True, mode="arn"), False),
    "ArnNotEquals": _Operator(_strings(wildcards=True, mode="arn"), True),
    "ArnNotLike": _Operator(_strings(wildcards=True, mode="arn"), True),
    "Bool": _Operator(_bool, False),
    "BinaryEquals": _Operator(_binary, False),
    "IpAddress": _Operator(_addresses, False),
    "NotIpAddress": _Operator(_addresses, True),
}
for _type, _parse in (("Numeric", _number), ("Date", date)):
    _OPERATORS[f"{_type}Equals"] = _Operator(_compared(_parse, operator.eq), False)
    _OPERATORS[f"{_type}NotEquals"] = _Operator(_compared(_parse, operator.eq), True)
    for _name, _compare in _ORDER.items():
        _OPERATORS[f"{_type}{_name}"] = _Operator(_compared(_parse, _compare), False)
