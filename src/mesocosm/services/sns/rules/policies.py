"""Access policies of topics: the default one, what a given one must be, and what services that know
no policies of their own may do under it.

Source: developer guide, "Amazon SNS access control", "Amazon SNS keys".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mesocosm.iam.policy import PolicyError, parse
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.wire import models

POLICY_MAX_BYTES = 30_720
DEFAULT_ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
SOURCE_OWNERS = frozenset(
    f"{name}.amazonaws.com"
    for name in (
        "apigateway",
        "autoscaling",
        "budgets",
        "cloudwatch",
        "dms",
        "elasticache",
        "events.rds",
        "gamelift",
        "glacier",
        "health",
        "pinpoint",
        "rds",
        "redshift",
        "ses",
    )
)
"""The services that publish as the account they act for: older than service principals in
policies, for them `aws:SourceOwner` is that account, and everybody (`*`) means them, too."""


def default_policy(arn: str, account: str) -> dict[str, Any]:
    """The policy of a topic that was given none."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in DEFAULT_ACTIONS],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
            }
        ],
    }


def check_policy(text: str) -> None:
    """Refuse what is no policy of a topic. Raises InvalidParameter."""
    if len(text.encode()) > POLICY_MAX_BYTES:
        raise invalid("Policy Error: policy is too long")
    try:
        parse(text, "resource", "Policy", check=True)
    except PolicyError as error:
        raise invalid(f"Policy Error: {error}") from None
    for statement in statements(text):
        for action in _listed(statement.get("Action")):
            if action != "*" and not action.lower().startswith("sns:"):
                raise invalid("Policy statement action out of service scope!")


def statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy."""
    found = json.loads(text).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def check_actions(actions: Sequence[str]) -> None:
    """Refuse what AddPermission cannot grant."""
    known = models.service("sns").operation_names
    for action in actions:
        if action != "*" and action not in known:
            raise invalid("Policy statement action out of service scope!")


def granted_to_service(
    text: str, action: str, services: Sequence[str], owner: str | None
) -> str | None:
    """The statement by which a service of the old kind may act for an account; None: there is
    none.
    """
    if owner is None or not any(service in SOURCE_OWNERS for service in services):
        return None
    for statement in statements(text):
        condition = statement.get("Condition") or {}
        owners = [
            account
            for operator, keys in condition.items()
            if operator.lower() in ("stringequals", "stringlike")
            for key, value in keys.items()
            if key.lower() == "aws:sourceowner"
            for account in _listed(value)
        ]
        actions = {one.lower() for one in _listed(statement.get("Action"))}
        if (
            statement.get("Effect") == "Allow"
            and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
            and len(condition) == 1
            and owner in owners
            and actions & {action.lower(), "sns:*", "*"}
        ):
            return str(statement.get("Sid") or "aws:SourceOwner")
    return None
