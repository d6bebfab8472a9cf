"""A small application behind the real front, in a thread of its own: it verifies signatures and
echoes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvloop

from mesocosm.wire import front, sigv4
from mesocosm.wire.authfaults import auth_fault, dialect
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Request, Response, Stream

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class Spool:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w+b")
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes, /) -> None:
        self._file.write(data)
        self._hash.update(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    """The blob store's three verbs, on a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def spool(self) -> Spool:
        self.count += 1
        return Spool(self.root / f"spool-{self.count}")

    def adopt(self, path: Path, digest: str, /) -> None:
        path.rename(self.root / digest)

    def put(self, data: bytes, /) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (self.root / digest).write_bytes(data)
        return digest

    def spools(self) -> list[str]:
        return [path.name for path in self.root.glob("spool-*")]


class EchoApp:
    """Verifies like the call floor does, then answers with what it saw."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.limit = 1 << 30
        self.now = time.time
        self.seen: list[Request] = []
        self.faults: list[Exception] = []
        self.strict = True
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def head(self, request: Request) -> front.Admission:
        signature = sigv4.parse(request)
        payload = sigv4.payload(request, signature)
        chain = None
        if signature is None:
            if self.strict and not request.path.startswith("/open"):
                raise auth_fault("missing", dialect(request))
        else:
            if signature.access_key_id != KEY:
                raise auth_fault("unknown_key", dialect(request, signature.service))
            if payload.canonical is not None:
                sigv4.verify(signature, SECRET, request, payload.canonical, self.now())
            if payload.signed_chunks:
                chain = sigv4.chain(signature, SECRET)
        return front.Admission(
            self.limit, payload=payload, signature=signature, chain=chain, blobs=self.blobs
        )

    def answer(self, request: Request, admission: front.Admission, reply: Any) -> Any:
        if request.path.startswith("/open/later"):
            return self.call(request, admission)
        asyncio.get_running_loop().call_soon(self._answer, request, admission, reply)
        return None

    def _answer(self, request: Request, admission: front.Admission, reply: Any) -> None:
        try:
            reply(self.respond(request, admission))
        except Exception as error:
            reply(error)

    async def call(self, request: Request, admission: front.Admission) -> Response:
        if request.path == "/open/later/never":
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        await self.gate.wait()
        return self.respond(request, admission)

    def respond(self, request: Request, admission: front.Admission) -> Response:
        signature, payload = admission.signature, admission.payload
        if signature is not None and payload is not None and payload.canonical is None:
            sigv4.verify(signature, SECRET, request, request.body.sha256, self.now())
        self.seen.append(request)
        if request.path == "/open/crash":
            raise RuntimeError("boom")
        if request.path == "/open/stream":
            told, _, rest = request.query.partition("&")
            size: int | None = int(told or "0")
            pieces = _pieces(int(told or "0"))
            if rest:
                size = None if rest == "unknown" else int(rest.partition("=")[2])
            return Response(200, [], Stream(pieces, size))
        if request.path == "/open/header":
            return Response(200, [("x-sent", unquote(request.query))])
        if request.path == "/open/status":
            return Response(int(request.query), [("etag", '"x"')], b"never for 204 and 304")
        if request.path == "/open/keep":
            return Response(200, [], request.body.keep().encode())
        if signature is not None:
            return Response(200, [])
        told: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "size": request.body.size,
            "sha256": request.body.sha256,
            "crc32": request.body.digest("CRC32").hex(),
            "trailers": request.trailers,
        }
        return Response(200, [("x-amz-request-id", "R1")], json.dumps(told).encode())

    def fault(self, error: Exception, request: Request) -> Response:
        self.faults.append(error)
        if not isinstance(error, AwsError):
            error = AwsError("InternalFailure", "An internal error occurred.", status=500)
        text = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
        headers = [("content-type", "application/xml"), ("x-amz-request-id", "R2")]
        return Response(error.status or 400, headers, text.encode())


async def _pieces(size: int) -> Any:
    while size > 0:
        yield bytes(min(size, 65536))
        size -= 65536


class Running:
    """A front serving in its own thread."""

    def __init__(self, app: EchoApp, limits: front.Limits) -> None:
        self.app = app
        self._started = threading.Event()
        self._limits = limits
        self._thread = threading.Thread(target=self._main)
        self._thread.start()
        self._started.wait(10)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.server = await front.serve(self.app, port=0, limits=self._limits, now=time.time)
        self.port = self.server.port
        self.url = f"http://127.0.0.1:{self.port}"
        self._started.set()
        await self._stop.wait()
        await self.server.stop()

    def wait_idle(self) -> None:
        """Until no request is under way: an answer is sent before its request is cleaned up."""
        while self.server.busy:
            pass

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
