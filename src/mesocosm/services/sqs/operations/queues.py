"""Queues: creating, finding, listing, deleting; their attributes and tags."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations.encrypting import REUSE_SECONDS
from mesocosm.services.sqs.operations.opened import OfQueue, Opened, find, opened, own, queue_arn
from mesocosm.services.sqs.resources import (
    Deleted,
    Queue,
    arn_of,
    by_dead_letter,
    deleted,
    no_such_queue,
    queues,
    split_arn,
    url_of,
)
from mesocosm.services.sqs.rules import attributes as rules
from mesocosm.services.sqs.rules.messages import invalid, missing
from mesocosm.wire.errors import AwsError

AGAIN_SECONDS = 60
DELAYED_AT_ONCE = 250
"""Messages that a new delay reaches in one go: some 5 ms."""
TAGS_MAX = 50
RESULTS_MAX = 1_000


# -- attributes ----------------------------------------------------------------------------


def _fields(call: Call, given: dict[str, str], fifo: bool, arn: str) -> dict[str, object]:
    """The members that the attributes given set, for a queue of that ARN."""
    known = {name: value for name, value in given.items() if name != "KmsMasterKeyId"}

    def dead_letter(text: str) -> rules.DeadLetter | None:
        found = rules.redrive_policy(text)
        if found is not None:
            _check_dead_letter(call, text, found.arn, fifo, arn)
        return found

    found = rules.fields(known, fifo, dead_letter)
    if "KmsMasterKeyId" in given:
        if given["KmsMasterKeyId"] and found.get("managed_sse"):
            raise rules.bad_value(
                "SqsManagedSseEnabled", "You can use one type of server-side encryption at a time."
            )
        found["kms_key"] = given["KmsMasterKeyId"]
        if given["KmsMasterKeyId"]:
            found["managed_sse"] = False
    elif found.get("managed_sse"):
        found["kms_key"] = ""
    if "policy" in found:
        found["principals"] = _principals(call, found["policy"])
    return found


def _principals(call: Call, policy: str) -> dict[str, str]:
    """The unique ids of the users and roles that a policy names; they must be there."""
    identity = call.cloud.provider("identity")
    if not policy or identity is None:
        return {}
    try:
        found: dict[str, str] = identity.resolved(policy)
    except AwsError:
        raise rules.bad_value("Policy") from None
    return found


def _check_dead_letter(call: Call, text: str, target: str, fifo: bool, arn: str) -> None:
    """The dead-letter queue must be there, of the same kind, and must allow it."""
    named = split_arn(target)
    row = None
    if named is not None and named[:2] == (call.region, call.account):
        row = call.rows(queues).get(named[2])
    if row is None:
        raise rules.bad_parameter(text, "RedrivePolicy", "Dead letter target does not exist.")
    if row.fifo != fifo:
        reason = "Dead-letter queue must be same type of queue as the source."
        raise rules.bad_parameter(text, "RedrivePolicy", reason)
    if not rules.allows_redrive(row.redrive_allow, arn):
        reason = "The dead-letter queue's RedriveAllowPolicy doesn't allow this source queue."
        raise rules.bad_parameter(text, "RedrivePolicy", reason)


def shown(queue: Opened) -> dict[str, str]:
    """Every attribute of a queue, as GetQueueAttributes shows it."""
    row, line = queue.queue, queue.line
    line.advance(queue.call.now)
    found = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(line.available),
        "ApproximateNumberOfMessagesNotVisible": str(line.flying),
        "ApproximateNumberOfMessagesDelayed": str(line.delayed),
        "CreatedTimestamp": str(int(row.created)),
        "LastModifiedTimestamp": str(int(row.modified)),
        "VisibilityTimeout": str(row.visibility),
        "MaximumMessageSize": str(row.maximum_size),
        "MessageRetentionPeriod": str(row.retention),
        "DelaySeconds": str(row.delay),
        "ReceiveMessageWaitTimeSeconds": str(row.wait),
        "SqsManagedSseEnabled": _flag(row.managed_sse),
    }
    if row.fifo:
        found["FifoQueue"] = "true"
        found["ContentBasedDeduplication"] = _flag(row.content_deduplication)
        found["DeduplicationScope"] = row.deduplication_scope
        found["FifoThroughputLimit"] = row.throughput_limit
    if row.policy:
        identity = queue.call.cloud.provider("identity")
        found["Policy"] = identity.shown(row.policy, row.principals) if identity else row.policy
    if row.dead_letter_arn:
        dead_letter = rules.DeadLetter(row.dead_letter_arn, row.max_receives)
        found["RedrivePolicy"] = rules.redrive_text(dead_letter)
    if row.redrive_allow:
        found["RedriveAllowPolicy"] = row.redrive_allow
    if row.kms_key:
        found["KmsMasterKeyId"] = row.kms_key
    if row.kms_key or row.kms_reuse:
        found["KmsDataKeyReusePeriodSeconds"] = str(row.kms_reuse or REUSE_SECONDS)
    return found


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _check_throughput(row: Queue) -> None:
    if row.throughput_limit == "perMessageGroupId" and row.deduplication_scope != "messageGroup":
        raise rules.bad_value(
            "FifoThroughputLimit",
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is "
            "messageGroup.",
        )


# -- creating and deleting -----------------------------------------------------------------


def _named_arn(call: Call, request: api.CreateQueueRequest) -> str:
    return arn_of(call.region, call.account, request.queue_name)


def _tagging(call: Call, request: api.CreateQueueRequest) -> list[Need]:
    return [Need("sqs:TagQueue", _named_arn(call, request))] if request.tags else []


@sqs.operation(
    "CreateQueue", resource=_named_arn, tags=lambda request: request.tags, needs=_tagging
)
def create_queue(call: Call, request: api.CreateQueueRequest) -> api.CreateQueueResult:
    """Make a queue, or find the one of that name with these attributes."""
    name, given = request.queue_name, dict(request.attributes or {})
    kind = given.pop("FifoQueue", None)
    fifo = kind is not None and rules.flag("FifoQueue", kind)
    if kind is not None and not fifo:
        raise rules.unknown("FifoQueue")
    rules.check_name(name, fifo)
    rows = call.rows(queues)
    arn = arn_of(call.region, call.account, name)
    fields = _fields(call, given, fifo, arn)
    existing = rows.get(name)
    if existing is not None:
        for field, attribute in _NAMES_OF_FIELDS.items():
            if field in fields and fields[field] != getattr(existing, field):
                raise AwsError(
                    "QueueNameExists",
                    "A queue already exists with the same name and a different value for attribute "
                    f"{attribute}",
                )
        return api.CreateQueueResult(queue_url=url_of(call, call.account, name))
    gone = call.rows(deleted).get(name)
    if gone is not None and gone.at > call.now - AGAIN_SECONDS:
        raise AwsError(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with "
            "the same name.",
        )
    _check_tags(name, request.tags or {})
    row = Queue(
        name=name,
        store=f"{call.ids.hex(12)}.0",
        created=call.now,
        modified=call.now,
        fifo=fifo,
        tags=dict(request.tags or {}),
    )
    row = replace(row, **fields)
    _check_throughput(row)
    rows[name] = row
    return api.CreateQueueResult(queue_url=url_of(call, call.account, name))


_NAMES_OF_FIELDS = (
    {field: name for name, (field, _, _) in rules.NUMBERS.items()}
    | {field: name for name, (field, _) in rules.CHOICES.items()}
    | {field: name for name, field in rules.FLAGS.items()}
    | {"kms_key": "KmsMasterKeyId", "policy": "Policy", "redrive_allow": "RedriveAllowPolicy"}
    | {"dead_letter_arn": "RedrivePolicy", "max_receives": "RedrivePolicy"}
)


@sqs.operation("DeleteQueue", resource=queue_arn)
def delete_queue(call: Call, request: api.DeleteQueueRequest) -> None:
    """Delete a queue with all its messages."""
    queue = own(call, request.queue_url)
    del call.rows(queues)[queue.name]
    call.rows(deleted)[queue.name] = Deleted(call.now)
    call.at(call.now + AGAIN_SECONDS, "name", queue.name)
    call.cancel("expire", queue.name)
    call.at(call.now, "clear", queue.queue.store)
    if queue.queue.fifo:
        call.at(call.now, "forget", queue.queue.id)
    call.notify(queue.topic)


@sqs.operation("PurgeQueue", resource=queue_arn)
def purge_queue(call: Call, request: api.PurgeQueueRequest) -> None:
    """Delete all messages of a queue: it gets a new store, and the old one is cleared away."""
    queue = opened(call, request.queue_url)
    row = queue.queue
    if row.purged > call.now - AGAIN_SECONDS:
        raise AwsError(
            "PurgeQueueInProgress",
            f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
        )
    name, _, number = row.store.partition(".")
    store = f"{name}.{int(number) + 1}"
    call.rows(queues, queue.account)[queue.name] = replace(row, store=store, purged=call.now)
    call.timers.at(call.now, "sqs", "clear", row.store, queue.account, call.region)


# -- finding -------------------------------------------------------------------------------


def _owned_arn(call: Call, request: api.GetQueueUrlRequest) -> str:
    return arn_of(
        call.region, request.queue_owner_aws_account_id or call.account, request.queue_name
    )


@sqs.operation("GetQueueUrl", resource=_owned_arn)
def get_queue_url(call: Call, request: api.GetQueueUrlRequest) -> api.GetQueueUrlResult:
    """The URL of a queue, by its name."""
    account = request.queue_owner_aws_account_id or call.account
    if find(call, account, request.queue_name) is None:
        raise no_such_queue()
    return api.GetQueueUrlResult(queue_url=url_of(call, account, request.queue_name))


def _bad_token() -> AwsError:
    return invalid("Invalid or expired next token.")


def _results(limit: int | None) -> int:
    if limit is None:
        return RESULTS_MAX
    if not 1 <= limit <= RESULTS_MAX:
        reason = f"MaxResults must be an integer between 1 and {RESULTS_MAX}."
        raise rules.bad_parameter(limit, "MaxResults", reason)
    return limit


@sqs.operation("ListQueues")
def list_queues(call: Call, request: api.ListQueuesRequest) -> api.ListQueuesResult:
    """The URLs of the caller's queues in this Region; without MaxResults no second page."""
    prefix = request.queue_name_prefix or ""
    names = [name for name in call.rows(queues) if name.startswith(prefix)]
    limit = _results(request.max_results)
    found, token = page(names, lambda name: name, request.next_token, limit, _bad_token)
    return api.ListQueuesResult(
        queue_urls=[url_of(call, call.account, name) for name in found] or None,
        next_token=token if request.max_results is not None else None,
    )


