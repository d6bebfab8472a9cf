"""The API models: what operations a service has and which shapes they take and give.

Read from botocore's data directory (botocore itself is never imported), without the documentation.
Each service is loaded at its first use; the stripped model is kept with `marshal` in a cache
directory, since parsing the largest model costs 50 ms and reading it back 10 ms. The format of
marshal belongs to one Python version, so the cache's name holds the versions of Python and of
botocore.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import marshal
import os
import re
import sys
import threading
import zlib
from functools import cache, cached_property
from pathlib import Path
from typing import Any

Raw = dict[str, Any]

QUERY = "query"
EC2 = "ec2"
JSON = "json"
REST_JSON = "rest-json"
REST_XML = "rest-xml"
CBOR = "smithy-rpc-v2-cbor"


class Shape:
    """A shape as referred to from one place: the shape's own traits, overridden by those of the
    reference.
    """

    __slots__ = ("name", "service", "traits", "type")

    def __init__(self, service: Service, reference: Raw) -> None:
        self.service = service
        self.name: str = reference["shape"]
        own = service.shapes[self.name]
        self.traits: Raw = own | reference
        self.type: str = own["type"]

    def get(self, trait: str, default: Any = None) -> Any:
        """A trait (`locationName`, `flattened`, `min`, ...), or the default."""
        return self.traits.get(trait, default)

    @property
    def members(self) -> dict[str, Shape]:
        """The members of a structure by name, in the model's order."""
        return {n: Shape(self.service, r) for n, r in self.traits.get("members", {}).items()}

    @property
    def member(self) -> Shape:
        """What a list holds."""
        return Shape(self.service, self.traits["member"])

    @property
    def key(self) -> Shape:
        """The key of a map."""
        return Shape(self.service, self.traits["key"])

    @property
    def value(self) -> Shape:
        """The value of a map."""
        return Shape(self.service, self.traits["value"])

    @property
    def required(self) -> frozenset[str]:
        """The members a caller must give."""
        return frozenset(self.traits.get("required", ()))

    @property
    def document(self) -> bool:
        """Whether any JSON value may stand here."""
        return bool(self.traits.get("document"))

    @property
    def sensitive(self) -> bool:
        """Whether the value must not be shown in messages and records."""
        return bool(self.traits.get("sensitive"))


class Operation:
    """One operation of a service."""

    def __init__(self, service: Service, name: str, raw: Raw) -> None:
        self.service = service
        self.raw = raw
        self.name = name
        http = raw["http"]
        self.method: str = http["method"]
        self.uri: str = http["requestUri"]
        self.status: int = http.get("responseCode", 200)
        self.input: str | None = raw.get("input", {}).get("shape")
        self.output: str | None = raw.get("output", {}).get("shape")
        self.errors: list[str] = [e["shape"] for e in raw.get("errors", ())]
        self.deprecated: bool = bool(raw.get("deprecated"))

    @property
    def input_shape(self) -> Shape | None:
        """The structure of the request, None when the operation takes nothing."""
        return Shape(self.service, self.raw["input"]) if self.input else None

    @property
    def output_shape(self) -> Shape | None:
        """The structure of the answer, None when the operation gives nothing."""
        return Shape(self.service, self.raw["output"]) if self.output else None

    @property
    def static_context(self) -> dict[str, Any]:
        """The endpoint rules' static parameters (`staticContextParams`), by name."""
        return {n: p["value"] for n, p in self.raw.get("staticContextParams", {}).items()}

    @property
    def checksum(self) -> Raw:
        """The `httpChecksum` trait: requestAlgorithmMember, requestChecksumRequired, ...; empty
        when absent.
        """
        found: Raw = self.raw.get("httpChecksum", {})
        return found

    @property
    def compressed(self) -> bool:
        """Whether clients may send the body compressed."""
        return "requestcompression" in self.raw

    def streaming(self, which: str) -> str | None:
        """The streaming member of the `input` or `output`, by its model name."""
        shape = self.input_shape if which == "input" else self.output_shape
        for name, member in shape.members.items() if shape else ():
            if member.get("streaming") or member.get("eventstream"):
                return name
        return None

    def sensitive(self, which: str) -> list[str]:
        """The top members of the `input` or `output` that the model calls sensitive, by their
        model names.
        """
        shape = self.input_shape if which == "input" else self.output_shape
        return [n for n, m in (shape.members.items() if shape else ()) if m.sensitive]


