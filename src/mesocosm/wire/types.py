"""The typed shapes: one msgspec Struct per structure of a model, made when first asked for.

Members are snake case attributes that default to None (what is required is checked by
`validation`, in AWS's words); their encoded names are those of the model, or of the JSON protocols
where the model renames them there. Timestamps are float epoch seconds, blobs bytes; a streaming
member is the request's Body on the way in and bytes or a Stream on the way out, and documents are
plain values.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

import msgspec

from mesocosm.wire import models, names
from mesocosm.wire.models import Shape

Type = type[msgspec.Struct]


class Empty(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an operation without an input shape takes."""


class Types:
    """The Structs of one service."""

    def __init__(self, service: models.Service, module: ModuleType) -> None:
        self.service = service
        self.module = module
        self._made: dict[str, Type] = {}
        self._making: set[str] = set()
        protocol = service.metadata["protocol"]
        self._renames = protocol in (models.JSON, models.REST_JSON, models.CBOR)
        self._json = protocol == models.REST_JSON or models.JSON in service.protocols

    def struct(self, name: str) -> Type:
        """The Struct of a structure; raises KeyError when there is no such shape."""
        made = self._made.get(name)
        if made is None:
            made = self._make(self.service.shape(name))
        return made

    def _make(self, shape: Shape) -> Type:
        if shape.type != "structure":
            raise KeyError(shape.name)
        self._making.add(shape.name)
        members = shape.members
        attributes = names.attributes(members)
        fields: list[tuple[str, Any, Any]] = []
        for name, member in members.items():
            kind = self._type(member)
            if isinstance(kind, str):
                annotation: Any = f"{kind} | None"
            else:
                annotation = kind if kind is Any else kind | None
            fields.append((attributes[name], annotation, None))
        made = msgspec.defstruct(
            shape.name,
            fields,
            module=self.module.__name__,
            kw_only=True,
            omit_defaults=True,
            rename={attributes[n]: wire for n, wire in self.wire_names(members).items()},
        )
        self._making.discard(shape.name)
        self._made[shape.name] = made
        self.module.__dict__[shape.name] = made
        return made

    def wire_names(self, members: dict[str, Shape]) -> dict[str, str]:
        """The names under which the members of a structure are encoded."""
        bodies = {n: m for n, m in members.items() if not m.get("location")}
        found = {n: m.get("locationName", n) if self._renames else n for n, m in bodies.items()}
        taken = set(found.values())
        for name, member in members.items():
            if name not in bodies:
                # A member of the path may have the name that another one has in the body.
                found[name] = member.get("locationName", name) if name in taken else name
                taken.add(found[name])
        return found

    def annotation(self, shape: Shape) -> Any:
        """The type of a shape's values."""
        return self._type(shape)

    def _type(self, shape: Shape) -> Any:
        """The annotation of a shape; text where it refers to a Struct that is being made
        (recursive shapes).
        """
        kind = shape.type
        if shape.document or shape.get("jsonvalue") or shape.get("streaming"):
            return Any
        if shape.get("eventstream"):
            return Any
        if kind == "structure":
            return shape.name if shape.name in self._making else self.struct(shape.name)
        if kind == "list":
            inner = self._element(shape, shape.member)
            if isinstance(inner, str):
                return f"list[{inner}]"
            return list[inner]  # type: ignore[valid-type]
        if kind == "map":
            inner = self._element(shape, shape.value)
            if isinstance(inner, str):
                return f"dict[str, {inner}]"
            return dict[str, inner]  # type: ignore[valid-type]
        if kind == "timestamp" and shape.get("timestampFormat", "unixTimestamp") != "unixTimestamp":
            return float | str if self._json else float
        return _SCALARS[kind]

    def _element(self, holder: Shape, shape: Shape) -> Any:
        inner = self._type(shape)
        if not holder.get("sparse") or inner is Any:
            return inner
        return f"{inner} | None" if isinstance(inner, str) else inner | None


_SCALARS: dict[str, Any] = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": bool,
    "blob": bytes,
    "timestamp": float,
}


class ShapeModule(ModuleType):
    """What `from mesocosm.api import sqs` gives: its attributes are the Structs of the service."""

    def __init__(self, name: str, service: models.Service) -> None:
        super().__init__(name, f"The shapes of {service.metadata['serviceFullName']}.")
        self.__dict__["_types"] = Types(service, self)
        self.__dict__["list"] = list  # annotations of recursive shapes are looked up here
        self.__dict__["dict"] = dict

    def __getattr__(self, name: str) -> Any:
        types: Types = self.__dict__["_types"]
        try:
            return types.struct(name)
        except KeyError:
            raise AttributeError(
                f"the model of {types.service.name} has no structure {name}"
            ) from None


def module_name(service: str) -> str:
    """The module of a service in `mesocosm.api`: `resource_explorer_2`, `lambda_`."""
    return names.attribute(service.replace("-", "_"))


@cache
def _services() -> dict[str, str]:
    return {module_name(name): name for name in models.service_names()}


@cache
def module(name: str) -> ShapeModule:
    """The module of the shapes of a service, by its name in `mesocosm.api`; raises KeyError."""
    service = _services()[name]
    full = f"mesocosm.api.{name}"
    made = ShapeModule(full, models.service(service))
    sys.modules[full] = made  # msgspec resolves annotations in the module of the Struct
    return made


@cache
def structs(service: str) -> Types:
    """The Structs of a service by botocore's name."""
    found: Types = module(module_name(service)).__dict__["_types"]
    return found
