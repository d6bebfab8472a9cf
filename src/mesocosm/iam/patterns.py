"""Wildcards, ARN patterns and policy variables.

A *pattern* here is text in which `*` and `?` are wildcards and a backslash makes the next character
literal; that is how values put in for variables stay literal. Matching takes linear time per
wildcard: the regular expressions use atomic groups, so that no policy can make them backtrack.

Source: IAM user guide, "Resource" (wildcards within segments; an incomplete ARN is completed with
wildcards), "Variables and tags", "ARN condition operators" (six components checked separately).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from .context import Context

Mode = Literal["text", "resource", "arn"]
"""text: wildcards match anything. resource: of a Resource element. arn: of the Arn* operators."""

_SPECIAL = re.compile(r"([\\*?])")
_TOKEN = re.compile(r"\\.|[*?]|[^\\*?]+", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s']+)\s*,\s*'(.*)'\s*\Z", re.DOTALL)


def literal(text: str) -> str:
    """The pattern that matches exactly this text."""
    return _SPECIAL.sub(r"\\\1", text)


def glob(text: str) -> str:
    """The pattern for text as written in a policy, where `*` and `?` are wildcards."""
    return text.replace("\\", "\\\\")


def _never(_value: str) -> bool:
    return False


def _always(_value: str) -> bool:
    return True


@lru_cache(maxsize=8192)
def matcher(pattern: str, mode: Mode = "text") -> Callable[[str], bool]:
    """A test whether a whole value matches a pattern."""
    if pattern.strip("*") == "" and pattern:
        return _always
    if mode == "arn" and _colons(pattern) < 5:
        return _never
    plain = "\\" not in pattern and "?" not in pattern
    complete = mode == "text" or _colons(pattern) >= 5
    if plain and "*" not in pattern and complete:
        return pattern.__eq__
    if plain and pattern.find("*") == len(pattern) - 1 and (complete or mode == "resource"):
        prefix = pattern[:-1]
        return lambda value: value.startswith(prefix)
    test = re.compile(_regex(pattern, mode), re.DOTALL).fullmatch
    return lambda value: test(value) is not None


def _colons(pattern: str) -> int:
    return pattern.count(":")


def _regex(pattern: str, mode: Mode) -> str:
    if mode == "text":
        return _run(pattern, ".", ".")
    segments = pattern.split(":", 5)
    if len(segments) == 6:
        head = [_run(segment, "[^:]", "[^:]") for segment in segments[:5]]
        return ":".join([*head, _run(segments[5], ".", ".")])
    head = [_run(segment, "[^:]", "[^:]") for segment in segments[:-1]]
    if segments[-1].endswith("*") and not segments[-1].endswith("\\*"):
        return ":".join([*head, _run(segments[-1], "[^:]", ".")])
    missing = 6 - len(segments)
    return ":".join([*head, _run(segments[-1], "[^:]", "[^:]"), *["[^:]*"] * (missing - 1), ".*"])


def _run(segment: str, char: str, last: str) -> str:
    """The regular expression of one run; its last `*` matches any number of `last`."""
    chunks = [""]
    for token in _TOKEN.findall(segment):
        if token == "*":
            chunks.append("")
        elif token == "?":
            chunks[-1] += char
        else:
            chunks[-1] += re.escape(token[1:] if token[0] == "\\" else token)
    if len(chunks) == 1:
        return chunks[0]
    middle = "".join(f"(?>{char}*?{chunk})" for chunk in chunks[1:-1] if chunk)
    return f"{chunks[0]}{middle}{last}*{chunks[-1]}"


class Variable(NamedTuple):
    """`${key, 'default'}` in a policy; the key in lower case."""

    key: str
    default: str | None


class Template(NamedTuple):
    """Text of a policy with variables in it: pieces of pattern and `Variable`s."""

    parts: tuple[str | Variable, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(part.key for part in self.parts if isinstance(part, Variable))

    def resolve(self, context: Context) -> str | None:
        """The pattern with values in place of the variables; None if one has neither value nor
        default."""
        pieces = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = context[part.key]
            if value is not None and not isinstance(value, str):
                # A variable needs one value; a multivalued key has no single one.
                value = value[0] if len(value) == 1 else None
            if value is None:
                value = part.default
            if value is None:
                return None
            pieces.append(literal(value))
        return "".join(pieces)


def template(text: str, *, wildcards: bool) -> str | Template:
    """Text of a policy of version 2012-10-17 as a pattern, or as a Template if it has variables.

    `wildcards` says whether `*` and `?` in the text are wildcards (they are not in StringEquals).
    """
    plain = glob if wildcards else literal
    parts: list[str | Variable] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        part = _part(found[1])
        if part is None:
            continue
        parts += [plain(text[end : found.start()]), part]
        end = found.end()
    parts.append(plain(text[end:]))
    if any(isinstance(part, Variable) for part in parts):
        return Template(tuple(part for part in parts if part != ""))
    return "".join(part for part in parts if isinstance(part, str))


def _part(body: str) -> str | Variable | None:
    if body in ("*", "?", "$"):
        return literal(body)
    found = _DEFAULT.match(body)
    if found is not None:
        return Variable(found[1].lower(), found[2])
    key = body.strip()
    return Variable(key.lower(), None) if key and "," not in key else None


def resource_template(text: str) -> str | Template:
    """As `template`, for a Resource element: variables count only after the fifth colon."""
    segments = text.split(":", 5)
    if len(segments) < 6 or "${" not in segments[5]:
        return glob(text)
    rest = template(segments[5], wildcards=True)
    head = glob(":".join(segments[:5]) + ":")
    if isinstance(rest, str):
        return head + rest
    return Template((head, *rest.parts))
