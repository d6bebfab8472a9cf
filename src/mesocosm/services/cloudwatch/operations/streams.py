"""Metric streams: which metrics go where. What they send is in `control/streaming.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.streaming import SERVICE
from mesocosm.services.cloudwatch.resources.kept import Stream, pending, streams
from mesocosm.services.cloudwatch.rules import statistics
from mesocosm.services.cloudwatch.rules.alarms import check_tags
from mesocosm.services.cloudwatch.rules.errors import combination, invalid, no_resource

PAGE = 500
NAMES_MAX = 1_000
CONFIGURATIONS_MAX = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FIREHOSE = re.compile(r"arn:[a-z0-9-]+:firehose:[a-z0-9-]+:\d{12}:deliverystream/[A-Za-z0-9_.-]+")
_ROLE = re.compile(r"arn:[a-z0-9-]+:iam::\d{12}:role/.+")


def stream_arn(call: Call, name: str) -> str:
    """The ARN of a metric stream."""
    return call.arn(f"metric-stream/{name}")


def _arn(call: Call, request: Any) -> str:
    return stream_arn(call, request.name)


def _arns(call: Call, request: Any) -> list[str]:
    return [stream_arn(call, name) for name in request.names]


def _needs(call: Call, request: Any) -> list[Need]:
    found = [Need("iam:PassRole", request.role_arn, {"iam:PassedToService": SERVICE})]
    if request.tags:
        found.append(Need("cloudwatch:TagResource", _arn(call, request)))
    return found


@cloudwatch.operation(
    "PutMetricStream",
    resource=_arn,
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=_needs,
)
def put_metric_stream(call: Call, request: api.PutMetricStreamInput) -> api.PutMetricStreamOutput:
    """Make a stream, which runs at once, or overwrite one, which stays running or stopped."""
    _check(call, request)
    rows = call.rows(streams)
    known = rows.get(request.name)
    rows[request.name] = Stream(
        name=request.name,
        request=msgspec.json.encode(replace(request, tags=None)).decode(),
        created=known.created if known else call.now,
        updated=call.now,
        running=known.running if known else True,
        tags=known.tags if known else check_tags(request.tags),
    )
    return api.PutMetricStreamOutput(arn=stream_arn(call, request.name))


def _check(call: Call, request: api.PutMetricStreamInput) -> None:
    if not _NAME.fullmatch(request.name):
        raise invalid(f"The value {request.name} for parameter Name is invalid.")
    if not _FIREHOSE.fullmatch(request.firehose_arn):
        raise invalid(f"The value {request.firehose_arn} for parameter FirehoseArn is invalid.")
    if not _ROLE.fullmatch(request.role_arn):
        raise invalid(f"The value {request.role_arn} for parameter RoleArn is invalid.")
    if request.include_filters is not None and request.exclude_filters is not None:
        raise combination("IncludeFilters and ExcludeFilters cannot both be specified.")
    if request.include_linked_accounts_metrics:
        raise call.not_implemented("metrics of linked accounts (Observability Access Manager)")
    filters = [*(request.include_filters or ()), *(request.exclude_filters or ())]
    names = 0
    for one in filters:
        if not one.namespace:
            raise invalid("The parameter Namespace of a filter is required.")
        names += 1 + len(one.metric_names or ())
    if names > NAMES_MAX:
        raise invalid(f"The filters must not have more than {NAMES_MAX} names.")
    configurations = request.statistics_configurations or ()
    if len(configurations) > CONFIGURATIONS_MAX:
        raise invalid(
            "The collection StatisticsConfigurations must not have a size greater than "
            f"{CONFIGURATIONS_MAX}."
        )
    for configuration in configurations:
        for text in configuration.additional_statistics:
            statistic = statistics.parse(text)
            if statistic is None or not statistic.extended:
                raise invalid(f"The value {text} for parameter AdditionalStatistics is invalid.")
            if request.output_format != "json" and statistic.kind != "p":
                raise invalid(
                    f"The value {text} for parameter AdditionalStatistics is not supported for the "
                    f"output format {request.output_format}."
                )


@cloudwatch.operation("GetMetricStream", resource=_arn)
def get_metric_stream(call: Call, request: api.GetMetricStreamInput) -> api.GetMetricStreamOutput:
    """A stream as it was put."""
    row = call.rows(streams).get(request.name)
    if row is None:
        raise no_resource("metric-stream", request.name)
    asked = row.asked
    return api.GetMetricStreamOutput(
        arn=stream_arn(call, row.name),
        name=row.name,
        include_filters=asked.include_filters,
        exclude_filters=asked.exclude_filters,
        firehose_arn=asked.firehose_arn,
        role_arn=asked.role_arn,
        state=_state(row),
        creation_date=row.created,
        last_update_date=row.updated,
        output_format=asked.output_format,
        statistics_configurations=asked.statistics_configurations,
        include_linked_accounts_metrics=False,
    )


@cloudwatch.operation("ListMetricStreams")
def list_metric_streams(
    call: Call, request: api.ListMetricStreamsInput
) -> api.ListMetricStreamsOutput:
    """The streams in the order of their names."""
    found, token = page(
        call.rows(streams).values(),
        lambda row: row.name,
        request.next_token,
        request.max_results or PAGE,
        lambda: invalid("Invalid NextToken"),
    )
    return api.ListMetricStreamsOutput(
        entries=[
            api.MetricStreamEntry(
                arn=stream_arn(call, row.name),
                name=row.name,
                creation_date=row.created,
                last_update_date=row.updated,
                firehose_arn=row.asked.firehose_arn,
                state=_state(row),
                output_format=row.asked.output_format,
            )
            for row in found
        ],
        next_token=token,
    )


@cloudwatch.operation("DeleteMetricStream", resource=_arn)
def delete_metric_stream(
    call: Call, request: api.DeleteMetricStreamInput
) -> api.DeleteMetricStreamOutput:
    """Delete a stream, if it is there."""
    call.rows(streams).pop(request.name, None)
    _forget(call)
    return api.DeleteMetricStreamOutput()


@cloudwatch.operation("StartMetricStreams", resource=_arns)
def start_metric_streams(
    call: Call, request: api.StartMetricStreamsInput
) -> api.StartMetricStreamsOutput:
    """Let streams send from now on."""
    _run(call, request.names, True)
    return api.StartMetricStreamsOutput()


@cloudwatch.operation("StopMetricStreams", resource=_arns)
def stop_metric_streams(
    call: Call, request: api.StopMetricStreamsInput
) -> api.StopMetricStreamsOutput:
    """Let streams send no more; what comes meanwhile is not sent later."""
    _run(call, request.names, False)
    _forget(call)
    return api.StopMetricStreamsOutput()


def _run(call: Call, names: Sequence[str], running: bool) -> None:
    rows = call.rows(streams)
    for name in names:
        if name not in rows:
            raise invalid(f"Metric stream {name} does not exist.")
    for name in names:
        if rows[name].running != running:
            rows[name] = replace(rows[name], running=running, updated=call.now)


def _forget(call: Call) -> None:
    """Without a running stream there is nothing to send."""
    if not any(row.running for row in call.rows(streams).values()):
        call.rows(pending).clear()
        call.cancel("stream", "")


def _state(row: Stream) -> str:
    return "running" if row.running else "stopped"
