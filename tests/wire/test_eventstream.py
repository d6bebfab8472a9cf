"""Event streams, read by botocore's parser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from mesocosm import wire
from mesocosm.api import logs as api
from mesocosm.wire.eventstream import MEDIA_TYPE, message
from mesocosm.wire.message import Events, Stream

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)


@given(headers=st.dictionaries(NAMES, st.text(max_size=30), max_size=4), payload=st.binary())
def test_a_message_is_what_it_was(headers: dict[str, str], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(message(headers, payload))
    [found] = list(buffer)
    assert found.headers == headers
    assert found.payload == payload


def test_an_answer_with_a_stream_begins_with_the_rest_of_the_answer() -> None:
    async def values() -> AsyncIterator[api.StartLiveTailResponseStream]:
        update = api.LiveTailSessionUpdate(session_results=[])
        yield api.StartLiveTailResponseStream(session_update=update)
        over = api.SessionTimeoutException(message="over")
        yield api.StartLiveTailResponseStream(session_timeout_exception=over)

    async def body(stream: Stream) -> bytes:
        return b"".join([piece async for piece in stream.chunks])

    codec = wire.codec("logs", "StartLiveTail", "json")
    answer = codec.answer(api.StartLiveTailResponse(response_stream=Events(values())), "id")
    assert dict(answer.headers)["content-type"] == MEDIA_TYPE
    assert isinstance(answer.body, Stream)
    buffer = EventStreamBuffer()
    buffer.add_data(asyncio.run(body(answer.body)))
    first, update, over = list(buffer)
    assert first.headers[":event-type"] == "initial-response"
    assert (update.headers[":event-type"], update.payload) == (
        "sessionUpdate",
        b'{"sessionResults":[]}',
    )
    assert over.headers[":message-type"] == "exception"
    assert over.headers[":exception-type"] == "SessionTimeoutException"
    assert over.payload == b'{"message":"over"}'
