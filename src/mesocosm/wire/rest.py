"""The parts of REST requests and answers outside the body: path labels, query, headers, status."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from mesocosm.wire import names, values
from mesocosm.wire.message import Headers
from mesocosm.wire.models import Shape
from mesocosm.wire.readers import Malformed, scalar
from mesocosm.wire.routing import Route

Setter = Callable[[Any, Route, Headers], None]
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
    """Fills the members of a request that are bound to path, query and headers."""

    def __init__(self, shape: Shape, uri: str) -> None:
        self._setters: list[Setter] = []
        members = shape.members
        attributes = names.attributes(members)
        bound = {
            m.get("locationName", n)
            for n, m in members.items()
            if m.get("location") == "querystring"
        }
        bound |= {part.partition("=")[0] for part in uri.partition("?")[2].split("&")}
        for name, member in members.items():
            place = member.get("location")
            wire = member.get("locationName", name)
            make = _BINDINGS.get(place)
            if make is not None:
                self._setters.append(make(attributes[name], wire, member, bound))

    def fill(self, value: Any, route: Route, headers: Headers) -> None:
        """Set every bound member: to what was sent, or to None."""
        for setter in self._setters:
            setter(value, route, headers)


def _uri(attr: str, wire: str, shape: Shape, bound: set[str]) -> Setter:
    parse = scalar(shape, wire)
    return lambda value, route, headers: setattr(value, attr, parse(route.labels[wire]))


def _querystring(attr: str, wire: str, shape: Shape, bound: set[str]) -> Setter:
    if shape.type == "map":
        return _query_map(attr, shape, bound)
    if shape.type == "list":
        each = scalar(shape.member, wire)

        def many(value: Any, route: Route, headers: Headers) -> None:
            found = route.query.get(wire)
            setattr(value, attr, None if found is None else [each(text) for text in found])

        return many
    parse = scalar(shape, wire)

    def one(value: Any, route: Route, headers: Headers) -> None:
        found = route.query.get(wire)
        setattr(value, attr, None if found is None else parse(found[0]))

    return one


def _query_map(attr: str, shape: Shape, bound: set[str]) -> Setter:
    many = shape.value.type == "list"

    def fill(value: Any, route: Route, headers: Headers) -> None:
        found = {k: v if many else v[0] for k, v in route.query.items() if k not in bound}
        setattr(value, attr, found or None)

    return fill


def _header(attr: str, wire: str, shape: Shape, bound: set[str]) -> Setter:
    parse = _header_reader(shape, wire)
    key = wire.lower()

    def fill(value: Any, route: Route, headers: Headers) -> None:
        found = headers.get(key)
        setattr(value, attr, None if found is None else parse(found))

    return fill


def _header_reader(shape: Shape, wire: str) -> Callable[[str], Any]:
    if shape.get("jsonvalue"):
        return _json_value
    if shape.type == "list":
        each = scalar(shape.member, wire)
        dates = (
            shape.member.type == "timestamp"
            and shape.member.get("timestampFormat", values.RFC822) == values.RFC822
        )
        split = _split_dates if dates else split_list
        return lambda text: [each(part) for part in split(text)] if text else []
    return scalar(shape, wire)


def _json_value(text: str) -> Any:
    try:
        return json.loads(base64.b64decode(text))
    except ValueError:
        raise Malformed("A header holds no JSON value") from None


def _header_map(attr: str, wire: str, shape: Shape, bound: set[str]) -> Setter:
    prefix = wire.lower()

    def fill(value: Any, route: Route, headers: Headers) -> None:
        found: dict[str, str] = {}
        for name, text in headers:
            if name.startswith(prefix):
                key = name[len(prefix) :]
                found[key] = f"{found[key]},{text}" if key in found else text
        setattr(value, attr, found or None)

    return fill


_BINDINGS: dict[Any, Callable[[str, str, Shape, set[str]], Setter]] = {
    "uri": _uri,
    "querystring": _querystring,
    "header": _header,
    "headers": _header_map,
}


class RestOutput:
    """Writes the members of an answer that are bound to headers and to the status."""

    def __init__(self, shape: Shape) -> None:
        self._headers: list[tuple[str, str, Callable[[Any], str]]] = []
        self._maps: list[tuple[str, str]] = []
        self._status: str | None = None
        members = shape.members
        attributes = names.attributes(members)
        for name, member in members.items():
            place = member.get("location")
            wire = member.get("locationName", name)
            if place == "header":
                self._headers.append((attributes[name], wire, header_writer(member)))
            elif place == "headers":
                self._maps.append((attributes[name], wire))
            elif place == "statusCode":
                self._status = attributes[name]

    def headers(self, value: Any) -> HeaderItems:
        """The header fields of an answer."""
        found = []
        for attr, wire, write in self._headers:
            member = getattr(value, attr)
            if member is not None:
                found.append((wire, write(member)))
        for attr, prefix in self._maps:
            found += [(prefix + key, text) for key, text in (getattr(value, attr) or {}).items()]
        return found

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
