"""The parts of REST requests and answers outside the body: path labels, query, headers, status."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import compress, repeat
from operator import attrgetter, is_not
from typing import Any

from mesocosm.wire import names, values
from mesocosm.wire.message import Headers
from mesocosm.wire.models import Shape
from mesocosm.wire.readers import Malformed, scalar
from mesocosm.wire.routing import Route

Parse = Callable[[Any], Any]
HeaderItems = list[tuple[str, str]]


def split_list(text: str) -> list[str]:
    """The values of a comma separated header; quoted ones may hold commas (RFC 9110, 5.5)."""
    found: list[str] = []
    at, end = 0, len(text)
    while at <= end:
        while at < end and text[at] in " \t":
            at += 1
        if at < end and text[at] == '"':
            piece, at = _quoted(text, at + 1)
            comma = text.find(",", at)
            at = end if comma < 0 else comma
        else:
            comma = text.find(",", at)
            comma = end if comma < 0 else comma
            piece = text[at:comma].strip()
            at = comma
        found.append(piece)
        at += 1
    return found


def _quoted(text: str, at: int) -> tuple[str, int]:
    piece = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        piece.append(text[at])
        at += 1
    return "".join(piece), at + 1


def _split_dates(text: str) -> list[str]:
    """A list of HTTP dates: each holds one comma itself."""
    parts = text.split(",")
    return [",".join(parts[i : i + 2]).strip() for i in range(0, len(parts), 2)]


class RestInput:
    """Fills the members of a request that are bound to path, query and headers.

    What was sent is looked up in tables, so that the cost follows the request and not the many
    headers that an operation could take.
    """

    def __init__(self, shape: Shape, uri: str) -> None:
        self._labels: dict[str, tuple[str, Parse | None]] = {}
        self._query: dict[str, tuple[str, Parse]] = {}
        self._headers: dict[str, tuple[str, Parse | None]] = {}
        """The attribute, and what its text is parsed by (None: the text is the value)."""
        self._prefixes: list[tuple[str, str]] = []
        self._other_query: list[tuple[str, bool]] = []
        self._bound: list[str] = []
        self._literals = {part.partition("=")[0] for part in uri.partition("?")[2].split("&")}
        members = shape.members
        attributes = names.attributes(members)
        for name, member in members.items():
            self._bind(attributes[name], member.get("locationName", name), member)

    def _bind(self, attr: str, wire: str, shape: Shape) -> None:
        place = shape.get("location")
        if place == "uri":
            self._labels[wire] = attr, _text_reader(shape, wire)
        elif place == "querystring" and shape.type == "map":
            self._other_query.append((attr, shape.value.type == "list"))
        elif place == "querystring":
            self._query[wire] = attr, _query_reader(shape, wire)
        elif place == "header":
            self._headers[wire.lower()] = attr, _header_reader(shape, wire)
        elif place == "headers":
            self._prefixes.append((attr, wire.lower()))
        else:
            return
        self._bound.append(attr)

    def clear(self, value: Any) -> None:
        """Set every bound member to None: a body must not speak for them."""
        for attr in self._bound:
            setattr(value, attr, None)

    def fill(self, value: Any, route: Route, headers: Headers) -> None:
        """Set the bound members that were sent; the others must be None."""
        for wire, text in route.labels.items():
            entry = self._labels.get(wire)
            if entry is not None:
                attr, parse = entry
                setattr(value, attr, text if parse is None else parse(text))
        for wire, texts in route.query.items():
            entry = self._query.get(wire)
            if entry is not None:
                setattr(value, entry[0], entry[1](texts))
        for attr, many in self._other_query:
            taken = self._query.keys() | self._literals
            found = {k: v if many else v[0] for k, v in route.query.items() if k not in taken}
            setattr(value, attr, found or None)
        table, first = self._headers, headers.first
        for name in filter(table.__contains__, first):
            attr, parse = table[name]
            text = first[name]
            setattr(value, attr, text if parse is None else parse(text))
        for attr, prefix in self._prefixes:
            setattr(value, attr, _prefixed(headers, prefix))


def _query_reader(shape: Shape, wire: str) -> Parse:
    if shape.type == "list":
        each = scalar(shape.member, wire)
        return lambda texts: [each(text) for text in texts]
    parse = scalar(shape, wire)
    return lambda texts: parse(texts[0])


def _prefixed(headers: Headers, prefix: str) -> dict[str, str] | None:
    """The header fields that begin with a prefix, by the rest of their names."""
    if f"\n{prefix}" not in "\n" + "\n".join(headers.first):
        return None
    sent = [field for field in headers.items if field[0].startswith(prefix)]
    found: dict[str, str] = {}
    for name, text in sent:
        key = name[len(prefix) :]
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _text_reader(shape: Shape, wire: str) -> Parse | None:
    """The parser of a scalar, None when its text is its value."""
    return None if values.text_parser(shape.type) is str else scalar(shape, wire)


def _header_reader(shape: Shape, wire: str) -> Parse | None:
    if shape.get("jsonvalue"):
        return _json_value
    if shape.type == "list":
        each = scalar(shape.member, wire)
        form = shape.member.get("timestampFormat", values.RFC822)
        dates = shape.member.type == "timestamp" and form == values.RFC822
        split = _split_dates if dates else split_list
        return lambda text: [each(part) for part in split(text)] if text else []
    return _text_reader(shape, wire)


def _json_value(text: str) -> Any:
    try:
        return json.loads(base64.b64decode(text))
    except ValueError:
        raise Malformed("A header holds no JSON value") from None


class RestOutput:
    """Writes the members of an answer that are bound to headers and to the status."""

    def __init__(self, shape: Shape) -> None:
        self._headers: list[tuple[str, Callable[[Any], str]]] = []
        self._maps: list[tuple[str, str]] = []
        self._values: Callable[[Any], tuple[Any, ...]] = tuple
        self._status: str | None = None
        self._media_type: str | None = None
        members = shape.members
        attributes = names.attributes(members)
        sent = []
        for name, member in members.items():
            place = member.get("location")
            wire = member.get("locationName", name)
            if place == "header":
                sent.append(attributes[name])
                self._headers.append((wire, header_writer(member)))
                if wire.lower() == "content-type":
                    self._media_type = attributes[name]
            elif place == "headers":
                self._maps.append((attributes[name], wire))
            elif place == "statusCode":
                self._status = attributes[name]
        if len(sent) > 1:
            self._values = attrgetter(*sent)
        elif sent:
            self._values = lambda value: (getattr(value, sent[0]),)
        else:
            self._values = lambda value: ()

    def headers(self, value: Any) -> HeaderItems:
        """The header fields of an answer."""
        # Few of many members are set: they are picked out without a step of Python for the others.
        values = self._values(value)
        members = zip(self._headers, values, strict=True)
        is_set = compress(members, map(is_not, values, repeat(None)))
        found = [(wire, write(member)) for (wire, write), member in is_set]
        for attr, prefix in self._maps:
            found += [(prefix + key, text) for key, text in (getattr(value, attr) or {}).items()]
        return found

    def typed(self, value: Any) -> bool:
        """Whether the answer itself says what media type it has."""
        return self._media_type is not None and getattr(value, self._media_type) is not None

    def status(self, value: Any, default: int) -> int:
        """The HTTP status of an answer."""
        found = getattr(value, self._status) if self._status else None
        return found or default


def header_writer(shape: Shape) -> Callable[[Any], str]:
    """The function from a member to the text of its header."""
    kind = shape.type
    if shape.get("jsonvalue"):
        return lambda value: values.base64_text(json.dumps(value, separators=(",", ":")).encode())
    if kind == "timestamp":
        return values.FORMATS[shape.get("timestampFormat", values.RFC822)]
    if kind == "boolean":
        return lambda value: "true" if value else "false"
    if kind == "list":
        each = header_writer(shape.member)
        if shape.member.type == "string":
            return lambda value: ", ".join(_list_item(v) for v in value)
        return lambda value: ", ".join(each(v) for v in value)
    if kind in ("float", "double"):
        return values.number
    if kind == "blob":
        return values.base64_text
    return str


def _list_item(text: str) -> str:
    if '"' not in text and "," not in text:
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
