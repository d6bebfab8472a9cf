"""The part of jq that finds partition keys in a record: expressions with one value each.

Paths (`.a.b`, `.["a"]`, `.[0]`, `.[1:3]`), literals, strings with `\\(...)`, objects, arrays, `|`,
`//`, `and`, `or`, comparisons, arithmetic, `if ... then ... else ... end`, and the functions below.
What makes several values (`.[]`, `,`, `range`) and what may not end is left out: a query runs where
it may not stop the cloud. Source: jq 1.6 manual.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

Program: TypeAlias = Callable[[Any], Any]

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<field>\.[A-Za-z_]\w*)|(?P<name>@?[A-Za-z_]\w*)|(?P<quote>")
    |(?P<sign>//|==|!=|<=|>=|[.|<>+\-*/%(){}\[\]:,;?]))""",
    re.X,
)
DEPTH = 50
LENGTH = 4_096
PARTS = 200_000
SIZE = 4 << 20
"""How large a value may become: parts of objects and arrays, characters of a string."""


class JqError(ValueError):
    """A query that cannot be read, or a value it cannot be made of."""


def _seconds(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JqError("strftime/1 requires a number of seconds")
    return datetime.fromtimestamp(value, UTC)


def _text(value: Any, function: str) -> str:
    if not isinstance(value, str):
        raise JqError(f"{function} requires a string")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise JqError(f"{value} cannot be parsed as a number") from None
    return value


def _bounded(value: Any) -> Any:
    """The value, if it is small: the parts of what a query made may be the same value many times
    over, so that it is far larger than the memory it takes.
    """
    left, waiting = PARTS, [value]
    while waiting:
        one = waiting.pop()
        parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        left -= 1 + len(parts)
        if left < 0 or (isinstance(one, str) and len(one) > SIZE):
            raise JqError("the value is too large")
        waiting.extend(parts)
    return value


def _dumps(value: Any) -> str:
    return json.dumps(_bounded(value), separators=(",", ":"))


def _show(value: Any) -> str:
    return value if isinstance(value, str) else _dumps(value)


def _date(value: Any) -> float:
    try:
        return datetime.fromisoformat(_text(value, "fromdate")).timestamp()
    except ValueError:
        raise JqError(f'date "{value}" does not match format "%Y-%m-%dT%H:%M:%SZ"') from None


def _parsed(value: Any, form: Any) -> float:
    try:
        found = datetime.strptime(_text(value, "strptime/1"), _text(form, "strptime/1"))
    except ValueError as error:
        raise JqError(str(error)) from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _loads(value: Any) -> Any:
    try:
        return json.loads(_text(value, "fromjson"))
    except ValueError:
        raise JqError(f"{value} is not valid JSON") from None


def _join(value: Any, between: Any) -> str:
    parts = ["" if one is None else _show(one) for one in value]
    if sum(map(len, parts)) + len(parts) * len(_text(between, "join")) > SIZE:
        raise JqError("the value is too large")
    return str(between).join(parts)


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
FUNCTIONS: dict[tuple[str, int], Callable[..., Any]] = {
    ("ascii_downcase", 0): lambda v: _text(v, "ascii_downcase").lower(),
    ("ascii_upcase", 0): lambda v: _text(v, "ascii_upcase").upper(),
    ("contains", 1): lambda v, part: _text(part, "contains") in _text(v, "contains"),
    ("endswith", 1): lambda v, end: _text(v, "endswith").endswith(end),
    ("floor", 0): lambda v: math.floor(v),
    ("fromdate", 0): _date,
    ("fromdateiso8601", 0): _date,
    ("fromjson", 0): _loads,
    ("has", 1): lambda v, key: key in v if isinstance(v, dict) else 0 <= key < len(v),
    ("join", 1): _join,
    ("keys", 0): lambda v: sorted(v) if isinstance(v, dict) else list(range(len(v))),
    ("length", 0): lambda v: 0 if v is None else abs(v) if isinstance(v, int | float) else len(v),
    ("ltrimstr", 1): lambda v, start: v.removeprefix(start) if isinstance(v, str) else v,
    ("mktime", 0): lambda v: math.floor(v),
    ("not", 0): lambda v: v is None or v is False,
    ("round", 0): lambda v: math.floor(v + 0.5),
    ("rtrimstr", 1): lambda v, end: v.removesuffix(end) if isinstance(v, str) else v,
    ("split", 1): lambda v, by: _text(v, "split").split(by),
    ("startswith", 1): lambda v, start: _text(v, "startswith").startswith(start),
    ("strftime", 1): lambda v, form: _seconds(v).strftime(_text(form, "strftime/1")),
    ("strptime", 1): _parsed,
    ("todate", 0): lambda v: _seconds(v).strftime("%Y-%m-%dT%H:%M:%SZ"),
    ("todateiso8601", 0): lambda v: _seconds(v).strftime("%Y-%m-%dT%H:%M:%SZ"),
    ("tojson", 0): _dumps,
    ("tonumber", 0): _number,
    ("tostring", 0): _show,
    ("type", 0): lambda v: _KINDS.get(type(v), "object"),
}

_CONSTANTS = {"null": None, "true": True, "false": False}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: _bounded(a) == _bounded(b),
    "!=": lambda a, b: _bounded(a) != _bounded(b),
    "<": lambda a, b: _bounded(a) < _bounded(b),
    "<=": lambda a, b: _bounded(a) <= _bounded(b),
    ">": lambda a, b: _bounded(a) > _bounded(b),
    ">=": lambda a, b: _bounded(a) >= _bounded(b),
}


