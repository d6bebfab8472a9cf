"""What queues measure about themselves: the namespace AWS/SQS (SQS developer guide, "Available
CloudWatch metrics for Amazon SQS").
"""

from __future__ import annotations

from mesocosm.call.metering import Dimensions, Metric
from mesocosm.services.sqs.operations.opened import Opened
from mesocosm.world import World

NAMESPACE = "AWS/SQS"
ACTIVE = 6 * 3_600.0
"""How long after its last use a queue goes on showing its state."""

sent = Metric(NAMESPACE, "NumberOfMessagesSent")
sent_size = Metric(NAMESPACE, "SentMessageSize", "Bytes")
received = Metric(NAMESPACE, "NumberOfMessagesReceived")
empty = Metric(NAMESPACE, "NumberOfEmptyReceives")
deleted = Metric(NAMESPACE, "NumberOfMessagesDeleted")
visible = Metric(NAMESPACE, "ApproximateNumberOfMessagesVisible")
in_flight = Metric(NAMESPACE, "ApproximateNumberOfMessagesNotVisible")
delayed = Metric(NAMESPACE, "ApproximateNumberOfMessagesDelayed")
oldest = Metric(NAMESPACE, "ApproximateAgeOfOldestMessage", "Seconds")


class Activity:
    """When each queue (account, Region, dimensions) was last used, since the process runs."""

    def __init__(self, world: World) -> None:
        self.last: dict[tuple[str, str, Dimensions], float] = {}


def count(queue: Opened, metric: Metric, value: float = 1.0, times: int = 1) -> None:
    """Count something that happened to a queue."""
    call = queue.call
    where = (("QueueName", queue.name),)
    call.cloud.meter.count(queue.account, call.region, metric, where, value, times)


def count_sent(queue: Opened, size: int) -> None:
    """Count a message of so many bytes."""
    call = queue.call
    where = (("QueueName", queue.name),)
    meter, account, region = call.cloud.meter, queue.account, call.region
    meter.count(account, region, sent, where)
    meter.count(account, region, sent_size, where, float(size))
