"""What filter patterns compare with: texts with wildcards, numbers, regular expressions.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail" (CloudWatch Logs user guide).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from mesocosm.wire.errors import AwsError

Test = Callable[[Any], bool]
"""Of the value of a field (a text, or a JSON scalar)."""

OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_REGEX = re.compile(r"(?:\\[\x20-\x7e]|[A-Za-z0-9:_#=@/;, ^$?\[\]{}|*+.-])*", re.ASCII)
_UNKNOWN_ESCAPE = re.compile(r"\\(?![dDsSwWx\W])", re.ASCII)
_BAD_HEX = re.compile(r"\\x(?![0-9a-fA-F]{2})")


def invalid(message: str = "Invalid filter pattern") -> AwsError:
    """AWS's error of a pattern it does not understand."""
    return AwsError("InvalidParameterException", message)


def regex(text: str) -> re.Pattern[str]:
    """The expression between two percent signs, in the subset of AWS (no groups)."""
    plain = text.replace("\\\\", "")
    if not text or not _REGEX.fullmatch(text):
        raise invalid()
    if _UNKNOWN_ESCAPE.search(plain) or _BAD_HEX.search(plain):
        raise invalid()
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise invalid() from error


def number(text: str) -> float | None:
    """The number that a text is, or None."""
    return float(text) if _NUMBER.fullmatch(text) else None


def shown(value: Any) -> str | None:
    """A JSON scalar as text; None for null, arrays and objects, which no comparison holds of."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, int | float) else None


def _numeric(value: Any) -> float | None:
    if isinstance(value, str):
        return number(value)
    return None if value is None or isinstance(value, bool | list | dict) else float(value)


def _equal(wanted: str) -> Test:
    if "*" in wanted:
        match = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL).fullmatch

        def like(value: Any) -> bool:
            text = shown(value)
            return text is not None and match(text) is not None

        return like
    amount = number(wanted)

    def same(value: Any) -> bool:
        if value.__class__ is str:
            return bool(value == wanted)
        if amount is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) == amount
        return shown(value) == wanted

    return same


def _like(pattern: re.Pattern[str]) -> Test:
    def like(value: Any) -> bool:
        text = shown(value)
        return text is not None and pattern.search(text) is not None

    return like


def comparison(sign: str, wanted: str, *, is_regex: bool = False) -> Test:
    """The test that `<value> <sign> <wanted>` is."""
    if sign in _ORDER:
        amount = None if is_regex else number(wanted)
        if amount is None:
            raise invalid()
        compare = _ORDER[sign]

        def ordered(value: Any) -> bool:
            found = _numeric(value)
            return found is not None and bool(compare(found, amount))

        return ordered
    equal = _like(regex(wanted)) if is_regex else _equal(wanted)
    if sign == "=":
        return equal
    return lambda value: shown(value) is not None and not equal(value)
