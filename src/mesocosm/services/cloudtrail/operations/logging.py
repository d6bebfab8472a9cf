"""Starting and stopping a trail's logging, and how it fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.api import cloudtrail as api
from mesocosm.call.moments import iso
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import delivery, digests, feeding
from mesocosm.services.cloudtrail.operations.trails import named
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.resources import trails as found

if TYPE_CHECKING:
    from mesocosm.call.call import Call


@cloudtrail.operation("StartLogging", resource=named)
def start_logging(call: Call, request: api.StartLoggingRequest) -> api.StartLoggingResponse:
    """Deliver events from now on; nothing changes for a trail that logs."""
    row = found.own(call, request.name)
    if not row.logging:
        digests.settle(call, row)
        row = msgspec.structs.replace(row, logging=True, started=call.now)
        found.put(call, row)
        delivery.begin(call, row)
        if row.log_group:
            feeding.begin(call, row)
        if row.validation:
            digests.begin(call, row)
    return api.StartLoggingResponse()


@cloudtrail.operation("StopLogging", resource=named)
def stop_logging(call: Call, request: api.StopLoggingRequest) -> api.StopLoggingResponse:
    """Deliver nothing of what happens from now on; what has happened is still delivered."""
    row = found.own(call, request.name)
    if row.logging:
        found.put(call, msgspec.structs.replace(row, logging=False, stopped=call.now))
        progress = call.rows(rows.progress, row.account, row.region)
        progress[row.name] = msgspec.structs.replace(progress[row.name], draining=True)
        feeding.drain(call, row)
    return api.StopLoggingResponse()


@cloudtrail.operation("GetTrailStatus", resource=named)
def get_trail_status(call: Call, request: api.GetTrailStatusRequest) -> api.GetTrailStatusResponse:
    """When logging began and ended, and how the last deliveries went."""
    row = found.find(call, request.name)
    progress = call.rows(rows.progress, row.account, row.region).get(row.name)
    answer = api.GetTrailStatusResponse(
        is_logging=row.logging,
        start_logging_time=row.started,
        stop_logging_time=row.stopped,
        time_logging_started=iso(row.started) if row.started is not None else "",
        time_logging_stopped=iso(row.stopped) if row.stopped is not None else "",
        latest_delivery_attempt_time="",
        latest_delivery_attempt_succeeded="",
        latest_notification_attempt_time="",
        latest_notification_attempt_succeeded="",
    )
    if progress is not None:
        answer.latest_delivery_time = progress.delivered
        answer.latest_delivery_error = progress.error or None
        answer.latest_digest_delivery_time = progress.digest_delivered
        answer.latest_digest_delivery_error = progress.digest_error or None
        if progress.attempted is not None:
            answer.latest_delivery_attempt_time = iso(progress.attempted)
        if progress.delivered is not None:
            answer.latest_delivery_attempt_succeeded = iso(progress.delivered)
        answer.latest_notification_time = progress.notified
        answer.latest_notification_error = progress.notice_error or None
        if progress.notice_tried is not None:
            answer.latest_notification_attempt_time = iso(progress.notice_tried)
        if progress.notified is not None:
            answer.latest_notification_attempt_succeeded = iso(progress.notified)
    feed = call.rows(rows.feeds, row.account, row.region).get(row.name)
    if feed is not None:
        answer.latest_cloud_watch_logs_delivery_time = feed.delivered
        answer.latest_cloud_watch_logs_delivery_error = feed.error or None
    return answer
