"""Where an event comes from, as CloudTrail names it: event source, event name, Region, readOnly."""

from __future__ import annotations

from typing import NamedTuple

from mesocosm import wire
from mesocosm.call.record import CallRecord
from mesocosm.call.service import READS, Catalogue
from mesocosm.iam import actions

GLOBAL_EVENTS_REGION = "us-east-1"
"""Events of services without Regions are logged as of here (CloudTrail user guide, "About global
service events")."""

REGIONAL_DESPITE_GLOBAL_ENDPOINT = frozenset({"s3", "sts"})

EVENT_NAMES = {
    "s3": {
        "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
        "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "ListObjectsV2": "ListObjects",
        "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    },
    "lambda": {
        "AddPermission": "AddPermission20150331v2",
        "CreateFunction": "CreateFunction20150331",
        "DeleteFunction": "DeleteFunction20150331",
        "GetFunction": "GetFunction20150331v2",
        "GetFunctionConfiguration": "GetFunctionConfiguration20150331v2",
        "GetPolicy": "GetPolicy20150331v2",
        "ListFunctions": "ListFunctions20150331",
        "ListTags": "ListTags20170331",
        "ListVersionsByFunction": "ListVersionsByFunction20150331",
        "PublishVersion": "PublishVersion20150331",
        "RemovePermission": "RemovePermission20150331v2",
        "TagResource": "TagResource20170331v2",
        "UntagResource": "UntagResource20170331v2",
        "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
        "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    },
}
"""Operations whose events have another name: S3's first names (Amazon S3 user guide, "Amazon S3
CloudTrail events"), and Lambda's with the version of the API (Lambda developer guide, "Logging AWS
Lambda API calls")."""


class Origin(NamedTuple):
    """A service as CloudTrail sees it. `prefix` is the one of its IAM actions."""

    service: str
    source: str
    prefix: str
    is_global: bool


class Origins:
    """The origins of one catalogue, found once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._found: dict[str, Origin] = {}

    def of(self, service: str) -> Origin:
        """The origin of a service by its botocore name, whether or not Mesocosm has the service."""
        found = self._found.get(service)
        if found is None:
            found = self._found[service] = self._make(service)
        return found

    def _make(self, name: str) -> Origin:
        service = self._catalogue.service(name)
        if service is not None:
            return Origin(name, service.source, service.prefix, service.is_global)
        model = wire.service(name)
        everywhere = model.global_endpoint is not None
        return Origin(
            name,
            f"{model.endpoint_prefix}.amazonaws.com",
            model.signing_name,
            everywhere and name not in REGIONAL_DESPITE_GLOBAL_ENDPOINT,
        )


def event_name(service: str, operation: str) -> str:
    """The name of the event that a call makes."""
    return EVENT_NAMES.get(service, {}).get(operation, operation)


def event_region(origin: Origin, region: str) -> str:
    """`awsRegion`: where the call was made, us-east-1 for services without Regions."""
    if origin.is_global or not region or region == "aws-global":
        return GLOBAL_EVENTS_REGION
    return region


def read_only(origin: Origin, operation: str, declared: bool, action: str) -> bool:
    """`readOnly`: what the operation declares, else the access level of its IAM action.

    A declaration that says the same as the verb of the name says nothing: there the level decides.
    """
    if declared != bool(READS.match(operation)):
        return declared
    name = action or f"{origin.prefix}:{operation}"
    level = actions.level(name)
    return level in actions.READ_ONLY_LEVELS if level else declared


def is_read_only(origin: Origin, record: CallRecord) -> bool:
    """`readOnly` of a record."""
    action = record.judgements[0].action if record.judgements else ""
    return read_only(origin, record.operation, record.read_only, action)
