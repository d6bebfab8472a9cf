"""Who else may use a topic: AddPermission and RemovePermission write the topic's policy."""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec.structs import replace

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.operations.opened import OpenTopic, keep, mendable_arn, opened
from mesocosm.services.sns.resources import policy_of
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.policies import check_actions, check_policy

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def _policy(topic: OpenTopic) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(policy_of(topic.row, topic.arn, topic.name.account))
    if isinstance(policy.get("Statement"), dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _keep(call: Call, topic: OpenTopic, policy: dict[str, Any]) -> None:
    text = json.dumps(policy, separators=(",", ":"))
    check_policy(text)
    keep(call, topic, replace(topic.row, policy=text))


@sns.operation("AddPermission", resource=mendable_arn)
def add_permission(call: Call, request: api.AddPermissionInput) -> None:
    """Add a statement to the topic's policy."""
    topic = opened(call, request.topic_arn)
    check_actions(request.action_name)
    for account in request.aws_account_id:
        if not _ACCOUNT.fullmatch(account):
            raise invalid("Policy Error: PrincipalNotFound")
    policy = _policy(topic)
    if any(one.get("Sid") == request.label for one in policy["Statement"]):
        raise invalid("Statement already exists")
    principals = [f"arn:aws:iam::{account}:root" for account in request.aws_account_id]
    actions = [f"SNS:{name}" for name in request.action_name]
    policy["Statement"].append(
        {
            "Sid": request.label,
            "Effect": "Allow",
            "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
            "Action": actions[0] if len(actions) == 1 else actions,
            "Resource": topic.arn,
        }
    )
    _keep(call, topic, policy)


@sns.operation("RemovePermission", resource=mendable_arn)
def remove_permission(call: Call, request: api.RemovePermissionInput) -> None:
    """Take the statements of that label out of the topic's policy; there may be none."""
    topic = opened(call, request.topic_arn)
    policy = _policy(topic)
    left = [one for one in policy["Statement"] if one.get("Sid") != request.label]
    if len(left) != len(policy["Statement"]):
        _keep(call, topic, {**policy, "Statement": left})
