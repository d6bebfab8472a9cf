"""Streams: made, described, listed, deleted."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import firehose as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations import destinations, encrypting
from mesocosm.services.firehose.operations.opened import known, save, stream_arn
from mesocosm.services.firehose.operations.tags import as_map, check_tags
from mesocosm.services.firehose.resources import (
    CREATING,
    DELETING,
    DELETING_FAILED,
    Encryption,
    Stream,
    arn_of,
    streams,
)
from mesocosm.services.firehose.rules.expressions import refused
from mesocosm.wire.errors import AwsError

STREAMS_MAX = 5_000
SETTLING = 5.0
"""Seconds until a stream is active, or gone."""
LISTED = 10


def _needs(call: Call, request: api.CreateDeliveryStreamInput) -> list[Need]:
    arn = stream_arn(call, request)
    needs = [Need("firehose:TagDeliveryStream", arn)] if request.tags else []
    found = destinations.given(request, "configuration")
    return needs + (destinations.passing(found) if found else [])


@firehose.operation(
    "CreateDeliveryStream",
    resource=stream_arn,
    tags=lambda request: as_map(request.tags),
    needs=_needs,
)
def create_delivery_stream(
    call: Call, request: api.CreateDeliveryStreamInput
) -> api.CreateDeliveryStreamOutput:
    """Make a stream; it takes records once it is active."""
    name, rows = request.delivery_stream_name, call.rows(streams)
    kind = request.delivery_stream_type or "DirectPut"
    if kind != "DirectPut":
        raise call.not_implemented(f"a stream of the type {kind}")
    destinations.refuse_others(call, request, "configuration")
    if name in rows:
        raise AwsError(
            "ResourceInUseException",
            f"Firehose {name} under accountId {call.account} already exists",
        )
    if len(rows) >= STREAMS_MAX:
        raise AwsError(
            "LimitExceededException",
            f"Account {call.account} already consumes all of its {STREAMS_MAX} streams.",
        )
    given = destinations.given(request, "configuration")
    if given is None:
        raise refused("Exactly one destination configuration is supported for a Firehose.")
    tags = as_map(request.tags)
    check_tags(tags)
    source = request.direct_put_source_configuration
    row = Stream(
        name=name,
        id=call.ids.hex(16),
        created=call.now,
        destination=destinations.checked(call, given, name),
        throughput=source.throughput_hint_in_mbs if source is not None else 0,
        tags=tags,
    )
    wanted = request.delivery_stream_encryption_configuration_input
    if wanted is not None:
        row = encrypting.enable(call, row, wanted)
    save(call, row)
    call.at(call.now + SETTLING, "active", name)
    return api.CreateDeliveryStreamOutput(
        delivery_stream_arn=arn_of(call.region, call.account, name)
    )


@firehose.operation("DeleteDeliveryStream", resource=stream_arn)
def delete_delivery_stream(
    call: Call, request: api.DeleteDeliveryStreamInput
) -> api.DeleteDeliveryStreamOutput:
    """Delete a stream with what it has gathered."""
    row = known(call, request.delivery_stream_name)
    if row.status == CREATING:
        raise AwsError(
            "ResourceInUseException",
            f"Firehose {row.name} under accountId {call.account} is in the CREATING state.",
        )
    if row.status != DELETING:
        if not encrypting.release(call, row, bool(request.allow_force_delete)):
            save(call, replace(row, status=DELETING_FAILED))
            return api.DeleteDeliveryStreamOutput()
        save(call, replace(row, status=DELETING))
        call.at(call.now + SETTLING, "gone", row.name)
    return api.DeleteDeliveryStreamOutput()


@firehose.operation("DescribeDeliveryStream", resource=stream_arn)
def describe_delivery_stream(
    call: Call, request: api.DescribeDeliveryStreamInput
) -> api.DescribeDeliveryStreamOutput:
    """A stream with its destination."""
    row = known(call, request.delivery_stream_name)
    source = None
    if row.throughput:
        direct = api.DirectPutSourceDescription(throughput_hint_in_mbs=row.throughput)
        source = api.SourceDescription(direct_put_source_description=direct)
    return api.DescribeDeliveryStreamOutput(
        delivery_stream_description=api.DeliveryStreamDescription(
            delivery_stream_name=row.name,
            delivery_stream_arn=arn_of(call.region, call.account, row.name),
            delivery_stream_status=row.status,
            delivery_stream_encryption_configuration=_encryption(row.encryption),
            delivery_stream_type="DirectPut",
            version_id=str(row.version),
            create_timestamp=row.created,
            last_update_timestamp=row.updated or None,
            source=source,
            destinations=[destinations.description(row.destination)],
            has_more_destinations=False,
        )
    )


def _encryption(one: Encryption) -> api.DeliveryStreamEncryptionConfiguration:
    return api.DeliveryStreamEncryptionConfiguration(
        status=one.status, key_type=one.type or None, key_arn=one.key or None
    )


@firehose.operation("ListDeliveryStreams")
def list_delivery_streams(
    call: Call, request: api.ListDeliveryStreamsInput
) -> api.ListDeliveryStreamsOutput:
    """The names of the caller's streams in this Region, in their order."""
    start = request.exclusive_start_delivery_stream_name or ""
    wanted = request.delivery_stream_type in (None, "DirectPut")
    names = sorted(name for name in call.rows(streams) if name > start) if wanted else []
    limit = request.limit or LISTED
    return api.ListDeliveryStreamsOutput(
        delivery_stream_names=names[:limit], has_more_delivery_streams=len(names) > limit
    )
