"""What SNS publishes about itself, by topic.

Source: developer guide, "Monitoring Amazon SNS topics using CloudWatch".
"""

from __future__ import annotations

from mesocosm.call.metering import Metric


def _metric(name: str, unit: str = "Count") -> Metric:
    return Metric("AWS/SNS", name, unit)


PUBLISHED = _metric("NumberOfMessagesPublished")
SIZE = _metric("PublishSize", "Bytes")
DELIVERED = _metric("NumberOfNotificationsDelivered")
FAILED = _metric("NumberOfNotificationsFailed")
OUT = _metric("NumberOfNotificationsFilteredOut")
OUT_ATTRIBUTES = _metric("NumberOfNotificationsFilteredOut-MessageAttributes")
OUT_BODY = _metric("NumberOfNotificationsFilteredOut-MessageBody")
OUT_INVALID_BODY = _metric("NumberOfNotificationsFilteredOut-InvalidMessageBody")
OUT_NO_ATTRIBUTES = _metric("NumberOfNotificationsFilteredOut-NoMessageAttributes")
REDRIVEN = _metric("NumberOfNotificationsRedrivenToDlq")
NOT_REDRIVEN = _metric("NumberOfNotificationsFailedToRedriveToDlq")
REPLAYED = _metric("NumberOfReplayedNotificationsDelivered")
NOT_REPLAYED = _metric("NumberOfReplayedNotificationsFailed")
