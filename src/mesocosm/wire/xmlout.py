"""From Structs to XML: straight-line Python generated per structure, since long listings are
mostly this.

What is generated holds names from the models only, and they are checked to be plain names first. A
structure becomes one function that appends text to a list:

    def w_Reservation(v, o):
        x = v.reservation_id
        if x is not None: o(f'<reservationId>{esc(x)}</reservationId>')
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mesocosm.wire import models, names, values
from mesocosm.wire.dialects import Dialect
from mesocosm.wire.models import Shape

Writer = Callable[[Any, Callable[[str], None]], None]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*\Z")
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\x85\u2028\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """Text as element content. Carriage returns and controls go as references, so that they
    survive.
    """
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda m: _NAMED.get(m.group()) or f"&#x{ord(m.group()):x};", text)


def attribute(text: str) -> str:
    """Text as a quoted attribute value."""
    # xml.sax.saxutils has this too, but it brings all of urllib.request to every start.
    text = escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{text}"'


class XmlWriters:
    """The writers of one service and protocol, compiled per structure at first use."""

    def __init__(self, protocol: str, dialect: Dialect) -> None:
        self._ec2 = protocol == models.EC2
        self._renames = dialect.query_shapes if protocol == models.QUERY else {}
        self._known: set[str] = set()
        self._pending: list[Shape] = []
        self._names: dict[str, str] = {}
        self._space: dict[str, Any] = {
            "esc": escape,
            "attr": attribute,
            "num": values.number,
            "b64": values.base64_text,
            "iso8601": values.iso_milliseconds
            if protocol in (models.EC2, models.REST_XML)
            else values.iso_seconds
            if dialect.whole_seconds
            else values.iso,
            "rfc822": values.rfc822,
            "unixTimestamp": values.unix,
        }

    def structure(self, shape: Shape) -> Writer:
        """The writer of the members of a structure (without its own element)."""
        name = self._function(shape)
        source: list[str] = []
        while self._pending:
            source += self._source(self._pending.pop())
        if source:
            exec(compile("\n".join(source), f"<xml of {shape.service.name}>", "exec"), self._space)
        found: Writer = self._space[name]
        return found

    def _function(self, shape: Shape) -> str:
        name = "w_" + re.sub(r"\W", "_", shape.name)
        if shape.name not in self._known:
            self._known.add(shape.name)
            self._pending.append(shape)
        return name

    def _trait(self, shape: Shape, trait: str) -> Any:
        found = self._renames.get(shape.name, {}).get(trait)
        return shape.get(trait) if found is None else found

    def _source(self, shape: Shape) -> list[str]:
        lines = [f"def {self._function(shape)}(v, o):"]
        members = shape.members
        attributes = names.attributes(members)
        for name, member in members.items():
            if member.get("location") or member.get("xmlAttribute"):
                continue
            lines.append(f"  x = v.{attributes[name]}")
            lines.append("  if x is not None:")
            lines += self._element(member, self._member_name(name, member), "x", "    ", 0)
        if len(lines) == 1:
            lines.append("  pass")
        return lines

    def _member_name(self, name: str, shape: Shape) -> str:
        if shape.type == "list" and self._trait(shape, "flattened"):
            inner = self._trait(shape, "memberName") or shape.member.get("locationName")
            if inner:
                return _checked(inner)
        return _checked(self._trait(shape, "locationName") or name)

    def _element(self, shape: Shape, tag: str, value: str, pad: str, depth: int) -> list[str]:
        """The lines that write one element holding the value named."""
        if shape.type == "structure":
            return self._structure_element(shape, tag, value, pad)
        if shape.type == "list":
            return self._list_element(shape, tag, value, pad, depth)
        if shape.type == "map":
            return self._map_element(shape, tag, value, pad, depth)
        space = _namespace(shape)
        return [
            f"{pad}o(f{f'<{tag}{space}>' + '{' + self._scalar(shape, value) + '}' + f'</{tag}>'!r})"
        ]

    def _scalar(self, shape: Shape, value: str) -> str:
        kind = shape.type
        if kind in ("integer", "long"):
            return value
        if kind == "boolean":
            return f'"true" if {value} else "false"'
        if kind in ("float", "double"):
            return f"num({value})"
        if kind == "timestamp":
            return f"{_checked(shape.get('timestampFormat', values.ISO))}({value})"
        if kind == "blob":
            return f"b64({value})"
        return f"esc({value})"

    def _structure_element(self, shape: Shape, tag: str, value: str, pad: str) -> list[str]:
        function = self._function(shape)
        lines = []
        members = shape.members
        attributes = names.attributes(members)
        marked = [n for n, m in members.items() if m.get("xmlAttribute")]
        if marked:
            lines.append(f"{pad}o({f'<{tag}{_namespace(shape)}'!r})")
            for name in marked:
                label = _checked(members[name].get("locationName"))
                lines.append(f"{pad}if {value}.{attributes[name]} is not None:")
                lines.append(f"{pad}  o({f' {label}='!r} + attr({value}.{attributes[name]}))")
            lines.append(f"{pad}o('>')")
        else:
            lines.append(f"{pad}o({f'<{tag}{_namespace(shape)}>'!r})")
        return [*lines, f"{pad}{function}({value}, o)", f"{pad}o({f'</{tag}>'!r})"]

    def _list_element(self, shape: Shape, tag: str, value: str, pad: str, depth: int) -> list[str]:
        item = f"i{depth}"
        flattened = self._trait(shape, "flattened") and not self._ec2
        inner = tag if flattened else _checked(shape.member.get("locationName", "member"))
        loop = [f"{pad}for {item} in {value}:"]
        loop += self._element(shape.member, inner, item, pad + "  ", depth + 1)
        if flattened:
            return loop
        return [f"{pad}o({f'<{tag}{_namespace(shape)}>'!r})", *loop, f"{pad}o({f'</{tag}>'!r})"]

    def _map_element(self, shape: Shape, tag: str, value: str, pad: str, depth: int) -> list[str]:
        key, item = f"k{depth}", f"i{depth}"
        flattened = self._trait(shape, "flattened")
        key_name = self._trait(shape, "keyName") or shape.key.get("locationName", "key")
        value_name = self._trait(shape, "valueName") or shape.value.get("locationName", "value")
        entry = tag if flattened else "entry"
        loop = [f"{pad}for {key}, {item} in {value}.items():", f"{pad}  o('<{entry}>')"]
        loop += self._element(shape.key, _checked(key_name), key, pad + "  ", depth + 1)
        loop += self._element(shape.value, _checked(value_name), item, pad + "  ", depth + 1)
        loop.append(f"{pad}  o('</{entry}>')")
        if flattened:
            return loop
        return [f"{pad}o({f'<{tag}>'!r})", *loop, f"{pad}o({f'</{tag}>'!r})"]


def _namespace(shape: Shape) -> str:
    found = shape.get("xmlNamespace")
    if not found:
        return ""
    if isinstance(found, str):
        return f' xmlns="{found}"'
    prefix = f":{found['prefix']}" if found.get("prefix") else ""
    return f' xmlns{prefix}="{found["uri"]}"'


def _checked(name: str) -> str:
    if _PLAIN.match(name) is None:
        raise ValueError(f"not the name of an element: {name!r}")
    return name
