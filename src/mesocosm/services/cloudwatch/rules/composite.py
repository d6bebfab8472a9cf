"""The rules of composite alarms: `ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA(c))`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

ALARMS_MAX = 100
DEPTH_MAX = 100


class BadRule(ValueError):
    """A rule that cannot be read."""


class Is(NamedTuple):
    """Whether an alarm (name or ARN) is in a state."""

    alarm: str
    state: str


class Always(NamedTuple):
    """TRUE or FALSE."""

    value: bool


class Not(NamedTuple):
    """The contrary."""

    of: Rule


class Every(NamedTuple):
    """All of them (AND)."""

    parts: tuple[Rule, ...]


class Some(NamedTuple):
    """One of them (OR)."""

    parts: tuple[Rule, ...]


class AtLeast(NamedTuple):
    """AT_LEAST(2, ALARM, (a, b, c)): so many of these are in that state (or NOT in it)."""

    least: int
    percent: bool
    state: str
    negated: bool
    alarms: tuple[str, ...]


Rule: TypeAlias = Is | Always | Not | Every | Some | AtLeast

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([(),])|([^\s(),"]+))')
STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")


def _tokens(text: str) -> list[tuple[str, bool]]:
    """Each token and whether it is plain (not in quotes)."""
    found = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadRule("unexpected character")
        quoted, sign, word = match.groups()
        if quoted is not None:
            found.append((re.sub(r"\\(.)", r"\1", quoted), False))
        else:
            found.append((sign or word, True))
        at = match.end()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at][1]:
            return self.tokens[self.at][0]
        return ""

    def take(self, wanted: str = "") -> str:
        if self.at >= len(self.tokens):
            raise BadRule("the rule ends unexpectedly")
        value, plain = self.tokens[self.at]
        if wanted and (value != wanted or not plain):
            raise BadRule(f"expected {wanted}")
        self.at += 1
        return value

    def either(self) -> Rule:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise BadRule("the rule is nested too deeply")
        parts = [self.both()]
        while self.peek().upper() == "OR":
            self.at += 1
            parts.append(self.both())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def both(self) -> Rule:
        parts = [self.one()]
        while self.peek().upper() == "AND":
            self.at += 1
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def one(self) -> Rule:
        negations = 0
        while self.peek().upper() == "NOT":
            self.at += 1
            negations += 1
        found = self.atom()
        return Not(found) if negations % 2 else found

    def atom(self) -> Rule:
        word = self.peek().upper()
        if word == "(":
            self.at += 1
            found = self.either()
            self.take(")")
            return found
        if word in ("TRUE", "FALSE"):
            self.at += 1
            return Always(word == "TRUE")
        if word == "AT_LEAST":
            self.at += 1
            return self.at_least()
        if word not in STATES:
            raise BadRule("expected ALARM, OK or INSUFFICIENT_DATA")
        self.at += 1
        self.take("(")
        alarm = self.name()
        self.take(")")
        return Is(alarm, word)

    def name(self) -> str:
        """A name; without quotes it may have blanks."""
        parts = [self.take()]
        if parts[0] in ("(", ")", ","):
            raise BadRule("expected the name of an alarm")
        while self.peek() not in ("", ")", ",", "("):
            parts.append(self.take())
        return " ".join(parts)

    def at_least(self) -> AtLeast:
        self.take("(")
        count = self.take()
        percent = count.endswith("%")
        if not re.fullmatch(r"\d{1,3}%?", count):
            raise BadRule("AT_LEAST begins with a number")
        self.take(",")
        negated = self.peek().upper() == "NOT"
        if negated:
            self.at += 1
        state = self.take().upper()
        if state not in STATES:
            raise BadRule("AT_LEAST names a state")
        self.take(",")
        self.take("(")
        alarms = [self.name()]
        while self.peek() == ",":
            self.at += 1
            alarms.append(self.name())
        self.take(")")
        self.take(")")
        return AtLeast(int(count.rstrip("%")), percent, state, negated, tuple(alarms))


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """The rule a text stands for. Raises BadRule."""
    reader = _Reader(text)
    rule = reader.either()
    if reader.at != len(reader.tokens):
        raise BadRule("unexpected end of a part")
    return rule


def alarms(rule: Rule) -> list[str]:
    """The alarms a rule names, each once."""
    if isinstance(rule, Is):
        found = [rule.alarm]
    elif isinstance(rule, AtLeast):
        found = list(rule.alarms)
    elif isinstance(rule, Not):
        found = alarms(rule.of)
    elif isinstance(rule, (Every, Some)):
        found = [name for part in rule.parts for name in alarms(part)]
    else:
        found = []
    return list(dict.fromkeys(found))


def holds(rule: Rule, state: Callable[[str], str]) -> bool:
    """Whether a rule is true, given the state of each alarm."""
    if isinstance(rule, Is):
        return state(rule.alarm) == rule.state
    if isinstance(rule, Always):
        return rule.value
    if isinstance(rule, Not):
        return not holds(rule.of, state)
    if isinstance(rule, Every):
        return all(holds(part, state) for part in rule.parts)
    if isinstance(rule, Some):
        return any(holds(part, state) for part in rule.parts)
    number = sum((state(name) == rule.state) != rule.negated for name in rule.alarms)
    if rule.percent:
        return number * 100 >= rule.least * len(rule.alarms)
    return number >= rule.least
