"""Log streams."""

from __future__ import annotations

from functools import lru_cache

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import decode_token, encode_token
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.groups import END, invalid_token
from mesocosm.services.logs.resources.rows import Stream, events, streams
from mesocosm.services.logs.resources.targets import (
    bad,
    find,
    find_stream,
    group_arn,
    one_of,
    stream_arn,
)
from mesocosm.wire.errors import AwsError


@logs.operation("CreateLogStream", resource=stream_arn)
def create_log_stream(call: Call, request: api.CreateLogStreamRequest) -> None:
    """Make a stream in a group."""
    found = find(call, request.log_group_name)
    rows = call.rows(streams)
    key = (found.group.id, request.log_stream_name)
    if key in rows:
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    rows[key] = Stream(name=request.log_stream_name, id=call.ids.hex(20), created=call.now)


@logs.operation("DeleteLogStream", resource=stream_arn)
def delete_log_stream(call: Call, request: api.DeleteLogStreamRequest) -> None:
    """Delete a stream with its events."""
    found = find(call, request.log_group_name)
    stream = find_stream(call, found, request.log_stream_name)
    call.world.segments(events, call.account, call.region).drop(stream.id)
    del call.rows(streams)[found.group.id, stream.name]


@logs.operation("DescribeLogStreams", resource=group_arn)
def describe_log_streams(
    call: Call, request: api.DescribeLogStreamsRequest
) -> api.DescribeLogStreamsResponse:
    """The streams of a group, by name or by their last event."""
    found = find(call, one_of(request.log_group_name, request.log_group_identifier))
    prefix = request.log_stream_name_prefix or ""
    by_time = request.order_by == "LastEventTime"
    if by_time and prefix:
        raise bad("Cannot order by LastEventTime with a logStreamNamePrefix.")
    rows = call.rows(streams, found.at.account, found.at.region)
    group = found.group.id
    keys = rows.range((group, prefix), (group, prefix + END))
    ordered = [(f"{rows[key].last + 1:016d} " if by_time else "") + key[1] for key in keys]
    ordered.sort(reverse=bool(request.descending))
    after = decode_token(request.next_token, invalid_token) if request.next_token else None
    if after is not None:
        ordered = [one for one in ordered if (one < after if request.descending else one > after)]
    limit = request.limit or 50
    token = encode_token(ordered[limit - 1]) if len(ordered) > limit else None
    names = [one[17:] if by_time else one for one in ordered[:limit]]
    return api.DescribeLogStreamsResponse(
        log_streams=[_shown(rows[group, name], found.at.arn) for name in names], next_token=token
    )


def _shown(row: Stream, group_arn: str) -> api.LogStream:
    return api.LogStream(
        log_stream_name=row.name,
        creation_time=int(row.created * 1000),
        first_event_timestamp=row.first if row.first >= 0 else None,
        last_event_timestamp=row.last if row.last >= 0 else None,
        last_ingestion_time=int(row.ingested * 1000) if row.ingested else None,
        upload_sequence_token=sequence_token(row),
        arn=f"{group_arn}:log-stream:{row.name}",
        stored_bytes=0,  # AWS: "this value is always 0 since June 17, 2019"
    )


def sequence_token(row: Stream) -> str:
    """AWS still gives a token, and takes any."""
    return f"4{int(row.ingested * 1000):015d}{_digits(row.id)}"


@lru_cache(maxsize=4096)
def _digits(stream: str) -> str:
    return f"{int(stream, 16) % 10**40:040d}"
