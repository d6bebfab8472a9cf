"""Tags of alarms, mute rules, streams, dashboards and saved queries: and their ARNs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.service import Target
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.alarms import alarms
from mesocosm.services.cloudwatch.resources.kept import GLOBAL, dashboards, definitions, streams
from mesocosm.services.cloudwatch.resources.mutes import mutes
from mesocosm.services.cloudwatch.rules.alarms import TAGS_MAX, check_tags
from mesocosm.services.cloudwatch.rules.errors import invalid, no_resource
from mesocosm.world import Rows, Table, World


class Kind(NamedTuple):
    """A kind of resource with tags. `start`: how its ARNs go on after the account."""

    type: str
    start: str
    table: Table[str, Any]
    region: str = ""


KINDS = (
    Kind("AWS::CloudWatch::Alarm", "alarm:", alarms),
    Kind("AWS::CloudWatch::AlarmMuteRule", "alarm-mute-rule:", mutes),
    Kind("AWS::CloudWatch::MetricStream", "metric-stream/", streams),
    Kind("AWS::CloudWatch::Dashboard", "dashboard/", dashboards, GLOBAL),
    Kind("AWS::CloudWatch::MetricDataQueryDefinition", "metric-query-definition/", definitions),
)


def find(world: World, arn: str) -> tuple[Rows[str, Any], str] | None:
    """The rows and the key of the resource an ARN names; None: there is none."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "cloudwatch":
        return None
    for kind in KINDS:
        if parts[5].startswith(kind.start):
            rows = world.rows(kind.table, parts[4], kind.region or parts[3])
            key = parts[5][len(kind.start) :]
            return (rows, key) if key in rows else None
    return None


@cloudwatch.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a resource: its tags."""
    found = find(world, arn)
    if found is None:
        return None
    rows, key = found
    parts = arn.split(":", 5)
    return Target(arn, parts[4], rows[key].tags, region=parts[3])


def _own(call: Call, arn: str) -> tuple[Rows[str, Any], str]:
    if arn.count(":") < 5 or not arn.startswith("arn:"):
        raise invalid(f"The value {arn} for parameter ResourceARN is invalid.")
    found = find(call.world, arn)
    if found is None:
        raise no_resource("resource", arn)
    return found


@cloudwatch.operation(
    "TagResource",
    resource=lambda call, request: request.resource_arn,
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
)
def tag_resource(call: Call, request: api.TagResourceInput) -> api.TagResourceOutput:
    """Add tags, or change the values of those there."""
    rows, key = _own(call, request.resource_arn)
    tags = {**rows[key].tags, **check_tags(request.tags)}
    if len(tags) > TAGS_MAX:
        raise invalid(f"The number of tags exceeds the limit of {TAGS_MAX}.")
    rows[key] = replace(rows[key], tags=tags)
    return api.TagResourceOutput()


@cloudwatch.operation(
    "UntagResource",
    resource=lambda call, request: request.resource_arn,
    tag_keys=lambda request: request.tag_keys,
)
def untag_resource(call: Call, request: api.UntagResourceInput) -> api.UntagResourceOutput:
    """Take tags away."""
    rows, key = _own(call, request.resource_arn)
    left = {name: value for name, value in rows[key].tags.items() if name not in request.tag_keys}
    rows[key] = replace(rows[key], tags=left)
    return api.UntagResourceOutput()


@cloudwatch.operation("ListTagsForResource", resource=lambda call, request: request.resource_arn)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceInput
) -> api.ListTagsForResourceOutput:
    """The tags of a resource."""
    rows, key = _own(call, request.resource_arn)
    return api.ListTagsForResourceOutput(
        tags=[api.Tag(key=name, value=value) for name, value in sorted(rows[key].tags.items())]
    )


def _declare(kind: Kind) -> None:
    def listed(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        if (region == GLOBAL) != (kind.region == GLOBAL):
            return
        place = "" if kind.region else region
        for key, row in world.rows(kind.table, account, kind.region or region).items():
            yield f"arn:aws:cloudwatch:{place}:{account}:{kind.start}{key}", row.tags

    cloudwatch.tagged(
        kind.type,
        f"arn:aws:cloudwatch:*:*:{kind.start}**",
        tag=(
            "TagResource",
            lambda call, arn, tags: api.TagResourceInput(
                resource_arn=arn, tags=[api.Tag(key=k, value=v) for k, v in tags.items()]
            ),
        ),
        untag=(
            "UntagResource",
            lambda call, arn, keys: api.UntagResourceInput(resource_arn=arn, tag_keys=list(keys)),
        ),
    )(listed)


for one in KINDS:
    _declare(one)
