"""Reads the parts that JSON and space-delimited filter patterns share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from mesocosm.services.logs.rules.operands import OPERATORS, Test, comparison, invalid

T = TypeVar("T")

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PERCENT = re.compile(r"%((?:[^%\\]|\\.)*)%", re.DOTALL)


class Scanner:
    """A position in a pattern's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.regexes = 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, literal: str) -> bool:
        """Whether the literal comes next; then it is passed over."""
        self.skip()
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What comes next, when it is of a pattern; then it is passed over."""
        self.skip()
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    @property
    def ended(self) -> bool:
        self.skip()
        return self.at >= len(self.text)

    def quoted(self) -> str | None:
        """A text in double quotes."""
        found = self.match(_QUOTED)
        return None if found is None else _ESCAPED.sub(r"\1", found[1])

    def percent(self) -> str | None:
        """What stands between two percent signs."""
        found = self.match(_PERCENT)
        if found is None:
            return None
        self.regexes += 1
        return found[1]

    def compared(self, bare: re.Pattern[str]) -> tuple[str, str, Test]:
        """An operator and a value: the sign, the text ("" of a regular expression), the test."""
        sign = next((one for one in OPERATORS if self.take(one)), None)
        if sign is None:
            raise invalid()
        expression = self.percent()
        if expression is not None:
            return sign, "", comparison(sign, expression, is_regex=True)
        wanted = self.quoted()
        if wanted is None:
            found = self.match(bare)
            if found is None:
                raise invalid()
            wanted = found[0].rstrip()
        return sign, wanted, comparison(sign, wanted)


def either(
    scanner: Scanner,
    part: Callable[[], T],
    both: Callable[[list[T]], T],
    one_of: Callable[[list[T]], T],
) -> T:
    """Parts joined by `&&` and `||`, in parentheses or not: () before && before ||."""

    def single() -> T:
        if scanner.take("("):
            inner = either(scanner, part, both, one_of)
            if not scanner.take(")"):
                raise invalid()
            return inner
        return part()

    def joined() -> T:
        found = [single()]
        while scanner.take("&&"):
            found.append(single())
        return found[0] if len(found) == 1 else both(found)

    found = [joined()]
    while scanner.take("||"):
        found.append(joined())
    return found[0] if len(found) == 1 else one_of(found)
