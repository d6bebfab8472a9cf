"""From the text protocols to Structs: query forms and XML, by one reader per shape.

A reader is a closure over a table from wire name to (attribute, reader of the member), so that its
cost follows what was sent and not what could be. Recursive shapes work since a table is filled
after its reader exists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import msgspec

from mesocosm.wire import names, values
from mesocosm.wire.models import Shape
from mesocosm.wire.types import Types

Tree = dict[str, Any]
Reader = Callable[[Any], Any]


class Malformed(ValueError):
    """What was sent is not what the model describes. `member` says where, when that is known."""

    def __init__(self, message: str, member: str = "", value: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.member = member
        self.value = value
        self.kind = kind


MAX_DEPTH = 64


def form(text: str) -> list[tuple[str, str]]:
    """The pairs of a form body or query string, decoded, in their order."""
    pairs = []
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            if "%" in key or "+" in key:
                key = unquote_plus(key)
            if "%" in value or "+" in value:
                value = unquote_plus(value)
            pairs.append((key, value))
    return pairs


def tree(pairs: list[tuple[str, str]]) -> Tree:
    """Dotted names as nested mappings: `a.1.b=c` is `{"a": {"1": {"b": "c"}}}`. Raises
    Malformed.
    """
    root: Tree = {}
    for key, value in pairs:
        if "." not in key:
            root.setdefault(key, value)
            continue
        *path, last = key.split(".")
        if len(path) > MAX_DEPTH:
            raise Malformed("The query string is nested too deeply")
        node = root
        for step in path:
            below = node.get(step)
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        node.setdefault(last, value)
    return root


def scalar(shape: Shape, where: str) -> Reader:
    """The reader of a scalar from its text."""
    parse = values.text_parser(shape.type)
    if parse is str:
        return _string(where)
    kind = shape.type

    def read(text: Any) -> Any:
        try:
            return parse(text)
        except (ValueError, TypeError, AttributeError, OverflowError):
            shown = text if isinstance(text, str) else ""
            raise Malformed(f"Invalid {kind} value for {where}", where, shown, kind) from None

    return read


def _string(where: str) -> Reader:
    def read(text: Any) -> Any:
        if text.__class__ is str:
            return text
        raise Malformed(f"Expected a string for {where}", where, "", "string")

    return read


class QueryReaders:
    """Readers of the query protocol, or of EC2's dialect of it (`ec2=True`)."""

    def __init__(self, types: Types, ec2: bool, renames: dict[str, dict[str, Any]]) -> None:
        self._types = types
        self._ec2 = ec2
        self._renames = renames
        self._structures: dict[str, Reader] = {}

    def _trait(self, shape: Shape, trait: str) -> Any:
        """A trait of a shape, where a dialect may know more than the model."""
        found = self._renames.get(shape.name, {}).get(trait)
        return shape.get(trait) if found is None else found

    def structure(self, shape: Shape) -> Reader:
        """The reader of a structure from a Tree."""
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        make = self._types.struct(shape.name)
        table: dict[str, tuple[str, Reader]] = {}

        def read(node: Any) -> msgspec.Struct:
            if node.__class__ is not dict:
                if node == "":
                    return make()
                raise Malformed("Expected a structure")
            found = {}
            for key, value in node.items():
                entry = table.get(key)
                if entry is not None:
                    found[entry[0]] = entry[1](value)
            return make(**found)

        self._structures[shape.name] = read
        members = shape.members
        attributes = names.attributes(members)
        for name, member in members.items():
            table[self._member_name(name, member)] = (attributes[name], self._reader(member, name))
        return read

    def _member_name(self, name: str, shape: Shape) -> str:
        if self._ec2:
            if shape.get("queryName"):
                return str(shape.get("queryName"))
            renamed = shape.get("locationName")
            return renamed[0].upper() + renamed[1:] if renamed else name
        if shape.type == "list" and self._trait(shape, "flattened"):
            inner = self._trait(shape, "memberName") or shape.member.get("locationName")
            if inner:
                return str(inner)
        return str(self._trait(shape, "locationName") or name)

    def _reader(self, shape: Shape, where: str) -> Reader:
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list":
            return self._list(shape, where)
        if shape.type == "map":
            return self._map(shape, where)
        return scalar(shape, where)

    def _list(self, shape: Shape, where: str) -> Reader:
        inner = self._reader(shape.member, where)
        wrapper = None
        if not self._ec2 and not self._trait(shape, "flattened"):
            wrapper = shape.member.get("locationName", "member")

        def read(node: Any) -> list[Any]:
            if node == "":
                return []
            if wrapper is not None:
                node = node.get(wrapper) if node.__class__ is dict else None
            if node.__class__ is not dict:
                raise Malformed(f"Expected a list for {where}", where)
            return [inner(value) for value in _in_order(node, where)]

        return read

    def _map(self, shape: Shape, where: str) -> Reader:
        inner = self._reader(shape.value, where)
        flattened = self._trait(shape, "flattened")
        key_name = self._trait(shape, "keyName") or shape.key.get("locationName", "key")
        value_name = self._trait(shape, "valueName") or shape.value.get("locationName", "value")

        def read(node: Any) -> dict[str, Any]:
            if node == "":
                return {}
            if not flattened:
                node = node.get("entry") if node.__class__ is dict else None
            if node.__class__ is not dict:
                raise Malformed(f"Expected a map for {where}", where)
            found = {}
            for entry in _in_order(node, where):
                if entry.__class__ is not dict or entry.get(key_name).__class__ is not str:
                    raise Malformed(f"Expected an entry with a key for {where}", where)
                if value_name in entry:
                    found[entry[key_name]] = inner(entry[value_name])
                else:
                    # A structure without members leaves no trace in a form.
                    found[entry[key_name]] = inner("")
            return found

        return read


