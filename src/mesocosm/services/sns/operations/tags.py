"""Tags of topics."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.operations.opened import OpenTopic, keep, opened, resource_arn
from mesocosm.services.sns.operations.topics import tags_of
from mesocosm.services.sns.rules import topics as rules
from mesocosm.wire.errors import AwsError


def _opened(call: Call, arn: str) -> OpenTopic:
    try:
        return opened(call, arn, "ResourceArn")
    except AwsError as error:
        if error.code == "NotFound":
            raise AwsError("ResourceNotFound", "Resource does not exist") from None
        raise


@sns.operation("TagResource", resource=resource_arn, tags=lambda request: tags_of(request.tags))
def tag_resource(call: Call, request: api.TagResourceRequest) -> api.TagResourceResponse:
    """Add tags, or change the values of those there."""
    topic = _opened(call, request.resource_arn)
    if len({tag.key for tag in request.tags}) < len(request.tags):
        raise AwsError("InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
    tags = {**topic.row.tags, **tags_of(request.tags)}
    rules.check_tags(tags)
    keep(call, topic, replace(topic.row, tags=tags))
    return api.TagResourceResponse()


@sns.operation("UntagResource", resource=resource_arn, tag_keys=lambda request: request.tag_keys)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> api.UntagResourceResponse:
    """Take tags away; those that are not there do not matter."""
    topic = _opened(call, request.resource_arn)
    tags = {key: value for key, value in topic.row.tags.items() if key not in request.tag_keys}
    keep(call, topic, replace(topic.row, tags=tags))
    return api.UntagResourceResponse()


@sns.operation("ListTagsForResource", resource=resource_arn)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResponse:
    """The tags of a topic."""
    topic = _opened(call, request.resource_arn)
    return api.ListTagsForResourceResponse(
        tags=[api.Tag(key=key, value=value) for key, value in topic.row.tags.items()]
    )
