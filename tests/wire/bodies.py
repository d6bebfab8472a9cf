"""Requests without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from mesocosm.wire.message import Headers, Request


class Bytes:
    """A body in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)
        self.sha256 = hashlib.sha256(content).hexdigest()

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        return self.content[start:stop]

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        yield self.content[start:stop]

    def digest(self, algorithm: str) -> bytes:
        return hashlib.new(algorithm.lower(), self.content).digest()

    def keep(self) -> str:
        return self.sha256


def request(
    method: str,
    path: str,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    """A request as the front would hand it on."""
    fields = [(name.lower(), value) for name, value in (headers or {}).items()]
    return Request(method, path, query, Headers(fields), Bytes(body), "127.0.0.1", False)


def scoped(service: str, **headers: str) -> dict[str, str]:
    """Headers with a credential scope."""
    credential = f"AKIAEXAMPLE/20261121/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00"
    return {"authorization": authorization, **{k.replace("_", "-"): v for k, v in headers.items()}}
