"""Log groups: made, listed, kept for so long, protected, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations import measuring
from mesocosm.services.logs.operations.encryption import check_key
from mesocosm.services.logs.operations.tags import allowed
from mesocosm.services.logs.resources.rows import (
    Group,
    account_policies,
    audits,
    deliveries,
    events,
    groups,
    metric_filters,
    streams,
    subscriptions,
)
from mesocosm.services.logs.resources.targets import (
    GroupName,
    any_group,
    bad,
    find,
    group_arn,
    named,
)
from mesocosm.services.logs.rules.limits import DAY_MS, RETENTIONS
from mesocosm.wire.errors import AwsError
from mesocosm.world import Rows

END = "\U0010ffff"
EXPIRY_SLACK = 3600.0
"""Seconds after which expired events give their room back: many go in one."""


def invalid_token() -> AwsError:
    return bad("The specified nextToken is invalid.")


def _tagging(call: Call, request: api.CreateLogGroupRequest) -> list[Need]:
    return [Need("logs:TagResource", group_arn(call, request))] if request.tags else []


@logs.operation(
    "CreateLogGroup", resource=group_arn, tags=lambda request: request.tags, needs=_tagging
)
def create_log_group(call: Call, request: api.CreateLogGroupRequest) -> None:
    """Make a log group."""
    name = request.log_group_name
    rows = call.rows(groups)
    if name.lower().startswith("aws/"):
        raise bad("Log groups starting with AWS/ are reserved for AWS.")
    if name in rows:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    kind = request.log_group_class or "STANDARD"
    key = check_key(call, request.kms_key_id, named(call, name)) if request.kms_key_id else ""
    rows[name] = Group(
        name=name,
        id=call.ids.hex(16),
        created=call.now,
        kind=kind,
        retention=2 if kind == "DELIVERY" else 0,
        kms_key=key,
        sealed=bool(key),
        protected=bool(request.deletion_protection_enabled),
        tags=allowed(dict(request.tags or {})),
    )


@logs.operation("DeleteLogGroup", resource=group_arn)
def delete_log_group(call: Call, request: api.DeleteLogGroupRequest) -> None:
    """Delete a log group with everything in it."""
    found = find(call, request.log_group_name)
    group = found.group
    if group.protected:
        raise AwsError(
            "ValidationException",
            "The log group cannot be deleted because deletion protection is enabled.",
        )
    stored = call.world.segments(events, call.account, call.region)
    held = call.rows(streams)
    for key in list(held.range((group.id, ""), (group.id, END))):
        stored.drop(held[key].id)
        del held[key]
    _clear(call.rows(metric_filters), group.name)
    _clear(call.rows(subscriptions), group.name)
    waiting = call.rows(deliveries)
    for place in [at for at, row in waiting.items() if row.group == group.name]:
        del waiting[place]
    looked = call.rows(audits)
    for place in [at for at, row in looked.items() if row.group == group.name]:
        del looked[place]
    call.cancel("expire", group.name)
    del call.rows(groups)[group.name]


def _clear(rows: Rows[tuple[str, str], Any], group: str) -> None:
    for key in list(rows.range((group, ""), (group, END))):
        del rows[key]


def _matching(
    rows: Rows[str, Group], pattern: str | None, prefix: str | None, kind: str | None
) -> Iterable[Group]:
    names = rows.range(prefix, prefix + END) if prefix else rows.range()
    for name in names:
        row = rows[name]
        if (not pattern or pattern in name) and (not kind or row.kind == kind):
            yield row


@logs.operation("DescribeLogGroups", resource=any_group)
def describe_log_groups(
    call: Call, request: api.DescribeLogGroupsRequest
) -> api.DescribeLogGroupsResponse:
    """The groups of an account, by prefix, pattern, class or identifier."""
    if request.log_group_name_prefix and request.log_group_name_pattern:
        raise bad(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    rows = call.rows(groups)
    if request.log_group_identifiers:
        if request.log_group_name_prefix or request.log_group_name_pattern:
            raise bad(
                "LogGroup identifiers are mutually exclusive with LogGroup name prefix and "
                "LogGroup name pattern."
            )
        chosen: Iterable[Group] = [find(call, one).group for one in request.log_group_identifiers]
    else:
        pattern, prefix = request.log_group_name_pattern, request.log_group_name_prefix
        chosen = _matching(rows, pattern, prefix, request.log_group_class)
    if request.account_identifiers and call.account not in request.account_identifiers:
        chosen = []
    found, token = page(
        chosen, lambda row: row.name, request.next_token, request.limit or 50, invalid_token
    )
    return api.DescribeLogGroupsResponse(
        log_groups=[_shown(call, row) for row in found], next_token=token
    )


def _shown(call: Call, row: Group) -> api.LogGroup:
    at = GroupName(call.account, call.region, row.name)
    stored = call.world.segments(events, call.account, call.region)
    held = call.rows(streams)
    size = sum(stored.figures(held[key].id).size for key in held.range((row.id, ""), (row.id, END)))
    inherited = any(
        policy.kind == "DATA_PROTECTION_POLICY" for policy in call.rows(account_policies).values()
    )
    status = None
    if row.data_protection_set:
        status = "ACTIVATED" if row.data_protection else "DELETED"
    return api.LogGroup(
        log_group_name=row.name,
        creation_time=int(row.created * 1000),
        retention_in_days=row.retention or None,
        metric_filter_count=len(call.rows(metric_filters).find(measuring.by_group, row.name)),
        arn=f"{at.arn}:*",
        log_group_arn=at.arn,
        stored_bytes=size,
        kms_key_id=row.kms_key or None,
        data_protection_status=status,
        inherited_properties=["ACCOUNT_DATA_PROTECTION"] if inherited else None,
        log_group_class=row.kind,
        deletion_protection_enabled=row.protected,
    )


@logs.operation("ListLogGroups", resource=any_group)
def list_log_groups(call: Call, request: api.ListLogGroupsRequest) -> api.ListLogGroupsResponse:
    """The groups whose names match a regular expression."""
    if request.data_sources or request.field_index_names:
        raise call.not_implemented("choosing log groups by data source or field index")
    rows = call.rows(groups)
    chosen = [
        row
        for row in rows.values()
        if _named_like(row.name, request.log_group_name_pattern)
        and (not request.log_group_class or row.kind == request.log_group_class)
        and all(_tagged(row, wanted) for wanted in request.log_group_tags or ())
    ]
    if request.account_identifiers and call.account not in request.account_identifiers:
        chosen = []
    found, token = page(
        chosen, lambda row: row.name, request.next_token, request.limit or 50, invalid_token
    )
    summaries = [
        api.LogGroupSummary(
            log_group_name=row.name,
            log_group_arn=GroupName(call.account, call.region, row.name).arn,
            log_group_class=row.kind,
        )
        for row in found
    ]
    return api.ListLogGroupsResponse(log_groups=summaries, next_token=token)


def _named_like(name: str, pattern: str | None) -> bool:
    """`^` is for the beginning, `|` joins up to five (API reference, ListLogGroups)."""
    if not pattern:
        return True
    return any(
        name.startswith(part[1:]) if part.startswith("^") else part in name
        for part in pattern.split("|")
    )


def _tagged(row: Group, wanted: api.TagFilter) -> bool:
    value = row.tags.get(wanted.key or "")
    return value is not None and (not wanted.values or value in wanted.values)


@logs.operation("PutRetentionPolicy", resource=group_arn)
def put_retention_policy(call: Call, request: api.PutRetentionPolicyRequest) -> None:
    """Say for how many days events are kept."""
    found = find(call, request.log_group_name)
    if request.retention_in_days not in RETENTIONS:
        allowed = ", ".join(map(str, RETENTIONS))
        raise bad(
            f"1 validation error detected: Value '{request.retention_in_days}' at "
            "'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{allowed}]"
        )
    if found.group.kind == "DELIVERY":
        raise bad("The retention of a log group of the log class DELIVERY cannot be changed.")
    call.rows(groups)[found.group.name] = replace(found.group, retention=request.retention_in_days)
    call.at(call.now, "expire", found.group.name)


@logs.operation("DeleteRetentionPolicy", resource=group_arn)
def delete_retention_policy(call: Call, request: api.DeleteRetentionPolicyRequest) -> None:
    """Keep events for ever."""
    found = find(call, request.log_group_name)
    if found.group.kind == "DELIVERY":
        raise bad("The retention of a log group of the log class DELIVERY cannot be changed.")
    call.rows(groups)[found.group.name] = replace(found.group, retention=0)
    call.cancel("expire", found.group.name)


@logs.operation("PutLogGroupDeletionProtection", resource=group_arn)
def put_log_group_deletion_protection(
    call: Call, request: api.PutLogGroupDeletionProtectionRequest
) -> None:
    """Let the group be deleted, or not."""
    found = find(call, request.log_group_identifier)
    call.rows(groups)[found.group.name] = replace(
        found.group, protected=request.deletion_protection_enabled
    )


def expire_later(call: Call, group: Group, oldest: float) -> None:
    """See to it that events, the oldest of them of an instant (ms), go when their time is over."""
    if call.timers.get("logs", "expire", group.name, call.account, call.region) is None:
        due = oldest / 1000 + group.retention * DAY_MS / 1000
        call.at(max(due, call.now) + EXPIRY_SLACK, "expire", group.name)


def visible_since(group: Group, now: float) -> float:
    """The instant (epoch milliseconds) from which on a group's events are still there."""
    return now * 1000 - group.retention * DAY_MS if group.retention else 0.0