def _in_order(node: Tree, where: str) -> list[Any]:
    """The values of a tree keyed by number, by that number."""
    try:
        return [node[key] for key in sorted(node, key=values.integer)]
    except ValueError:
        raise Malformed(f"Expected numbered members for {where}", where) from None


class XmlReaders:
    """Readers of the XML bodies of the rest-xml protocol."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._structures: dict[str, Reader] = {}

    def structure(self, shape: Shape) -> Reader:
        """The reader of a structure from an Element; members bound to headers and the like are
        skipped.
        """
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        make = self._types.struct(shape.name)
        table: dict[str, tuple[str, Reader, int]] = {}
        attributes: list[tuple[str, str, Reader]] = []

        def read(element: ElementTree.Element) -> msgspec.Struct:
            found: dict[str, Any] = {}
            for child in element:
                entry = table.get(local_name(child.tag))
                if entry is None:
                    continue
                name, inner, flat = entry
                if not flat:
                    found[name] = inner(child)
                elif flat == _LIST:
                    found.setdefault(name, []).append(inner(child))
                else:
                    found.setdefault(name, {}).update(inner((child,)))
            for name, tag, inner in attributes:
                for key, value in element.attrib.items():
                    if local_name(key) == tag:
                        found[name] = inner(value)
            return make(**found)

        self._structures[shape.name] = read
        members = shape.members
        for (name, member), attr in zip(
            members.items(), names.attributes(members).values(), strict=True
        ):
            if member.get("location"):
                continue
            if member.get("xmlAttribute"):
                tag = member.get("locationName").rpartition(":")[2]
                attributes.append((attr, tag, scalar(member, name)))
                continue
            table[member.get("locationName", name)] = (attr, *self._member(member, name))
        return read

    def _member(self, shape: Shape, where: str) -> tuple[Reader, int]:
        if shape.get("flattened"):
            if shape.type == "list":
                return self._reader(shape.member, where), _LIST
            return self._entries(shape, where), _MAP
        return self._reader(shape, where), 0

    def _reader(self, shape: Shape, where: str) -> Reader:
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list":
            inner = self._reader(shape.member, where)
            return lambda element: [inner(child) for child in element]
        if shape.type == "map":
            return self._entries(shape, where)
        parse = scalar(shape, where)
        return lambda element: parse(element.text or "")

    def _entries(self, shape: Shape, where: str) -> Reader:
        key_name = shape.key.get("locationName", "key")
        value_name = shape.value.get("locationName", "value")
        inner = self._reader(shape.value, where)

        def read(entries: Any) -> dict[str, Any]:
            found = {}
            for entry in entries:
                parts = {local_name(child.tag): child for child in entry}
                if key_name not in parts or value_name not in parts:
                    raise Malformed(f"Expected a key and a value for {where}", where)
                found[parts[key_name].text or ""] = inner(parts[value_name])
            return found

        return read


_LIST, _MAP = 1, 2


def local_name(tag: str) -> str:
    """A tag or attribute without its namespace."""
    return tag[tag.index("}") + 1 :] if tag[0] == "{" else tag


def document(body: bytes) -> ElementTree.Element:
    """The root of an XML document. Document types are refused: no AWS client sends one. Raises
    Malformed.
    """
    # Other encodings than UTF-8 could hide a document type from the search below.
    if b"<!DOCTYPE" in body or b"\x00" in body:
        raise Malformed("The XML document has a document type")
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Malformed(f"The XML is not well-formed: {error}") from None
