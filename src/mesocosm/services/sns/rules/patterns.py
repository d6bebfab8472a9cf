"""The patterns of filter policies: what stands in the array of a key.

The sentences are those of the rule language SNS shares with EventBridge (its compiler is public,
github.com/aws/event-ruler, RuleCompiler). Values are JSON's: text, numbers, true, false, null.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[Any], bool]
"""Whether one value is what a pattern means."""

NUMBER_MAX = 1_000_000_000
WILDCARDS_MAX = 3
OPERATORS = frozenset(
    {
        "anything-but",
        "cidr",
        "equals-ignore-case",
        "exists",
        "numeric",
        "prefix",
        "suffix",
        "wildcard",
    }
)


class BadPattern(Exception):
    """A pattern that is none; the text is AWS's sentence."""


def is_number(value: object) -> bool:
    """Whether a JSON value is a number (true and false are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> int | None:
    """A number as it is compared, in hundred thousandths: five digits after the point, from minus
    to plus one billion. None for what is no such number.
    """
    if not is_number(value) or not -NUMBER_MAX <= value <= NUMBER_MAX:
        return None
    scaled: int = round(value * 100_000)
    return scaled


class Pattern:
    """A pattern: a test of a value that is there, and how much of a wildcard it is.

    `absent`: it means keys that are not there; `test` is then never asked.
    """

    __slots__ = ("absent", "test", "wildcards")

    def __init__(self, test: Test, *, absent: bool = False, wildcards: int = 0) -> None:
        self.test = test
        self.absent = absent
        self.wildcards = wildcards


def pattern(given: Any) -> Pattern:
    """The pattern that an element of an array is. Raises BadPattern."""
    if isinstance(given, dict):
        return _expression(given)
    if isinstance(given, list):
        raise BadPattern("Match value must be String, number, true, false, or null")
    return Pattern(_equal(given))


def _equal(given: Any) -> Test:
    """Exactly this value: 1 is no true, and "1" no number."""
    if is_number(given):
        wanted = number(given)
        if wanted is None:
            return lambda value: is_number(value) and value == given
        return lambda value: number(value) == wanted
    return lambda value: value is given if given is None else _same(value, given)


def _same(value: Any, given: Any) -> bool:
    return value.__class__ is given.__class__ and bool(value == given)


def _expression(given: dict[str, Any]) -> Pattern:
    if not given:
        raise BadPattern("Match expression name not found")
    name, value = next(iter(given.items()))
    if name not in OPERATORS:
        raise BadPattern(f"Unrecognized match type {name}")
    found = _MAKERS[name](value)
    if len(given) > 1:
        if name == "numeric" or (name == "anything-but" and not isinstance(value, dict)):
            raise BadPattern("Too many elements in numeric expression")
        raise BadPattern("Only one key allowed in match expression")
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadPattern(f"{name} match pattern must be a string")
    return value


def _prefix(value: Any) -> Pattern:
    prefix = _text("prefix", value)
    return Pattern(lambda found: isinstance(found, str) and found.startswith(prefix))


def _suffix(value: Any) -> Pattern:
    suffix = _text("suffix", value)
    return Pattern(lambda found: isinstance(found, str) and found.endswith(suffix))


def _ignoring_case(value: Any) -> Pattern:
    wanted = _text("equals-ignore-case", value).lower()
    return Pattern(lambda found: isinstance(found, str) and found.lower() == wanted)


def _exists(value: Any) -> Pattern:
    if not isinstance(value, bool):
        raise BadPattern("exists match pattern must be either true or false.")
    return Pattern(lambda _: value, absent=not value)


def _cidr(value: Any) -> Pattern:
    if not isinstance(value, str):
        raise BadPattern("prefix match pattern must be a string")
    if value.count("/") != 1:
        raise BadPattern("Malformed CIDR, one '/' required")
    address, _, mask = value.partition("/")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise BadPattern(f"Nonstandard IP address: {address}") from None
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise BadPattern(f"Malformed CIDR, mask bits must be an integer: {mask}") from None
    return Pattern(lambda found: _within(found, network))


def _within(found: Any, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return isinstance(found, str) and ipaddress.ip_address(found) in network
    except ValueError:
        return False


# -- wildcards -----------------------------------------------------------------------------


def _wildcard(value: Any) -> Pattern:
    expression, stars = wildcard(_text("wildcard", value))
    return Pattern(
        lambda found: isinstance(found, str) and expression.fullmatch(found) is not None,
        wildcards=stars,
    )


def wildcard(text: str) -> tuple[re.Pattern[str], int]:
    r"""A wildcard pattern as a regular expression, and how many `*` it has; `\*` and `\\` stand
    for themselves. Raises BadPattern.
    """
    parts: list[str] = []
    stars = 0
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            following = text[position + 1 : position + 2]
            if following not in ("*", "\\"):
                raise BadPattern(f"Invalid escape character at pos {position}")
            parts.append(re.escape(following))
            position += 2
            continue
        if letter == "*":
            if text[position + 1 : position + 2] == "*":
                raise BadPattern(f"Consecutive wildcard characters at pos {position}")
            stars += 1
            parts.append(".*")
        else:
            parts.append(re.escape(letter))
        position += 1
    if stars > WILDCARDS_MAX:
        raise BadPattern(f"Wildcard pattern can have at most {WILDCARDS_MAX} wildcards")
    return re.compile("".join(parts), re.DOTALL), stars


# -- numbers -------------------------------------------------------------------------------


def _numeric(value: Any) -> Pattern:
    if not isinstance(value, list):
        raise BadPattern("Value of numeric must be an array.")
    if not value or not isinstance(value[0], str):
        raise BadPattern(f"Invalid member in numeric match: {_shown(value)}")
    operator = value[0]
    if operator not in ("=", "<", "<=", ">", ">="):
        raise BadPattern(f"Unrecognized numeric range operator: {operator}")
    first = _bound("equals" if operator == "=" else operator, value[1:2])
    if operator == "=":
        _no_more(value)
        return Pattern(lambda found: number(found) == first)
    if operator in ("<", "<="):
        _no_more(value)
        return Pattern(_range(None, False, first, operator == "<="))
    if len(value) == 2:
        return Pattern(_range(first, operator == ">=", None, False))
    return Pattern(_range(first, operator == ">=", *_top(value, first)))


def _top(value: list[Any], bottom: int) -> tuple[int, bool]:
    operator = value[2]
    if not isinstance(operator, str):
        raise BadPattern(f"Bad value in numeric range: {operator}")
    if operator not in ("<", "<="):
        raise BadPattern(f"Bad numeric range operator: {operator}")
    top = _bound(operator, value[3:4])
    if len(value) > 4:
        raise BadPattern("Too many terms in numeric range expression")
    if bottom >= top:
        raise BadPattern("Bottom must be less than top")
    return top, operator == "<="


def _shown(value: list[Any]) -> str:
    return str(value[0]) if value else "]"


def _no_more(value: list[Any]) -> None:
    if len(value) > 2:
        raise BadPattern("Too many elements in numeric expression")


def _bound(operator: str, given: list[Any]) -> int:
    if not given or not is_number(given[0]):
        raise BadPattern(f"Value of {operator} must be numeric")
    found = number(given[0])
    if found is None:
        raise BadPattern(f"Value must be between -1.0E9 and 1.0E9, inclusive: {given[0]}")
    return found


def _range(low: int | None, with_low: bool, high: int | None, with_high: bool) -> Test:
    def within(value: Any) -> bool:
        found = number(value)
        if found is None:
            return False
        if low is not None and not (found >= low if with_low else found > low):
            return False
        return high is None or (found <= high if with_high else found < high)

    return within


# -- anything but --------------------------------------------------------------------------


def _anything_but(value: Any) -> Pattern:
    if isinstance(value, dict):
        return _anything_but_like(value)
    if isinstance(value, list):
        for one in value:
            if not isinstance(one, str) and not is_number(one):
                raise BadPattern("Inside anything but list, start|null|boolean is not supported.")
        kinds = {isinstance(one, str) for one in value}
        if len(kinds) != 1:
            raise BadPattern(
                "Inside anything but list, either all values are number or string, mixed type is "
                "not supported"
            )
    elif not isinstance(value, str) and not is_number(value):
        raise BadPattern("Value of anything-but must be an array or single string/number value.")
    excluded = [_equal(one) for one in (value if isinstance(value, list) else [value])]
    return Pattern(lambda found: not any(test(found) for test in excluded))


def _anything_but_like(value: dict[str, Any]) -> Pattern:
    if not value:
        raise BadPattern("Anything-But expression name not found")
    name, wanted = next(iter(value.items()))
    if name not in ("prefix", "suffix", "wildcard"):
        raise BadPattern(f"Unsupported anything-but pattern: {name}")
    texts = wanted if isinstance(wanted, list) else [wanted]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise BadPattern(
            "wildcard match pattern must be a string"
            if name == "wildcard"
            else "prefix/suffix match pattern must be a string"
        )
    if name != "wildcard" and "" in texts:
        raise BadPattern("Null prefix/suffix not allowed")
    if len(value) > 1:
        raise BadPattern("Only one key allowed in match expression")
    excluded = [_MAKERS[name](text) for text in texts]
    return Pattern(
        lambda found: not any(one.test(found) for one in excluded),
        wildcards=sum(one.wildcards for one in excluded),
    )


_MAKERS: dict[str, Callable[[Any], Pattern]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _ignoring_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
