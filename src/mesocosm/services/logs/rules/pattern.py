"""Filter patterns: which log events they match, and what values they find in them.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail" (CloudWatch Logs user guide).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mesocosm.services.logs.rules.documents import (
    document,
    parse_document,
    path_of,
    text_at,
)
from mesocosm.services.logs.rules.fields import bind, parse_fields
from mesocosm.services.logs.rules.operands import invalid, regex
from mesocosm.services.logs.rules.scanner import Scanner

REGEXES_MAX = 2

_TERM = re.compile(r"[^\s\"%]+")
_WORD = re.compile(r"\w+")
_ESCAPE = b"\\u"

Raw = Callable[[bytes], bool]


class Pattern:
    """A filter pattern, ready to be asked.

    `matches(message)`; `found(message)`: the values its fields or selectors have, or None when it
    does not match; `where(raw)`: whether bytes that hold many messages may hold one that matches;
    `regexes`: how many expressions it has.
    """

    def __init__(
        self,
        matches: Callable[[str], bool],
        found: Callable[[str], dict[str, str] | None],
        where: Raw | None = None,
        regexes: int = 0,
        *,
        everything: bool = False,
    ) -> None:
        self.matches = matches
        self.found = found
        self.where = where
        self.regexes = regexes
        self.everything = everything


@lru_cache(maxsize=1024)
def parse(text: str) -> Pattern:
    """Read a filter pattern. Raises `InvalidParameterException`."""
    stripped = text.strip()
    scanner = Scanner(stripped)
    if not stripped:
        return _everything()
    if stripped.startswith("{"):
        made = _document(scanner)
    elif stripped.startswith("["):
        made = _fields(scanner)
    else:
        made = _terms(scanner)
    made.regexes = scanner.regexes
    if made.regexes > REGEXES_MAX:
        raise invalid()
    return made


def _everything() -> Pattern:
    return Pattern(lambda message: True, lambda message: {}, everything=True)


def _fields(scanner: Scanner) -> Pattern:
    layout = parse_fields(scanner)
    return Pattern(
        lambda message: bind(layout, message) is not None, lambda message: bind(layout, message)
    )


def _document(scanner: Scanner) -> Pattern:
    condition, selectors = parse_document(scanner)
    test = condition.test
    needles = [needle.encode() for needle in condition.needles]

    def matches(message: str) -> bool:
        value = document(message)
        return value is not None and test(value)

    def found(message: str) -> dict[str, str] | None:
        value = document(message)
        if value is None or not test(value):
            return None
        texts = {name: text_at(value, path) for name, path in selectors.items()}
        return {name: text for name, text in texts.items() if text is not None}

    def where(raw: bytes) -> bool:
        # An event may write any character as \uXXXX: then nothing can be said beforehand.
        return all(needle in raw for needle in needles) or _ESCAPE in raw

    return Pattern(matches, found, where if needles else None)


def _terms(scanner: Scanner) -> Pattern:
    required: list[str | re.Pattern[str]] = []
    optional: list[str | re.Pattern[str]] = []
    excluded: list[str | re.Pattern[str]] = []
    while not scanner.ended:
        kind = required
        if scanner.take("?"):
            kind = optional
        elif scanner.take("-"):
            kind = excluded
        expression = scanner.percent()
        if expression is not None:
            kind.append(regex(expression))
            continue
        phrase = scanner.quoted()
        if phrase is None:
            term = scanner.match(_TERM)
            if term is None:
                raise invalid()
            phrase = term[0]
            if not _WORD.fullmatch(phrase):
                raise invalid(f"Invalid character(s) in term '{phrase}'")
        if phrase.strip():
            kind.append(phrase)
    if required or excluded:
        optional = []  # "If you combine ? with other filter patterns, all ? terms are ignored"
    if not required and not excluded and not optional:
        return _everything()
    return _searching(required, optional, excluded)


def _searching(required: list[Any], optional: list[Any], excluded: list[Any]) -> Pattern:
    all_of, any_of, none_of = (
        [_contains(term) for term in terms] for terms in (required, optional, excluded)
    )

    def matches(message: str) -> bool:
        return (
            all(test(message) for test in all_of)
            and not any(test(message) for test in none_of)
            and (not any_of or any(test(message) for test in any_of))
        )

    where: Raw | None = None
    needles = [term.encode() for term in required if isinstance(term, str)]
    if needles:
        where = _all_in(needles)
    elif optional and all(isinstance(term, str) for term in optional):
        where = _any_in([term.encode() for term in optional])
    return Pattern(matches, lambda message: {} if matches(message) else None, where)


def _contains(term: str | re.Pattern[str]) -> Callable[[str], bool]:
    if isinstance(term, str):
        return lambda message: term in message
    search = term.search
    return lambda message: search(message) is not None


def _all_in(needles: list[bytes]) -> Raw:
    if len(needles) == 1:
        [needle] = needles
        return lambda raw: needle in raw
    return lambda raw: all(needle in raw for needle in needles)


def _any_in(needles: list[bytes]) -> Raw:
    return lambda raw: any(needle in raw for needle in needles)


def value_in(message: str, found: dict[str, str], name: str) -> str | None:
    """What `$name` or `$.path` stands for in an event that matched (`found`: its fields)."""
    if name in found:
        return found[name]
    if not name.startswith(("$.", "$[")):
        return None
    value = document(message)
    return None if value is None else text_at(value, path_of(name))