def _add(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, dict) and isinstance(b, dict):
        return {**a, **b}
    if isinstance(a, str | list) and isinstance(b, str | list) and len(a) + len(b) > SIZE:
        raise JqError("the value is too large")
    return a + b


def _times(a: Any, b: Any) -> Any:
    if not isinstance(a, int | float) or not isinstance(b, int | float):
        raise JqError("only numbers can be multiplied here")
    return float(a) * float(b) if abs(a) > 2**53 or abs(b) > 2**53 else a * b


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": lambda a, b: a - b,
    "*": _times,
    "/": lambda a, b: a.split(b) if isinstance(a, str) else a / b,
    "%": lambda a, b: math.fmod(int(a), int(b)),
}


@lru_cache(maxsize=256)
def compiled(text: str) -> Program:
    """A query as a function of a JSON value. Raises JqError: at once for what cannot be read, from
    the function for what it cannot be done to.
    """
    if len(text) > LENGTH:
        raise JqError(f"a query has at most {LENGTH} characters")
    reader = _Reader(text)
    program = reader.pipe()
    if reader.kind:
        raise JqError(f"syntax error, unexpected {reader.token} at {reader.at}")

    def run(value: Any) -> Any:
        try:
            return program(value)
        except JqError:
            raise
        except (TypeError, ValueError, AttributeError, ArithmeticError, KeyError) as error:
            raise JqError(f"the query cannot be applied: {error}") from None

    return run