@sqs.operation("ListDeadLetterSourceQueues", resource=queue_arn)
def list_dead_letter_source_queues(
    call: Call, request: api.ListDeadLetterSourceQueuesRequest
) -> api.ListDeadLetterSourceQueuesResult:
    """The queues whose dead letters go to a queue."""
    queue = opened(call, request.queue_url)
    names = call.rows(queues, queue.account).find(by_dead_letter, queue.arn)
    limit = _results(request.max_results)
    found, token = page(names, lambda name: name, request.next_token, limit, _bad_token)
    return api.ListDeadLetterSourceQueuesResult(
        queue_urls=[url_of(call, queue.account, name) for name in found],
        next_token=token if request.max_results is not None else None,
    )


def _mendable(call: Call, request: OfQueue) -> str:
    """The queue, whose owner's root user its policy cannot lock out."""
    return call.unlock(queue_arn(call, request))


@sqs.operation("GetQueueAttributes", resource=_mendable)
def get_queue_attributes(
    call: Call, request: api.GetQueueAttributesRequest
) -> api.GetQueueAttributesResult:
    """The attributes asked for; none when none are named."""
    queue = opened(call, request.queue_url)
    names = request.attribute_names or []
    for name in names:
        if name not in rules.NAMES:
            raise rules.unknown(name)
    if not names:
        return api.GetQueueAttributesResult()
    every = shown(queue)
    if "All" not in names:
        every = {name: value for name, value in every.items() if name in names}
    return api.GetQueueAttributesResult(attributes=every or None)


