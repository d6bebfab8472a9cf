"""What takes longer than a short call: a body that comes in pieces, a call that waits, an answer
that is sent in pieces. Each runs in a task.

Coroutines stand apart from the path of a short call, which is compiled (tools/compile.py).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mesocosm.wire.sending import bodiless, head

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from mesocosm.wire.body import FileBody, MemoryBody
    from mesocosm.wire.exchange import Exchange
    from mesocosm.wire.message import Response, Stream

log = logging.getLogger("mesocosm.wire")

BATCH = 1 << 20
"""Bytes of a long body that are decoded, hashed and written at once."""


async def receive(exchange: Exchange) -> None:
    """Receive a body in pieces, then call."""
    try:
        exchange.body = exchange.request.body = await _received(exchange)
    except Exception as error:
        if exchange.complete:
            exchange.reply(error)
        else:
            exchange.refuse(error)
        return
    exchange.task = None
    exchange.call()


async def _received(exchange: Exchange) -> MemoryBody | FileBody:
    loop, inflow = exchange.connection.loop, exchange.inflow
    assert inflow is not None
    writing: asyncio.Future[None] | None = None
    try:
        while True:
            if exchange.buffered < BATCH and not exchange.complete:
                exchange.reader = loop.create_future()
                await exchange.reader
            if writing is not None:
                await writing  # no faster than the disk takes it
                writing = None
            data, last = exchange.taken(), exchange.complete
            if inflow.heavy(len(data)):
                writing = loop.run_in_executor(None, inflow.feed, data)
            else:
                inflow.feed(data)
            if last:
                break
        if writing is not None:
            await writing
            writing = None
        return inflow.finish()
    except BaseException:
        if writing is not None:
            await asyncio.wait([writing])
            writing.exception()
        inflow.discard()
        raise


async def wait(exchange: Exchange, waiting: Coroutine[Any, Any, Response]) -> None:
    """Answer, once what the call waits for has happened."""
    try:
        response: Response | Exception = await waiting
    except Exception as error:
        response = error
    exchange.task = None
    exchange.reply(response)


async def stream(exchange: Exchange, response: Response, content: Stream) -> None:
    """Send piece by piece, no faster than the client reads; stop when it is gone."""
    connection, chunks, left = exchange.connection, content.chunks, content.size
    chunked = left is None and not exchange.http10
    exchange.keep_alive = exchange.keep_alive and (chunked or left is not None)
    keep = exchange.keep_alive and not connection.ending
    try:
        connection.write(head(response, connection.date, left, keep_alive=keep, chunked=chunked))
        if exchange.request.method != "HEAD" and not bodiless(response.status):
            async for piece in chunks:
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        raise RuntimeError("a stream is longer than announced")
                if chunked and piece:
                    piece = b"%x\r\n%b\r\n" % (len(piece), piece)
                connection.write(piece)
                if connection.writable is not None:
                    await connection.writable
            if left:
                raise RuntimeError("a stream is shorter than announced")
            if chunked:
                connection.write(b"0\r\n\r\n")
    except Exception:
        # The head is out: only a broken connection tells the client that this is not all.
        log.exception("an answer broke off: %s %s", exchange.request.method, exchange.request.path)
        connection.transport.abort()
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    exchange.task = None
    exchange.finish()
