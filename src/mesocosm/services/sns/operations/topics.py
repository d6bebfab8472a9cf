"""Topics: creating, finding, deleting; their attributes."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.sns import sns
from mesocosm.services.sns.operations import attributes
from mesocosm.services.sns.operations.opened import (
    PAGE,
    every_arn,
    keep,
    mendable_arn,
    opened,
    passing,
    resource_arn,
    topic_arn,
)
from mesocosm.services.sns.resources import (
    Topic,
    by_topic,
    subscriptions,
    topics,
)
from mesocosm.services.sns.rules import topics as rules
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.wire.errors import AwsError


def _named_arn(call: Call, request: api.CreateTopicInput) -> str:
    return call.arn(request.name)


def tags_of(given: list[api.Tag] | None) -> dict[str, str]:
    """Tags as a mapping."""
    return {tag.key: tag.value for tag in given or ()}


def _tagging(call: Call, request: api.CreateTopicInput) -> list[Need]:
    found = [Need("sns:TagResource", _named_arn(call, request))] if request.tags else []
    given = request.attributes or {}
    return found + [passing(given[name]) for name in given if _is_role(name) and given[name]]


def _is_role(name: str) -> bool:
    return name in rules.FEEDBACK and name.endswith("RoleArn")


def _new_role(call: Call, request: api.SetTopicAttributesInput) -> list[Need]:
    role = request.attribute_value
    return [passing(role)] if role and _is_role(request.attribute_name) else []


@sns.operation(
    "CreateTopic",
    resource=_named_arn,
    tags=lambda request: tags_of(request.tags),
    needs=_tagging,
)
def create_topic(call: Call, request: api.CreateTopicInput) -> api.CreateTopicResponse:
    """Make a topic, or find the one of that name with these attributes and tags."""
    given = dict(request.attributes or {})
    fifo = rules.flag("FifoTopic", given.pop("FifoTopic", "false"))
    rules.check_name(request.name, fifo)
    if request.data_protection_policy:
        raise call.not_implemented("message data protection (DataProtectionPolicy)")
    tags = tags_of(request.tags)
    rules.check_tags(tags)
    rows = call.rows(topics)
    arn = call.arn(request.name)
    existing = rows.get(request.name)
    row = existing or Topic(name=request.name, id=call.ids.hex(12), created=call.now, fifo=fifo)
    for name, value in given.items():
        row = attributes.changed(call, arn, row, name, value, "Attributes Reason: ")
    if existing is not None:
        _check_same(existing, row, request, fifo, tags)
    else:
        attributes.check(row)
        rows[request.name] = replace(row, tags=tags)
    return api.CreateTopicResponse(topic_arn=arn)


def _check_same(
    before: Topic, now: Topic, request: api.CreateTopicInput, fifo: bool, tags: dict[str, str]
) -> None:
    if request.tags is not None and tags != before.tags:
        raise invalid("Tags Reason: Topic already exists with different tags")
    if replace(now, archived=before.archived) != before or fifo != before.fifo:
        raise invalid("Attributes Reason: Topic already exists with different attributes")


@sns.operation("DeleteTopic", resource=topic_arn)
def delete_topic(call: Call, request: api.DeleteTopicInput) -> None:
    """Delete a topic and its subscriptions; one that is not there is gone already. What is on its
    way is not delivered any more.
    """
    try:
        topic = opened(call, request.topic_arn)
    except AwsError as error:
        if error.code == "NotFound":
            return
        raise
    if topic.row.archive:
        raise AwsError(
            "InvalidState",
            "Cannot delete a topic with an active message archive policy. Deactivate the archive "
            "policy and try again.",
        )
    account, region = topic.name.account, topic.name.region
    rows = call.rows(subscriptions, account, region)
    for name in rows.find(by_topic, topic.name.topic):
        del rows[name]
    del call.rows(topics, account, region)[topic.name.topic]
    call.timers.at(call.now, "sns", "forget", topic.row.id, account, region)


@sns.operation("ListTopics", resource=every_arn)
def list_topics(call: Call, request: api.ListTopicsInput) -> api.ListTopicsResponse:
    """The caller's topics in this Region, a hundred at a time."""
    names, token = page(
        call.rows(topics), lambda name: name, request.next_token, PAGE, rules.bad_token
    )
    return api.ListTopicsResponse(
        topics=[api.Topic(topic_arn=call.arn(name)) for name in names], next_token=token
    )


@sns.operation("GetTopicAttributes", resource=mendable_arn)
def get_topic_attributes(
    call: Call, request: api.GetTopicAttributesInput
) -> api.GetTopicAttributesResponse:
    """Every attribute of a topic."""
    topic = opened(call, request.topic_arn)
    return api.GetTopicAttributesResponse(attributes=attributes.shown(call, topic))


@sns.operation("SetTopicAttributes", resource=mendable_arn, needs=_new_role)
def set_topic_attributes(call: Call, request: api.SetTopicAttributesInput) -> None:
    """Change one attribute; an empty value takes it away."""
    topic = opened(call, request.topic_arn)
    name = request.attribute_name
    if name == "FifoTopic":
        raise invalid("AttributeName")
    row = attributes.changed(call, topic.arn, topic.row, name, request.attribute_value or "", "")
    attributes.check(row)
    keep(call, topic, row)
    if topic.row.archive and not row.archive:
        call.timers.at(call.now, "sns", "unarchive", row.id, topic.name.account, topic.name.region)


# -- data protection -----------------------------------------------------------------------


@sns.operation("GetDataProtectionPolicy", resource=resource_arn)
def get_data_protection_policy(
    call: Call, request: api.GetDataProtectionPolicyInput
) -> api.GetDataProtectionPolicyResponse:
    """No topic has one, as PutDataProtectionPolicy is refused."""
    opened(call, request.resource_arn, "ResourceArn")
    return api.GetDataProtectionPolicyResponse()
