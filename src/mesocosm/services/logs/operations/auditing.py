"""Where the findings of data protection policies go, and whether they may go there.

Source: "Audit findings reports" and "Enable logging from AWS services" (CloudWatch Logs user
guide): findings are vended logs, so AWS itself adds what the bucket's or the group's policy lacks,
as the caller who sets the policy.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mesocosm.api import logs as api
from mesocosm.api import s3
from mesocosm.call.call import Call
from mesocosm.services.logs.resources.rows import (
    Delivery,
    Stream,
    account_policies,
    audits,
    groups,
    resource_policies,
)
from mesocosm.services.logs.resources.targets import Found, bad
from mesocosm.services.logs.rules.protection import Finding, compiled, findings_destination
from mesocosm.wire.errors import AwsError

DATA_PROTECTION = "DATA_PROTECTION_POLICY"
DELIVERER = "delivery.logs.amazonaws.com"
VENDED = "/aws/vendedlogs/"
GRANT = "AWSLogDeliveryWrite20150319"


class Protection(NamedTuple):
    """A data protection policy that is in force in a group."""

    since: float
    finding: Finding
    destination: dict[str, Any]


def protections(call: Call, found: Found) -> list[Protection]:
    """The policies of a group and of its account, each with the instant it was set (ms)."""
    group = found.group
    made = []
    if group.data_protection:
        made.append((group.data_protection_set, group.data_protection))
    if group.kind == "STANDARD":
        policies = call.rows(account_policies, found.at.account, found.at.region).values()
        made += [(row.updated, row.document) for row in policies if row.kind == DATA_PROTECTION]
    return [
        Protection(since * 1000, compiled(document), findings_destination(document))
        for since, document in made
    ]


def announce_audit(call: Call, found: Found, stream: Stream, sequence: int) -> None:
    """Note that a chunk of events is to be looked through for sensitive data."""
    if not found.group.data_protection and not call.rows(account_policies):
        return
    call.rows(audits)[stream.id, sequence] = Delivery(
        group=found.group.name,
        stream=stream.name,
        stream_id=stream.id,
        sequence=sequence,
        since=call.now,
    )


def prepare(call: Call, destination: dict[str, Any]) -> None:
    """See to it that findings can be delivered. Raises what AWS says of where they cannot."""
    for kind, where in destination.items():
        if kind == "CloudWatchLogs":
            _prepare_group(call, str(where.get("LogGroup", "")))
        elif kind == "S3":
            _prepare_bucket(call, str(where.get("Bucket", "")))
        else:
            raise call.not_implemented(f"audit findings to {kind}")


def _prepare_group(call: Call, name: str) -> None:
    if not name.startswith(VENDED):
        raise bad(f"The log group of a FindingsDestination must begin with {VENDED}.")
    if name not in call.rows(groups):
        raise bad(f"The log group {name} of the FindingsDestination does not exist.")
    resource = call.arn(f"log-group:{VENDED}*")
    held = call.rows(resource_policies).get(GRANT)
    if held is not None and resource in held.document:
        return
    statement = {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERER},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": call.account}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    request = api.PutResourcePolicyRequest(policy_name=GRANT, policy_document=document)
    call.invoke("logs", "PutResourcePolicy", request)


def _prepare_bucket(call: Call, bucket: str) -> None:
    try:
        text = call.invoke("s3", "GetBucketPolicy", s3.GetBucketPolicyRequest(bucket=bucket)).policy
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise bad(f"The bucket {bucket} of the FindingsDestination does not exist.") from None
        if error.code != "NoSuchBucketPolicy":
            raise
        text = None
    policy = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    resource = f"arn:aws:s3:::{bucket}/AWSLogs/{call.account}/*"
    listed = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if any(DELIVERER in json.dumps(one) and resource in json.dumps(one) for one in listed):
        return
    acl = {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": call.account}
    statement = {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERER},
        "Action": "s3:PutObject",
        "Resource": resource,
        "Condition": {"StringEquals": acl},
    }
    made = json.dumps({**policy, "Statement": [*listed, statement]})
    call.invoke("s3", "PutBucketPolicy", s3.PutBucketPolicyRequest(bucket=bucket, policy=made))
