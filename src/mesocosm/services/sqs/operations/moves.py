"""Message move tasks: dead letters go back to where they came from, or elsewhere, at a rate."""

from __future__ import annotations

import base64
import binascii
import json

from msgspec.structs import replace

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations.opened import Opened, find
from mesocosm.services.sqs.resources import (
    Message,
    MoveTask,
    by_dead_letter,
    by_source,
    move_tasks,
    queues,
    split_arn,
)
from mesocosm.services.sqs.rules.attributes import bad_parameter
from mesocosm.services.sqs.rules.messages import invalid
from mesocosm.wire.errors import AwsError

RATE_MAX = 500
KEPT = 10


def _missing(parameter: str) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"The resource that you specified for the {parameter} parameter doesn't exist.",
    )


def _local(call: Call, arn: str, parameter: str) -> Opened:
    """A queue of the caller's account in this Region, by its ARN."""
    named = split_arn(arn)
    if named is None:
        raise bad_parameter(arn, parameter, "It is not the ARN of a queue.")
    region, account, name = named
    found = find(call, account, name) if (region, account) == (call.region, call.account) else None
    if found is None:
        raise _missing(parameter)
    return found


def handle_of(task: str, source_arn: str) -> str:
    """The handle of a task: what it is and on which queue, opaque to clients."""
    text = json.dumps({"taskId": task, "sourceArn": source_arn}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def _task_of(handle: str) -> tuple[str, str]:
    """Task id and source ARN of a handle; raises the refusal of one that is none."""
    try:
        read = json.loads(base64.b64decode(handle.encode(), validate=True))
        return str(read["taskId"]), str(read["sourceArn"])
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise bad_parameter(handle, "TaskHandle", "The task handle is not valid.") from None


def _needs(call: Call, request: api.StartMessageMoveTaskRequest) -> list[Need]:
    """Moving is receiving, deleting, and sending.

    Source: developer guide, "Configure queue permissions for a dead-letter queue redrive".
    """
    source = request.source_arn
    found = [Need(f"sqs:{name}", source) for name in ("ReceiveMessage", "DeleteMessage")]
    targets = [request.destination_arn] if request.destination_arn else _sources(call, source)
    return found + [Need("sqs:SendMessage", target) for target in targets]


def _sources(call: Call, dead_letter_arn: str) -> list[str]:
    """The ARNs of the queues whose dead letters go to a queue."""
    names = call.rows(queues).find(by_dead_letter, dead_letter_arn)
    return [call.arn(name) for name in names]


@sqs.operation(
    "StartMessageMoveTask", resource=lambda call, request: request.source_arn, needs=_needs
)
def start_message_move_task(
    call: Call, request: api.StartMessageMoveTaskRequest
) -> api.StartMessageMoveTaskResult:
    """Begin to move the messages of a dead-letter queue; a timer goes on with it."""
    rate = request.max_number_of_messages_per_second
    if rate is not None and not 1 <= rate <= RATE_MAX:
        reason = f"Must be between 1 and {RATE_MAX}, if provided."
        raise bad_parameter(rate, "MaxNumberOfMessagesPerSecond", reason)
    source = _local(call, request.source_arn, "SourceArn")
    if not _sources(call, source.arn):
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    if request.destination_arn:
        target = _local(call, request.destination_arn, "DestinationArn")
        if target.name == source.name:
            raise invalid("Source queue arn and destination queue arn cannot be the same.")
        if target.queue.fifo != source.queue.fifo:
            raise invalid("The source and destination queues must be of the same type.")
    tasks = call.rows(move_tasks)
    earlier = tasks.find(by_source, source.name)
    if any(tasks[name].status == "RUNNING" for name in earlier):
        raise AwsError(
            "UnsupportedOperation",
            "There is already a task running. Only one active task is allowed for a source queue "
            "arn at a given time.",
        )
    for name in sorted(earlier, key=lambda name: tasks[name].started)[: len(earlier) - KEPT + 1]:
        del tasks[name]
    source.line.advance(call.now)
    task = call.ids.uuid()
    tasks[task] = MoveTask(
        source=source.name,
        source_arn=source.arn,
        destination=request.destination_arn or "",
        rate=rate or 0,
        started=call.now,
        to_move=source.line.available,
    )
    call.at(call.now, "move", task)
    return api.StartMessageMoveTaskResult(task_handle=handle_of(task, source.arn))


@sqs.operation(
    "CancelMessageMoveTask", resource=lambda call, request: _task_of(request.task_handle)[1]
)
def cancel_message_move_task(
    call: Call, request: api.CancelMessageMoveTaskRequest
) -> api.CancelMessageMoveTaskResult:
    """Stop a running task; what has been moved stays where it is."""
    name, source_arn = _task_of(request.task_handle)
    _local(call, source_arn, "SourceArn")
    tasks = call.rows(move_tasks)
    task = tasks.get(name)
    if task is None or task.source_arn != source_arn:
        raise AwsError("ResourceNotFoundException", "Task does not exist.")
    if task.status != "RUNNING":
        raise AwsError("UnsupportedOperation", "Only active tasks can be cancelled.")
    tasks[name] = replace(task, status="CANCELLED")
    call.cancel("move", name)
    return api.CancelMessageMoveTaskResult(approximate_number_of_messages_moved=task.moved)


@sqs.operation("ListMessageMoveTasks", resource=lambda call, request: request.source_arn)
def list_message_move_tasks(
    call: Call, request: api.ListMessageMoveTasksRequest
) -> api.ListMessageMoveTasksResult:
    """The newest tasks of a queue: one, or up to ten if asked for."""
    limit = request.max_results
    if limit is not None and not 1 <= limit <= KEPT:
        reason = f"MaxResults must be an integer between 1 and {KEPT}."
        raise bad_parameter(limit, "MaxResults", reason)
    source = _local(call, request.source_arn, "SourceArn")
    tasks = call.rows(move_tasks)
    names = tasks.find(by_source, source.name)
    names.reverse()
    names.sort(key=lambda name: -tasks[name].started)
    return api.ListMessageMoveTasksResult(
        results=[_entry(name, tasks[name]) for name in names[: limit or 1]]
    )


def _entry(name: str, task: MoveTask) -> api.ListMessageMoveTasksResultEntry:
    return api.ListMessageMoveTasksResultEntry(
        task_handle=handle_of(name, task.source_arn) if task.status == "RUNNING" else None,
        status=task.status,
        source_arn=task.source_arn,
        destination_arn=task.destination or None,
        max_number_of_messages_per_second=task.rate or None,
        approximate_number_of_messages_moved=task.moved,
        approximate_number_of_messages_to_move=task.to_move,
        failure_reason=task.failure or None,
        started_timestamp=int(task.started * 1000),
    )


# -- moving --------------------------------------------------------------------------------


def move_some(call: Call, name: str) -> None:
    """One second's share of a task; the timer is set again until nothing is left."""
    tasks = call.rows(move_tasks)
    task = tasks.get(name)
    if task is None or task.status != "RUNNING":
        return
    source = find(call, call.account, task.source)
    if source is None:
        tasks[name] = replace(
            task, status="FAILED", failure="AWS.SimpleQueueService.NonExistentQueue"
        )
        return
    source.line.advance(call.now)
    share = min(task.rate or RATE_MAX, task.to_move - task.moved)
    moved, failure = 0, ""
    for seq in source.line.candidates():
        if moved == share:
            break
        message = source.messages[source.queue.store, seq]
        failure = _move(call, source, seq, message, task.destination)
        if failure:
            break
        moved += 1
    status = "FAILED" if failure else "RUNNING"
    if not failure and (moved < share or task.moved + moved >= task.to_move):
        status = "COMPLETED"
    tasks[name] = replace(task, moved=task.moved + moved, status=status, failure=failure)
    if status == "RUNNING":
        call.at(call.now + 1, "move", name)


def _move(call: Call, source: Opened, seq: int, message: Message, destination: str) -> str:
    """Move one message: it is a new one there. Returns why it could not be, or "".

    Source: developer guide, "Learn how to configure a dead-letter queue redrive in Amazon SQS".
    """
    named = split_arn(destination or message.source)
    if named is None:
        return "CouldNotDetermineMessageSource"
    target = find(call, call.account, named[2])
    if target is None:
        return "AWS.SimpleQueueService.NonExistentQueue"
    source.drop(seq)
    moved = replace(
        message,
        id=call.ids.uuid(),
        sent=call.now,
        visible=call.now + target.queue.delay if target.queue.delay else 0.0,
        source="",
        receives=0,
        first=0.0,
    )
    target.put(moved)
    return ""