class _Reader:
    """Reads a query by recursive descent; one token ahead."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> str:
        """Take the token; read the next."""
        taken = self.token
        found = TOKEN.match(self.text, self.at)
        if found is None:
            if self.text[self.at :].strip():
                raise JqError(f"syntax error at {self.text[self.at :].strip()[:20]}")
            self.kind = self.token = ""
            return taken
        self.kind = found.lastgroup or ""
        self.token = found[self.kind]
        self.at = found.end()
        return taken

    def takes(self, *tokens: str) -> bool:
        """Take a token if it is one of these."""
        if self.kind in ("sign", "name") and self.token in tokens:
            self.advance()
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.takes(token):
            raise JqError(f"syntax error, expected {token} before {self.token or 'the end'}")

    def pipe(self) -> Program:
        self.depth += 1
        if self.depth > DEPTH:
            raise JqError("the query is nested too deeply")
        left = self.otherwise()
        if self.takes("|"):
            first, then = left, self.pipe()
            self.depth -= 1
            return lambda value: then(first(value))
        self.depth -= 1
        return left

    def otherwise(self) -> Program:
        left = self.either()
        if not self.takes("//"):
            return left
        right = self.otherwise()

        def chosen(value: Any) -> Any:
            try:
                found = left(value)
            except (JqError, TypeError, ValueError, AttributeError, KeyError):
                found = None
            return right(value) if found is None or found is False else found

        return chosen

    def either(self) -> Program:
        left = self.both()
        while self.takes("or"):
            left = _logic(left, self.both(), any)
        return left

    def both(self) -> Program:
        left = self.compared()
        while self.takes("and"):
            left = _logic(left, self.compared(), all)
        return left

    def compared(self) -> Program:
        left = self.sum()
        if self.kind == "sign" and self.token in _COMPARE:
            return _binary(left, _COMPARE[self.advance()], self.sum())
        return left

    def sum(self) -> Program:
        left = self.product()
        while self.kind == "sign" and self.token in "+-":
            left = _binary(left, _ARITHMETIC[self.advance()], self.product())
        return left

    def product(self) -> Program:
        left = self.postfix()
        while self.kind == "sign" and self.token in "*/%":
            left = _binary(left, _ARITHMETIC[self.advance()], self.postfix())
        return left

    def postfix(self) -> Program:
        found = self.term()
        while True:
            if self.kind == "field":
                found = _index(found, _constant(self.advance()[1:]))
            elif self.takes("["):
                found = self.bracket(found)
            elif self.takes("?"):
                found = _optional(found)
            elif self.kind == "sign" and self.token == ".":
                self.advance()
            else:
                return found

    def bracket(self, of: Program) -> Program:
        if self.token == "]":
            raise JqError(".[] is not supported: a partition key has one value")
        start = None if self.token == ":" else self.pipe()
        if self.takes(":"):
            end = None if self.token == "]" else self.pipe()
            self.expect("]")
            return _slice(of, start, end)
        self.expect("]")
        assert start is not None
        return _index(of, start)

    def term(self) -> Program:
        kind, token = self.kind, self.token
        if kind == "number":
            self.advance()
            return _constant(json.loads(token))
        if kind == "quote":
            return self.string()
        if kind == "field":
            self.advance()
            return _index(lambda value: value, _constant(token[1:]))
        if kind == "name":
            return self.named(self.advance())
        if self.takes("("):
            found = self.pipe()
            self.expect(")")
            return found
        if self.takes("{"):
            return self.object()
        if self.takes("["):
            return self.array()
        if self.takes("-"):
            negated = self.postfix()
            return lambda value: -negated(value)
        if kind == "sign" and token == ".":
            self.advance()
            if self.kind == "quote":
                return _index(lambda value: value, self.string())
            return lambda value: value
        raise JqError(f"syntax error, unexpected {token or 'end'}")

    def named(self, name: str) -> Program:
        if name in _CONSTANTS:
            return _constant(_CONSTANTS[name])
        if name == "if":
            return self.condition()
        arguments: list[Program] = []
        if self.takes("("):
            arguments.append(self.pipe())
            while self.takes(";"):
                arguments.append(self.pipe())
            self.expect(")")
        function = FUNCTIONS.get((name, len(arguments)))
        if function is None:
            raise JqError(f"{name}/{len(arguments)} is not defined, or not supported here")
        return lambda value: function(value, *(argument(value) for argument in arguments))

    def condition(self) -> Program:
        test = self.pipe()
        self.expect("then")
        yes = self.pipe()
        if self.takes("elif"):
            no = self.condition()
        else:
            self.expect("else")
            no = self.pipe()
            self.expect("end")
        return lambda value: yes(value) if test(value) not in (None, False) else no(value)

    def array(self) -> Program:
        if self.takes("]"):
            return lambda value: []
        items = [self.pipe()]
        while self.takes(","):
            items.append(self.pipe())
        self.expect("]")
        return lambda value: [item(value) for item in items]

    def object(self) -> Program:
        members: list[tuple[Program, Program]] = []
        while not self.takes("}"):
            if members:
                self.expect(",")
            members.append(self.member())
        return lambda value: {_text(key(value), "object key"): item(value) for key, item in members}

    def member(self) -> tuple[Program, Program]:
        if self.kind == "quote":
            key = self.string()
        elif self.takes("("):
            key = self.pipe()
            self.expect(")")
        elif self.kind == "name":
            key = _constant(self.advance())
        else:
            raise JqError(f"syntax error, unexpected {self.token} as a key")
        if self.takes(":"):
            return key, self.pipe()
        return key, _index(lambda value: value, key)

    def string(self) -> Program:
        """A string whose opening quote was read: its parts, some of them interpolated."""
        parts: list[Program] = []
        start = self.at
        while True:
            end = self.at
            while end < len(self.text) and self.text[end] not in '"\\':
                end += 1
            if end >= len(self.text):
                raise JqError("syntax error, a string does not end")
            if self.text[end] == '"' or self.text.startswith("\\(", end):
                parts.append(_constant(_unquoted(self.text[start:end])))
            if self.text[end] == '"':
                self.at = end + 1
                self.advance()
                return _joined(parts)
            self.at = end + 2
            if self.text.startswith("\\(", end):
                self.advance()
                parts.append(_shown(self.pipe()))
                if self.token != ")":
                    raise JqError("syntax error, expected )")
                start = self.at


def _unquoted(text: str) -> str:
    try:
        found: str = json.loads(f'"{text}"')
    except ValueError:
        raise JqError(f"invalid string: {text}") from None
    return found


def _constant(value: Any) -> Program:
    return lambda _: value


def _shown(part: Program) -> Program:
    return lambda value: _show(part(value))


def _joined(parts: list[Program]) -> Program:
    if len(parts) == 1:
        return parts[0]

    def joined(value: Any) -> str:
        found = [part(value) for part in parts]
        if sum(map(len, found)) > SIZE:
            raise JqError("the value is too large")
        return "".join(found)

    return joined


def _optional(part: Program) -> Program:
    def found(value: Any) -> Any:
        try:
            return part(value)
        except (JqError, TypeError, ValueError, AttributeError, KeyError):
            return None

    return found


def _logic(left: Program, right: Program, together: Callable[[list[bool]], bool]) -> Program:
    return lambda value: together([part(value) not in (None, False) for part in (left, right)])


def _binary(left: Program, sign: Callable[[Any, Any], Any], right: Program) -> Program:
    return lambda value: sign(left(value), right(value))


def _index(of: Program, by: Program) -> Program:
    def found(value: Any) -> Any:
        base, key = of(value), by(value)
        if base is None:
            return None
        if isinstance(base, dict) and isinstance(key, str):
            return base.get(key)
        if isinstance(base, list) and isinstance(key, int):
            return base[key] if -len(base) <= key < len(base) else None
        raise JqError(f"Cannot index {_KINDS.get(type(base), 'value')} with {_show(key)}")

    return found


def _slice(of: Program, start: Program | None, end: Program | None) -> Program:
    def found(value: Any) -> Any:
        base = of(value)
        if base is None:
            return None
        return base[start(value) if start else None : end(value) if end else None]

    return found
