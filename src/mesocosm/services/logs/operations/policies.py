"""Resource policies, and the policies of an account."""

from __future__ import annotations

from typing import Any

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.iam.policy import PolicyError, parse
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.auditing import DATA_PROTECTION
from mesocosm.services.logs.operations.groups import invalid_token
from mesocosm.services.logs.operations.masking import check_policy
from mesocosm.services.logs.operations.metrics import limit_exceeded
from mesocosm.services.logs.operations.receivers import check
from mesocosm.services.logs.operations.subscriptions import passing
from mesocosm.services.logs.resources.rows import (
    AccountPolicy,
    Group,
    ResourcePolicy,
    account_policies,
    resource_policies,
)
from mesocosm.services.logs.resources.targets import bad, split_group
from mesocosm.services.logs.rules import pattern, selection
from mesocosm.services.logs.rules.limits import RESOURCE_POLICIES
from mesocosm.wire.errors import AwsError

SUBSCRIPTION = "SUBSCRIPTION_FILTER_POLICY"


# -- resource policies ------------------------------------------------------------------------


def _about(call: Call, request: Any) -> str:
    return request.resource_arn or "*"


@logs.operation("PutResourcePolicy", resource=_about)
def put_resource_policy(
    call: Call, request: api.PutResourcePolicyRequest
) -> api.PutResourcePolicyResponse:
    """Let services and accounts use the account's groups, or one resource."""
    name, resource = request.policy_name, request.resource_arn
    if bool(name) == bool(resource):
        raise bad("Exactly one of policyName and resourceArn must be specified.")
    if not request.policy_document:
        raise bad("policyDocument must be specified.")
    if resource and split_group(resource) is None and ":destination:" not in resource:
        raise bad(f"Invalid resourceArn: {resource}")
    try:
        parse(request.policy_document, "resource", name or "", check=True)
    except PolicyError as error:
        raise bad(f"Invalid policy document: {error}") from None
    rows = call.rows(resource_policies)
    key = name or str(resource)
    held = rows.get(key)
    if (
        held is None
        and name
        and sum(not row.resource for row in rows.values()) >= (RESOURCE_POLICIES)
    ):
        raise limit_exceeded()
    _revised(held, request.expected_revision_id)
    identity = call.cloud.provider("identity")
    try:
        principals = identity.resolved(request.policy_document) if identity else {}
    except AwsError as error:
        raise bad(error.message) from None
    row = ResourcePolicy(
        name=key,
        document=request.policy_document,
        updated=call.now,
        resource=resource or "",
        revision=call.ids.hex(32) if resource else "",
        principals=principals,
    )
    rows[key] = row
    return api.PutResourcePolicyResponse(
        resource_policy=_shown(row), revision_id=row.revision or None
    )


def _revised(held: ResourcePolicy | None, expected: str | None) -> None:
    if expected is not None and (held is None or held.revision != expected):
        raise bad("The expectedRevisionId does not match the revision of the policy.")


def _shown(row: ResourcePolicy) -> api.ResourcePolicy:
    return api.ResourcePolicy(
        policy_name=None if row.resource else row.name,
        policy_document=row.document,
        last_updated_time=int(row.updated * 1000),
        policy_scope="RESOURCE" if row.resource else "ACCOUNT",
        resource_arn=row.resource or None,
        revision_id=row.revision or None,
    )


@logs.operation("DeleteResourcePolicy", resource=_about)
def delete_resource_policy(call: Call, request: api.DeleteResourcePolicyRequest) -> None:
    """Delete a resource policy."""
    rows = call.rows(resource_policies)
    key = request.policy_name or request.resource_arn or ""
    held = rows.get(key)
    if held is None:
        name = request.policy_name or request.resource_arn
        raise AwsError("ResourceNotFoundException", f"Policy with name [{name}] does not exist")
    _revised(held, request.expected_revision_id)
    del rows[key]


