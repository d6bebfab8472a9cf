"""Who else may use a queue: AddPermission and RemovePermission write the queue's policy."""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec.structs import replace

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations.opened import own, queue_arn
from mesocosm.services.sqs.resources import queues
from mesocosm.services.sqs.rules.attributes import bad_parameter
from mesocosm.services.sqs.rules.messages import missing
from mesocosm.wire.errors import AwsError

ACTIONS_MAX = 7
GRANTABLE = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)
"""The actions that can be granted to others (developer guide, "Amazon SQS API permissions")."""

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@sqs.operation("AddPermission", resource=queue_arn)
def add_permission(call: Call, request: api.AddPermissionRequest) -> None:
    """Add a statement to the queue's policy."""
    queue = own(call, request.queue_url)
    label, accounts, actions = request.label, request.aws_account_ids, request.actions
    _check(label, accounts, actions)
    policy = _policy(queue.queue.policy, queue.arn)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise bad_parameter(label, "Label", "Already exists.")
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    named = [f"SQS:{action}" for action in actions]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
            "Action": named[0] if len(named) == 1 else named,
            "Resource": queue.arn,
        }
    )
    text = json.dumps(policy, separators=(",", ":"))
    call.rows(queues)[queue.name] = replace(queue.queue, policy=text, modified=call.now)


def _check(label: str, accounts: list[str], actions: list[str]) -> None:
    if not _LABEL.fullmatch(label):
        reason = (
            "Must be between 1 and 80 alphanumeric characters, hyphens (-), and underscores (_)."
        )
        raise bad_parameter(label, "Label", reason)
    if not actions:
        raise missing("Actions")
    if not accounts:
        raise missing("AWSAccountIds")
    if len(actions) > ACTIONS_MAX:
        raise AwsError(
            "OverLimit", f"{len(actions)} Actions were found, maximum allowed is {ACTIONS_MAX}."
        )
    for action in actions:
        if action not in GRANTABLE:
            known = action in sqs.operations
            reason = (
                "Only the queue owner is allowed to invoke this action."
                if known
                else "Please refer to the appropriate WSDL for a list of valid actions."
            )
            raise bad_parameter(f"SQS:{action}", "ActionName", reason)
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise bad_parameter(f"[{account}]", "PrincipalId", "Unable to verify.")


def _policy(text: str, arn: str) -> dict[str, Any]:
    if not text:
        return {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
    policy: dict[str, Any] = json.loads(text)
    if isinstance(policy.get("Statement"), dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


@sqs.operation("RemovePermission", resource=queue_arn)
def remove_permission(call: Call, request: api.RemovePermissionRequest) -> None:
    """Take the statement of that label out of the queue's policy."""
    queue = own(call, request.queue_url)
    policy = _policy(queue.queue.policy, queue.arn)
    left = [s for s in policy["Statement"] if s.get("Sid") != request.label]
    if len(left) == len(policy["Statement"]):
        raise bad_parameter(request.label, "Label", "can't find label.")
    text = json.dumps({**policy, "Statement": left}, separators=(",", ":")) if left else ""
    call.rows(queues)[queue.name] = replace(queue.queue, policy=text, modified=call.now)
