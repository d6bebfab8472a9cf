"""Java's regular expressions, in which the models write patterns, as Python's.

The differences that occur: `\\p{...}` and POSIX classes, possessive spelling, `\\z`, intersections
of classes. A pattern that cannot be had in Python is not checked.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import cache

from mesocosm.wire import models

_POSIX = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
    "ASCII": r"\x00-\x7f",
}

_CLASS = re.compile(r"\\([pP])(?:\{(\^?)(?:Is|general_category=|gc=)?([A-Za-z_]+)\}|([A-Z]))")

_SURROGATES = re.compile(r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")


@cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern compiled for Python, None when it cannot be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(_translated(pattern), re.ASCII)
    except (re.error, FutureWarning, DeprecationWarning, KeyError, OverflowError, RecursionError):
        return None


def _translated(pattern: str) -> str:
    parts: list[str] = []
    depth = 0
    at = 0
    while at < len(pattern):
        here = pattern[at]
        if here == "\\" and at + 1 < len(pattern):
            pair = _SURROGATES.match(pattern, at)
            if pair is not None:
                # Java's source is UTF-16: two escapes are one character.
                high, low = int(pair.group(1), 16), int(pair.group(2), 16)
                parts.append(f"\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08x}")
                at = pair.end()
                continue
            found = _CLASS.match(pattern, at)
            if found is not None:
                parts.append(_class(found, depth > 0))
                at = found.end()
                continue
            escape = pattern[at : at + 2]
            parts.append({"\\z": r"\Z", "\\h": r"[ \t\xa0]", "\\/": "/"}.get(escape, escape))
            at += 2
            continue
        if here == "[":
            if depth:
                # Inside a class: a union in Java, a plain bracket in the models that mean one.
                parts.append(r"\[")
                at += 1
                continue
            depth = 1
            parts.append(here)
            if pattern[at + 1 : at + 2] == "^":
                parts.append("^")
                at += 1
        elif here == "]" and depth:
            depth = 0
            parts.append(here)
        elif depth and here == "&" and pattern[at : at + 2] == "&&":
            raise KeyError("intersection of classes")
        else:
            parts.append(here)
        at += 1
    return "".join(parts)


def _class(found: re.Match[str], inside: bool) -> str:
    negated = (found.group(1) == "P") != bool(found.group(2))
    name = found.group(3) or found.group(4)
    ranges = _POSIX.get(name) or _category(name)
    if not inside:
        return f"[{'^' if negated else ''}{ranges}]"
    if not negated:
        return ranges
    return _category(name, negated=True)


@cache
def _category(name: str, negated: bool = False) -> str:
    """The characters of a Unicode general category, as ranges inside brackets; raises KeyError."""
    name = {"Alphabetic": "L", "Letter": "L", "White_Space": "Z", "Number": "N"}.get(name, name)
    if len(name) > 2:
        raise KeyError(name)
    ranges: list[tuple[int, int]] = []
    for first, last, category in _runs():
        if category.startswith(name) == negated:
            continue
        if ranges and ranges[-1][1] == first - 1:
            first = ranges.pop()[0]
        ranges.append((first, last))
    if not ranges:
        raise KeyError(name)
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)


@cache
def _runs() -> list[tuple[int, int, str]]:
    """The general category of every character, as runs (first, last, category)."""
    found: list[tuple[int, int, str]] | None = models.cached("categories")
    if found is None:
        found = []
        start, before = 0, unicodedata.category("\0")
        for code in range(1, 0x110000):
            category = unicodedata.category(chr(code))
            if category != before:
                found.append((start, code - 1, before))
                start, before = code, category
        found.append((start, 0x10FFFF, before))
        models.keep("categories", found)
    return found
