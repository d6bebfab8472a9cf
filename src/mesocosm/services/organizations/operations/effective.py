"""What the policies along an account's line come to."""

from __future__ import annotations

import json
from typing import Any

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import on, targeted
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import documents, effective
from mesocosm.wire.errors import AwsError


def _about(
    call: Call, of: tree.Tree, organization: rows.Organization, request: Any
) -> str | list[str]:
    target = request.target_id or call.account
    if call.account == organization.management:
        return tree.target_arn(organization, target)
    if target == call.account:
        return "*"  # every account may see what holds for itself
    if not of.delegated(call.account) and organization.id not in of.resource_policies:
        raise common.denied()
    return targeted("target_id")(call, of, organization, request)


@on(
    "DescribeEffectivePolicy",
    common.MEMBER,
    _about,
    conditions=common.typed("policy_type"),
)
def describe_effective_policy(
    call: Call, request: api.DescribeEffectivePolicyRequest
) -> api.DescribeEffectivePolicyResponse:
    """The policies of one type from the root down to an account, merged."""
    of, organization = common.here(call)
    target = request.target_id or call.account
    if of.member(organization, target) is None:
        raise common.missing("Target")
    levels = [
        of.attached(organization, name, request.policy_type)
        for name in of.line(organization, target)
    ]
    merged = effective.merged([documents.loaded(row.content) for row in level] for level in levels)
    if merged is None:
        raise AwsError(
            "EffectivePolicyNotFoundException",
            "If you ran this action on the management account, this policy type is not enabled. "
            "If you ran the action on a member account, the account doesn't have an effective "
            "policy of this type. Contact the administrator of your organization about attaching "
            "a policy of this type to the account.",
        )
    attached = (
        of.attachments[key].since
        for name in of.line(organization, target)
        for key in of.attachments.find(rows.attached_to, name)
        if of.attachments[key].type == request.policy_type
    )
    updated = (row.updated for level in levels for row in level)
    return api.DescribeEffectivePolicyResponse(
        effective_policy=api.EffectivePolicy(
            policy_content=json.dumps(merged, separators=(",", ":")),
            last_updated_timestamp=max(*attached, *updated),
            target_id=target,
            policy_type=request.policy_type,
        )
    )
