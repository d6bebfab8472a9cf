"""`requestParameters` and `responseElements`: the members of a call, as CloudTrail spells them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from mesocosm import wire
from mesocosm.wire import Shape

TOO_LARGE = {"omitted", "originalSize"}
"""How the recorder marks a value above 100 kB."""


WITHOUT_BLOBS = frozenset({"kms"})
"""Services whose events leave plaintexts, ciphertexts and messages out (AWS KMS developer guide,
"Examples of AWS KMS log entries")."""


def request_parameters(service: str, operation: str, raw: msgspec.Raw, host: str) -> Any:
    """The request's members, None when there are none."""
    value = msgspec.msgpack.decode(raw)
    if not value:
        return {"Host": host} if service == "s3" and host else None
    if value.keys() == TOO_LARGE:
        return value
    shape = _shape(service, operation, "input")
    if service == "s3":
        return _s3_parameters(shape, value, host)
    if service in WITHOUT_BLOBS:
        value = {name: one for name, one in value.items() if not _is_blob(shape, name)}
    return _shown(shape, value) or None


def response_elements(service: str, operation: str, raw: msgspec.Raw) -> Any:
    """The answer's members, None when there are none or the call only read."""
    value = msgspec.msgpack.decode(raw)
    if not value:
        return None
    if value.keys() == TOO_LARGE:
        return value
    shape = _shape(service, operation, "output")
    if service == "s3":
        return _s3_elements(shape, value) or None
    return _shown(shape, value) or None


def _is_blob(shape: Shape | None, name: str) -> bool:
    member = shape.members.get(name) if shape is not None else None
    return member is not None and member.type == "blob"


def camel(name: str) -> str:
    """`UserName` as `userName`: only the first letter changes (`DBName` is `dBName`)."""
    return name[:1].lower() + name[1:]


def moment(seconds: float) -> str:
    """A timestamp among the parameters: `Mar 25, 2014, 6:34:39 PM`."""
    when = datetime.fromtimestamp(int(seconds), UTC)
    return f"{when:%b} {when.day}, {when.year}, {when.hour % 12 or 12}:{when:%M:%S %p}"


def _shape(service: str, operation: str, which: str) -> Shape | None:
    model = wire.service(service)
    if operation not in model.operation_names:
        return None
    found = model.operation(operation)
    return found.input_shape if which == "input" else found.output_shape


def _shown(shape: Shape | None, value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if shape is None:
        return value
    if shape.type == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            camel(name): _shown(members.get(name), member)
            for name, member in value.items()
            if member is not None
        }
    if shape.type == "list" and isinstance(value, list):
        member = shape.member
        return [_shown(member, one) for one in value]
    if shape.type == "map" and isinstance(value, dict):
        inner = shape.value
        return {name: _shown(inner, one) for name, one in value.items()}
    if shape.type == "timestamp" and isinstance(value, int | float):
        return moment(value)
    return value


def _s3_parameters(shape: Shape | None, value: dict[str, Any], host: str) -> dict[str, Any]:
    """S3 shows the bucket, the key, and the headers and query as they were on the wire."""
    members = shape.members if shape else {}
    found: dict[str, Any] = {}
    for name, given in value.items():
        member = members.get(name)
        if given is None or (member is not None and member.get("streaming")):
            continue
        location = member.get("location") if member is not None else None
        if name == "Bucket":
            found["bucketName"] = given
        elif name == "Key":
            found["key"] = given
        elif location in ("header", "querystring") and member is not None:
            found[member.get("locationName", name)] = _shown(member, given)
        elif location == "headers" and member is not None and isinstance(given, dict):
            prefix = member.get("locationName", "")
            found |= {f"{prefix}{key}": one for key, one in given.items()}
        else:
            found[name] = given if isinstance(given, dict | list) else _shown(member, given)
    if host:
        found["Host"] = host
    return found


def _s3_elements(shape: Shape | None, value: dict[str, Any]) -> dict[str, Any]:
    members = shape.members if shape else {}
    found: dict[str, Any] = {}
    for name, given in value.items():
        member = members.get(name)
        if given is None or (member is not None and member.get("streaming")):
            continue
        spelt = camel(name)
        if member is not None and member.get("location") == "header":
            spelt = member.get("locationName", name)
            if not spelt.lower().startswith("x-amz-"):
                continue
        found[spelt] = _shown(member, given)
    return found
