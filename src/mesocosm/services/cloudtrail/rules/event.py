"""The event: one call in CloudTrail's record format, as one account receives it.

Source: CloudTrail user guide, "CloudTrail record contents for management, data, and network
activity events" (eventVersion 1.11).
"""

from __future__ import annotations

from typing import Any

from mesocosm.call.moments import iso
from mesocosm.call.record import CallRecord, event_id
from mesocosm.services.cloudtrail.rules import origins
from mesocosm.services.cloudtrail.rules.errors import error_code
from mesocosm.services.cloudtrail.rules.identity import user_identity
from mesocosm.services.cloudtrail.rules.kinds import resources_of
from mesocosm.services.cloudtrail.rules.origins import Origin
from mesocosm.services.cloudtrail.rules.parameters import (
    request_parameters,
    response_elements,
)

VERSION = "1.11"
CATEGORIES = {"management": "Management", "data": "Data"}


def recipients(record: CallRecord) -> list[str]:
    """The accounts that receive the event: the caller's first, then the resources' owners'."""
    principal = record.principal
    found: list[str] = []
    if principal.kind not in ("service", "anonymous") and principal.account:
        found.append(principal.account)
    for judgement in record.judgements:
        account = judgement.account
        if (
            account
            and account not in found
            and judgement.resource != "*"
            and judgement.action != "iam:PassRole"
        ):
            found.append(account)
    if not found and record.account:
        found.append(record.account)
    return found


def event(record: CallRecord, origin: Origin, recipient: str, shared: bool) -> dict[str, Any]:
    """The event. `shared`: it goes to more accounts than one."""
    region = origins.event_region(origin, record.region)
    found: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": user_identity(record.principal, recipient),
        "eventTime": iso(record.time),
        "eventSource": origin.source,
        "eventName": origins.event_name(record.service, record.operation),
        "awsRegion": region,
        "sourceIPAddress": record.principal.invoked_by or record.source_ip,
        "userAgent": record.principal.invoked_by or record.user_agent,
    }
    code = error_code(record.service, record.error, record.status)
    if code:
        found["errorCode"] = code
        found["errorMessage"] = record.message
    called = record.event_type == "AwsApiCall"
    found["requestParameters"] = (
        request_parameters(record.service, record.operation, record.request, record.host)
        if called
        else None
    )
    found["responseElements"] = (
        response_elements(record.service, record.operation, record.response) if called else None
    )
    if "additionalEventData" in record.extra:
        found["additionalEventData"] = record.extra["additionalEventData"]
    found["requestID"] = record.request_id
    found["eventID"] = event_id(record.request_id, recipient)
    found["readOnly"] = origins.is_read_only(origin, record)
    resources = resources_of(record.judgements)
    if resources:
        found["resources"] = [one.shown() for one in resources]
    found["eventType"] = record.event_type
    if "serviceEventDetails" in record.extra:
        found["serviceEventDetails"] = record.extra["serviceEventDetails"]
    found["managementEvent"] = record.category == "management"
    found["recipientAccountId"] = recipient
    if shared:
        found["sharedEventID"] = event_id(record.request_id, "shared")
    found["eventCategory"] = CATEGORIES.get(record.category, record.category)
    if record.secure and record.host:
        found["tlsDetails"] = {"clientProvidedHostHeader": record.host}
    return found
