"""The attributes of topics: what setting one changes, and how they are shown."""

from __future__ import annotations

import json
import re

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.sns.operations.opened import OpenTopic
from mesocosm.services.sns.resources import Topic, by_topic, policy_of, subscriptions
from mesocosm.services.sns.rules import policies, retries
from mesocosm.services.sns.rules import topics as rules
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.messages import SIZE_DEFAULT, instant
from mesocosm.wire.errors import AwsError

SIZE_MIN, SIZE_MAX = 1_024, 1_048_576
LARGE_SUBSCRIPTIONS_MAX = 100
LARGE_PROTOCOLS = frozenset({"sqs", "firehose", "lambda"})
SCOPES = {"Topic": False, "MessageGroup": True}
DAY = 86_400.0
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+", re.ASCII)


def changed(call: Call, arn: str, row: Topic, name: str, value: str, before: str) -> Topic:
    """The row with an attribute set; `before` begins the reason of a refusal."""
    match name:
        case "Policy":
            return replace(row, policy=value, principals=_principals(call, value))
        case "DisplayName":
            if len(value) > rules.DISPLAY_NAME_MAX:
                raise invalid(f"{before}DisplayName: must be at most 100 characters long")
            return replace(row, display_name=value)
        case "DeliveryPolicy":
            text = retries.check_topic(value) if value not in ("", "null") else ""
            return replace(row, delivery_policy=text)
        case "SignatureVersion":
            if value not in ("1", "2"):
                raise invalid(f"{before}SignatureVersion: Invalid value [{value}].")
            return replace(row, signature_version=value)
        case "TracingConfig":
            return replace(row, tracing=_tracing(call, value, before))
        case "KmsMasterKeyId":
            return replace(row, kms_key=value)
        case "MaximumMessageSize":
            return replace(row, maximum_size=_size(call, row, arn, value, before))
    if name in rules.FEEDBACK:
        return _feedback(row, name, value, before)
    return _of_fifo(call, row, name, value, before)


def _of_fifo(call: Call, row: Topic, name: str, value: str, before: str) -> Topic:
    if name not in ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"):
        raise invalid(f"{before}AttributeName")
    if not row.fifo:
        raise invalid(f"{before}{name} is only supported for FIFO topics")
    if name == "ContentBasedDeduplication":
        return replace(row, content_deduplication=rules.flag(name, value, before))
    if name == "FifoThroughputScope":
        if value not in SCOPES:
            raise invalid(f"{before}FifoThroughputScope: Invalid value [{value}].")
        return replace(row, group_scope=SCOPES[value])
    days = rules.archive_days(value, before)
    return replace(
        row, archive=days, archived=(row.archived if row.archive else call.now) if days else 0.0
    )


def check(row: Topic) -> None:
    """What holds of a topic as a whole."""
    if row.policy:
        policies.check_policy(row.policy)


def _principals(call: Call, text: str) -> dict[str, str]:
    """The unique ids of the users and roles that a policy names; they must be there."""
    if not text:
        return {}
    policies.check_policy(text)
    identity = call.cloud.provider("identity")
    if identity is None:
        return {}
    try:
        found: dict[str, str] = identity.resolved(text)
    except AwsError:
        raise invalid("Policy Error: PrincipalNotFound") from None
    return found


def _tracing(call: Call, value: str, before: str) -> str:
    if value not in ("PassThrough", "Active", ""):
        raise invalid(f"{before}TracingConfig: Invalid value [{value}].")
    if value == "Active":
        raise call.not_implemented("segments for X-Ray (TracingConfig Active)")
    return value


def _size(call: Call, row: Topic, arn: str, value: str, before: str) -> int:
    if not value.isascii() or not value.isdigit() or not SIZE_MIN <= int(value[:9]) <= SIZE_MAX:
        raise invalid(
            f"{before}MaximumMessageSize: must be an integer between {SIZE_MIN} and {SIZE_MAX}"
        )
    size = int(value)
    if size > SIZE_DEFAULT:
        account = arn.split(":")[4]
        rows = call.rows(subscriptions, account)
        names = rows.find(by_topic, row.name)
        if len(names) > LARGE_SUBSCRIPTIONS_MAX or any(
            rows[one].protocol not in LARGE_PROTOCOLS for one in names
        ):
            raise invalid(
                f"{before}MaximumMessageSize: a topic with a maximum message size above "
                f"{SIZE_DEFAULT} bytes must have {LARGE_SUBSCRIPTIONS_MAX} or fewer subscriptions, "
                "each of them of the protocol sqs, firehose or lambda"
            )
    return size


def _feedback(row: Topic, name: str, value: str, before: str) -> Topic:
    kept = {known: text for known, text in row.feedback.items() if known != name}
    if not value:
        return replace(row, feedback=kept)
    if name.endswith("SampleRate"):
        if not value.isascii() or not value.isdigit() or int(value[:4]) > 100:
            raise invalid(f"{before}{name}: must be an integer between 0 and 100")
    elif not _ROLE.fullmatch(value):
        raise invalid(f"{before}{name}: Invalid value [{value}]. Must be the ARN of a role.")
    return replace(row, feedback=kept | {name: value})


# -- shown ---------------------------------------------------------------------------------


def shown(call: Call, topic: OpenTopic) -> dict[str, str]:
    """Every attribute of a topic, as GetTopicAttributes shows it."""
    row, account = topic.row, topic.name.account
    rows = call.rows(subscriptions, account, topic.name.region)
    known = [rows[name] for name in rows.find(by_topic, row.name)]
    confirmed = sum(one.confirmed for one in known)
    policy = policy_of(row, topic.arn, account)
    identity = call.cloud.provider("identity")
    found = {
        "Policy": identity.shown(policy, row.principals) if identity else policy,
        "Owner": account,
        "SubscriptionsPending": str(len(known) - confirmed),
        "TopicArn": topic.arn,
        "EffectiveDeliveryPolicy": _compact(retries.effective_topic(row.delivery_policy)),
        "SubscriptionsConfirmed": str(confirmed),
        "DisplayName": row.display_name or "",
        "SubscriptionsDeleted": str(row.unsubscribed),
        **row.feedback,
    }
    given = {
        "DeliveryPolicy": row.delivery_policy,
        "KmsMasterKeyId": row.kms_key,
        "SignatureVersion": row.signature_version,
        "TracingConfig": row.tracing,
        "MaximumMessageSize": str(row.maximum_size or ""),
    }
    if row.fifo:
        given |= {
            "FifoTopic": "true",
            "ContentBasedDeduplication": "true" if row.content_deduplication else "false",
            "FifoThroughputScope": "MessageGroup" if row.group_scope else "Topic",
        }
        if row.archive:
            beginning = max(row.archived, call.now - row.archive * DAY)
            given["ArchivePolicy"] = _compact({"MessageRetentionPeriod": str(row.archive)})
            given["BeginningArchiveTime"] = instant(beginning)
    return found | {name: value for name, value in given.items() if value}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