@sqs.operation("SetQueueAttributes", resource=_mendable)
def set_queue_attributes(call: Call, request: api.SetQueueAttributesRequest) -> None:
    """Change attributes; those not named stay."""
    queue = own(call, request.queue_url)
    given = dict(request.attributes or {})
    kind = given.pop("FifoQueue", None)
    if kind is not None and (not queue.queue.fifo or not rules.flag("FifoQueue", kind)):
        raise rules.unknown("FifoQueue")
    fields = _fields(call, given, queue.queue.fifo, queue.arn)
    row = replace(queue.queue, modified=call.now, **fields)
    _check_throughput(row)
    call.rows(queues)[queue.name] = row
    if row.retention != queue.queue.retention:
        oldest = queue.line.oldest()
        if oldest is not None:
            call.at(max(call.now, oldest + row.retention), "expire", queue.name)
    if row.fifo and row.delay != queue.queue.delay:
        delay_again(queue, row.delay, 0)


def delay_again(queue: Opened, delay: int, after: int) -> None:
    """On a FIFO queue a new delay is for the messages already there as well: those after a sequence
    number, some now, the rest by a timer.

    Source: developer guide, "Amazon SQS delay queues".
    """
    store, call = queue.queue.store, queue.call
    some = queue.line.after(after, DELAYED_AT_ONCE)
    for seq in some:
        key = (store, seq)
        message = queue.messages.get(key)
        if message is not None and key not in queue.receipts and not message.source:
            visible = message.sent + delay if delay else 0.0
            if visible != message.visible:
                queue.messages[key] = replace(message, visible=visible)
    if len(some) == DELAYED_AT_ONCE:
        call.at(call.now, "delay", f"{queue.name}\n{some[-1]}")
    call.notify(queue.topic)


