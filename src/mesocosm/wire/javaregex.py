"""Java's regular expressions, in which the models write patterns, as Python's.

The differences that occur: `\\p{...}` and POSIX classes, possessive spelling, `\\z`, intersections of classes. A pattern
that cannot be had in Python is not checked.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import cache

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
    for code in range(0x110000):
        if unicodedata.category(chr(code)).startswith(name) != negated:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    if not ranges:
        raise KeyError(name)
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)
