"""Subscription filters, and the destinations that other accounts' filters name."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.iam.policy import PolicyError
from mesocosm.iam.policy import parse as parse_policy
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations import receivers
from mesocosm.services.logs.operations.groups import invalid_token
from mesocosm.services.logs.operations.metrics import check_regexes, limit_exceeded
from mesocosm.services.logs.operations.tags import allowed
from mesocosm.services.logs.resources.rows import (
    Destination,
    Subscription,
    destinations,
    subscriptions,
)
from mesocosm.services.logs.resources.targets import bad, find, group_arn, standard_only
from mesocosm.services.logs.rules.limits import SUBSCRIPTIONS
from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.errors import AwsError


def passing(call: Call, role: str | None) -> list[Need]:
    """The permission to give logs a role."""
    conditions = {"iam:PassedToService": "logs.amazonaws.com"}
    return [Need("iam:PassRole", role, conditions)] if role else []


def _needs(call: Call, request: api.PutSubscriptionFilterRequest) -> list[Need]:
    needs = passing(call, request.role_arn)
    if ":destination:" in request.destination_arn:
        needs.append(Need("logs:PutSubscriptionFilter", request.destination_arn))
    return needs


@logs.operation("PutSubscriptionFilter", resource=group_arn, needs=_needs)
def put_subscription_filter(call: Call, request: api.PutSubscriptionFilterRequest) -> None:
    """Send the events that match away, from now on."""
    found = find(call, request.log_group_name)
    standard_only(found, "PutSubscriptionFilter", "InvalidOperationException")
    if request.apply_on_transformed_logs:
        raise call.not_implemented("transformed logs")
    if request.field_selection_criteria or request.emit_system_fields:
        raise call.not_implemented("system fields of subscription filters")
    parse(request.filter_pattern)
    rows = call.rows(subscriptions)
    key = (found.group.name, request.filter_name)
    held = rows.get(key)
    if held is None and len(rows.find(receivers.by_group, found.group.name)) >= SUBSCRIPTIONS:
        raise limit_exceeded()
    check_regexes(call, found.group.name, request.filter_name, request.filter_pattern)
    row = Subscription(
        name=request.filter_name,
        group=found.group.name,
        pattern=request.filter_pattern,
        destination=request.destination_arn,
        created=held.created if held else call.now,
        role=request.role_arn or "",
        distribution=request.distribution or "ByLogStream",
    )
    receivers.check(call, row)
    rows[key] = row


@logs.operation("DeleteSubscriptionFilter", resource=group_arn)
def delete_subscription_filter(call: Call, request: api.DeleteSubscriptionFilterRequest) -> None:
    """Send nothing any longer."""
    found = find(call, request.log_group_name)
    rows = call.rows(subscriptions)
    key = (found.group.name, request.filter_name)
    if key not in rows:
        raise AwsError(
            "ResourceNotFoundException", "The specified subscription filter does not exist."
        )
    del rows[key]


@logs.operation("DescribeSubscriptionFilters", resource=group_arn)
def describe_subscription_filters(
    call: Call, request: api.DescribeSubscriptionFiltersRequest
) -> api.DescribeSubscriptionFiltersResponse:
    """The subscription filters of a group."""
    found = find(call, request.log_group_name)
    rows = call.rows(subscriptions)
    chosen = [
        rows[key]
        for key in rows.find(receivers.by_group, found.group.name)
        if rows[key].name.startswith(request.filter_name_prefix or "")
    ]
    shown, token = page(
        chosen, lambda row: row.name, request.next_token, request.limit or 50, invalid_token
    )
    return api.DescribeSubscriptionFiltersResponse(
        subscription_filters=[
            api.SubscriptionFilter(
                filter_name=row.name,
                log_group_name=row.group,
                filter_pattern=row.pattern,
                destination_arn=row.destination,
                role_arn=row.role or None,
                distribution=row.distribution,
                apply_on_transformed_logs=False,
                creation_time=int(row.created * 1000),
            )
            for row in shown
        ],
        next_token=token,
    )


# -- destinations -----------------------------------------------------------------------------


def destination_arn(call: Call, request: api.PutDestinationRequest) -> str:
    return call.arn(f"destination:{request.destination_name}")


def _destination(call: Call, name: str) -> Destination:
    row = call.rows(destinations).get(name)
    if row is None:
        raise AwsError("ResourceNotFoundException", "The specified destination does not exist.")
    return row


def _shown(call: Call, row: Destination) -> api.Destination:
    return api.Destination(
        destination_name=row.name,
        target_arn=row.target,
        role_arn=row.role,
        access_policy=row.policy or None,
        arn=call.arn(f"destination:{row.name}"),
        creation_time=int(row.created * 1000),
    )


@logs.operation(
    "PutDestination",
    resource=destination_arn,
    tags=lambda request: request.tags,
    needs=lambda call, request: passing(call, request.role_arn),
)
def put_destination(call: Call, request: api.PutDestinationRequest) -> api.PutDestinationResponse:
    """Name a stream to which other accounts' subscription filters may send."""
    receivers.check_target(call, request.target_arn, request.role_arn, destination=True)
    rows = call.rows(destinations)
    held = rows.get(request.destination_name)
    row = Destination(
        name=request.destination_name,
        target=request.target_arn,
        role=request.role_arn,
        created=held.created if held else call.now,
        policy=held.policy if held else "",
        tags=held.tags if held else allowed(dict(request.tags or {})),
    )
    rows[row.name] = row
    return api.PutDestinationResponse(destination=_shown(call, row))


@logs.operation("PutDestinationPolicy", resource=destination_arn)
def put_destination_policy(call: Call, request: api.PutDestinationPolicyRequest) -> None:
    """Say which accounts may subscribe to a destination."""
    row = _destination(call, request.destination_name)
    try:
        parse_policy(request.access_policy, "resource", request.destination_name, check=True)
    except PolicyError as error:
        raise bad(f"Invalid access policy: {error}") from None
    call.rows(destinations)[row.name] = replace(row, policy=request.access_policy)


@logs.operation("DeleteDestination", resource=destination_arn)
def delete_destination(call: Call, request: api.DeleteDestinationRequest) -> None:
    """Delete a destination; filters that name it no longer deliver."""
    row = _destination(call, request.destination_name)
    del call.rows(destinations)[row.name]


@logs.operation("DescribeDestinations")
def describe_destinations(
    call: Call, request: api.DescribeDestinationsRequest
) -> api.DescribeDestinationsResponse:
    """The destinations of an account, by prefix."""
    prefix = request.destination_name_prefix or ""
    chosen = [row for row in call.rows(destinations).values() if row.name.startswith(prefix)]
    shown, token = page(
        chosen, lambda row: row.name, request.next_token, request.limit or 50, invalid_token
    )
    return api.DescribeDestinationsResponse(
        destinations=[_shown(call, row) for row in shown], next_token=token
    )