# -- tags ----------------------------------------------------------------------------------


def _check_tags(name: str, tags: dict[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise invalid(f"Too many tags added for queue {name}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128:
            raise invalid("Tag keys must be between 1 and 128 characters in length.")
        if len(value) > 256:
            raise invalid("Tag values must be between 0 and 256 characters in length.")
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys starting with 'aws:' are reserved for system use.")


@sqs.operation("TagQueue", resource=queue_arn, tags=lambda request: request.tags)
def tag_queue(call: Call, request: api.TagQueueRequest) -> None:
    """Add tags, or change the values of those there."""
    queue = own(call, request.queue_url)
    if not request.tags:
        raise missing("Tags")
    tags = {**queue.queue.tags, **request.tags}
    _check_tags(queue.name, tags)
    call.rows(queues)[queue.name] = replace(queue.queue, tags=tags)


@sqs.operation(
    "UntagQueue",
    resource=queue_arn,
    tag_keys=lambda request: request.tag_keys,
)
def untag_queue(call: Call, request: api.UntagQueueRequest) -> None:
    """Take tags away; those not there do not matter."""
    queue = own(call, request.queue_url)
    if not request.tag_keys:
        raise missing("TagKeys")
    tags = {key: value for key, value in queue.queue.tags.items() if key not in request.tag_keys}
    call.rows(queues)[queue.name] = replace(queue.queue, tags=tags)


@sqs.operation("ListQueueTags", resource=queue_arn)
def list_queue_tags(call: Call, request: api.ListQueueTagsRequest) -> api.ListQueueTagsResult:
    """The tags of a queue."""
    return api.ListQueueTagsResult(tags=dict(own(call, request.queue_url).queue.tags) or None)