class Service:
    """The model of one service, by botocore's name for it."""

    def __init__(self, name: str, model: Raw) -> None:
        self.name = name
        self.metadata: Raw = model["metadata"]
        self.shapes: dict[str, Raw] = model["shapes"]
        self._raw: dict[str, Raw] = model["operations"]
        self._operations: dict[str, Operation] = {}

    @cached_property
    def protocols(self) -> tuple[str, ...]:
        """The protocols the service speaks. Those that were query services once still take the
        query protocol.
        """
        found = list(self.metadata.get("protocols") or [self.metadata["protocol"]])
        if "awsQueryCompatible" in self.metadata and QUERY not in found:
            found.append(QUERY)
        return tuple(found)

    @property
    def signing_name(self) -> str:
        """The service's name in the credential scope of a signature."""
        name: str = self.metadata.get("signingName") or self.metadata["endpointPrefix"]
        return name

    @property
    def endpoint_prefix(self) -> str:
        """The first label of the service's host names."""
        prefix: str = self.metadata["endpointPrefix"]
        return prefix

    @property
    def target_prefix(self) -> str | None:
        """What stands before the operation in `X-Amz-Target`."""
        return self.metadata.get("targetPrefix")

    @property
    def api_version(self) -> str:
        """The version of the API: `2012-11-05`."""
        version: str = self.metadata["apiVersion"]
        return version

    @property
    def global_endpoint(self) -> str | None:
        """The one host of a service without Regions."""
        return self.metadata.get("globalEndpoint")

    @property
    def query_compatible(self) -> bool:
        """Whether clients expect the error codes of the former query protocol beside the new
        ones.
        """
        return "awsQueryCompatible" in self.metadata

    @property
    def operation_names(self) -> list[str]:
        """Every operation, in the model's order."""
        return list(self._raw)

    def operation(self, name: str) -> Operation:
        """The operation of that name; raises KeyError."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = Operation(self, name, self._raw[name])
        return found

    def __contains__(self, operation: str) -> bool:
        return operation in self._raw

    def shape(self, name: str) -> Shape:
        """A shape by name; raises KeyError."""
        return Shape(self, {"shape": name})

    @cached_property
    def errors(self) -> dict[str, Shape]:
        """The error shapes, by shape name and by error code."""
        found = [self.shape(n) for n, raw in self.shapes.items() if raw.get("exception")]
        by_code = {s.get("error", {}).get("code"): s for s in reversed(found)}
        by_code.pop(None, None)
        return by_code | {s.name: s for s in found}


class Summary:
    """What routing must know of a service without loading it."""

    __slots__ = (
        "api_version",
        "endpoint_prefix",
        "name",
        "protocols",
        "rest",
        "signing_name",
        "target",
    )

    def __init__(self, name: str, metadata: Raw) -> None:
        service = Service(name, {"metadata": metadata, "shapes": {}, "operations": {}})
        self.name = name
        self.signing_name = service.signing_name
        self.endpoint_prefix = service.endpoint_prefix
        self.target = service.target_prefix
        self.protocols = service.protocols
        self.rest = next((p for p in (REST_JSON, REST_XML) if p in self.protocols), "")
        """Its REST protocol, if it has one."""
        self.api_version = service.api_version


@cache
def _root() -> Path:
    spec = importlib.util.find_spec("botocore")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "the API models are read from the package botocore, which is not installed"
        )
    return Path(spec.origin).parent


@cache
def _cache_directory() -> Path | None:
    """Where stripped models are kept; None when nothing can be written."""
    text = (_root() / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r"__version__ = ['\"]([^'\"]+)", text)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    tag = f"{sys.implementation.cache_tag}-{version.group(1) if version else 'unknown'}-1"
    directory = Path(base) / "mesocosm" / "models" / tag
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return directory


def cached(name: str) -> Any:
    """A value of the cache directory; None when it is not there or cannot be read."""
    directory = _cache_directory()
    if directory is None:
        return None
    try:
        return marshal.loads((directory / name).read_bytes())
    except (OSError, EOFError, ValueError, TypeError):
        return None


def keep(name: str, value: Any) -> None:
    """Put a value into the cache directory, if there is one."""
    directory = _cache_directory()
    if directory is None:
        return
    temporary = directory / f".{name}.{os.getpid()}.{threading.get_ident()}"
    try:
        temporary.write_bytes(marshal.dumps(value))
        temporary.replace(directory / name)
    except OSError:
        temporary.unlink(missing_ok=True)


@cache
def _versions() -> dict[str, Path]:
    """The newest model file of each service."""
    found: dict[str, Path] = {}
    for service in sorted(os.listdir(_root() / "data")):
        folder = _root() / "data" / service
        if not folder.is_dir():
            continue
        for version in sorted(os.listdir(folder), reverse=True):
            path = folder / version / "service-2.json.gz"
            if path.exists():
                found[service] = path
                break
    return found


def _metadata(path: Path) -> Raw:
    """The metadata of a model file, which stands near its start: no more than needed is
    decompressed.
    """
    stream = zlib.decompressobj(wbits=31)
    text = b""
    with path.open("rb") as file:
        while piece := file.read(4096):
            text += stream.decompress(piece)
            start = text.find(b'"metadata":{')
            if start < 0:
                continue
            try:
                decoded = text[start + 11 :].decode("utf-8", "ignore")
                found: Raw = json.JSONDecoder().raw_decode(decoded)[0]
            except ValueError:
                continue
            return found
    whole: Raw = json.loads(gzip.decompress(path.read_bytes()))["metadata"]
    return whole


@cache
def summaries() -> dict[str, Summary]:
    """What routing must know, of every service."""
    found: dict[str, Raw] | None = cached("index")
    if found is None:
        found = {name: _metadata(path) for name, path in _versions().items()}
        keep("index", found)
    return {name: Summary(name, metadata) for name, metadata in found.items()}


def service_names() -> list[str]:
    """Every service botocore knows, by botocore's name."""
    return list(summaries())