@logs.operation("DescribeResourcePolicies", resource=_about)
def describe_resource_policies(
    call: Call, request: api.DescribeResourcePoliciesRequest
) -> api.DescribeResourcePoliciesResponse:
    """The policies of the account, or of a resource."""
    of_resources = request.policy_scope == "RESOURCE" or bool(request.resource_arn)
    chosen = [
        row
        for row in call.rows(resource_policies).values()
        if bool(row.resource) == of_resources
        and (not request.resource_arn or row.resource == request.resource_arn)
    ]
    shown, token = page(
        chosen, lambda row: row.name, request.next_token, request.limit or 50, invalid_token
    )
    return api.DescribeResourcePoliciesResponse(
        resource_policies=[_shown(row) for row in shown], next_token=token
    )


# -- policies of an account -------------------------------------------------------------------


def _needs(call: Call, request: api.PutAccountPolicyRequest) -> list[Need]:
    if request.policy_type == DATA_PROTECTION:
        return [Need("logs:PutDataProtectionPolicy")]
    if request.policy_type == SUBSCRIPTION:
        found = selection.subscription_document(request.policy_document)
        return [Need("logs:PutSubscriptionFilter"), *passing(call, found.get("RoleArn"))]
    return []


@logs.operation("PutAccountPolicy", needs=_needs)
def put_account_policy(
    call: Call, request: api.PutAccountPolicyRequest
) -> api.PutAccountPolicyResponse:
    """A policy for all groups of the account in this Region, or for those it selects."""
    kind, document = request.policy_type, request.policy_document
    if kind not in (DATA_PROTECTION, SUBSCRIPTION):
        raise call.not_implemented(f"an account policy of type {kind}")
    if request.dry_run:
        raise call.not_implemented("a dry run")
    rows = call.rows(account_policies)
    key = (kind, request.policy_name)
    if key not in rows and any(owner == kind for owner, _ in rows):
        raise limit_exceeded()
    row = AccountPolicy(
        name=request.policy_name,
        kind=kind,
        document=document,
        updated=call.now,
        selection=request.selection_criteria or "",
    )
    if kind == DATA_PROTECTION:
        if request.selection_criteria:
            raise bad("selectionCriteria is not supported for this policy type.")
        check_policy(call, document)
    else:
        found = selection.subscription_document(document)
        pattern.parse(found.get("FilterPattern", ""))
        selection.left_out(row.selection)
        made = selection.subscription_of(row, Group(name="", id="", created=0.0))
        assert made is not None
        check(call, made)
    rows[key] = row
    return api.PutAccountPolicyResponse(account_policy=_policy(call, row))


def _policy(call: Call, row: AccountPolicy) -> api.AccountPolicy:
    return api.AccountPolicy(
        policy_name=row.name,
        policy_document=row.document,
        last_updated_time=int(row.updated * 1000),
        policy_type=row.kind,
        scope="ALL",
        selection_criteria=row.selection or None,
        account_id=call.account,
    )


@logs.operation("DeleteAccountPolicy")
def delete_account_policy(call: Call, request: api.DeleteAccountPolicyRequest) -> None:
    """Delete a policy of the account."""
    if request.dry_run:
        raise call.not_implemented("a dry run")
    rows = call.rows(account_policies)
    key = (request.policy_type, request.policy_name)
    if key not in rows:
        raise AwsError("ResourceNotFoundException", "The specified policy does not exist.")
    del rows[key]


@logs.operation("DescribeAccountPolicies")
def describe_account_policies(
    call: Call, request: api.DescribeAccountPoliciesRequest
) -> api.DescribeAccountPoliciesResponse:
    """The policies of the account of one type."""
    chosen = [
        row
        for (kind, name), row in call.rows(account_policies).items()
        if kind == request.policy_type and (not request.policy_name or name == request.policy_name)
    ]
    if request.account_identifiers and call.account not in request.account_identifiers:
        chosen = []
    if request.policy_name and not chosen:
        raise AwsError("ResourceNotFoundException", "The specified policy does not exist.")
    shown, token = page(chosen, lambda row: row.name, request.next_token, 50, invalid_token)
    return api.DescribeAccountPoliciesResponse(
        account_policies=[_policy(call, row) for row in shown], next_token=token
    )