def _stripped(value: Any) -> Any:
    """A model without documentation. A member may itself be called so: its value is then a
    reference.
    """
    if isinstance(value, dict):
        return {
            sys.intern(k): _stripped(v)
            for k, v in value.items()
            if k not in _DROPPED or not isinstance(v, str | bool)
        }
    if isinstance(value, list):
        return [_stripped(v) for v in value]
    return sys.intern(value) if isinstance(value, str) else value


_DROPPED = frozenset({"documentation", "deprecatedMessage", "deprecatedSince"})


@cache
def service(name: str) -> Service:
    """The model of a service, loaded at its first use; raises KeyError when there is no such
    service.
    """
    model = cached(f"{name}.model")
    if model is None:
        raw = json.loads(gzip.decompress(_versions()[name].read_bytes()))
        model = _stripped({key: raw[key] for key in ("metadata", "operations", "shapes")})
        keep(f"{name}.model", model)
    return Service(name, model)


@cache
def paginators(name: str) -> dict[str, Raw]:
    """How each listing operation is paged: input_token, output_token, limit_key, result_key; empty
    when unknown.
    """
    path = _versions()[name].with_name("paginators-1.json")
    text = path.read_bytes() if path.exists() else b""
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        text = gzip.decompress(packed.read_bytes())
    found: dict[str, Raw] = json.loads(text)["pagination"] if text else {}
    return found
