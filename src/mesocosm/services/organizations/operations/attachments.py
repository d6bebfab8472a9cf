"""Which policies are attached where."""

from __future__ import annotations

from typing import Any

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import POLICY, READ, on, policied, typed
from mesocosm.services.organizations.operations.policies import not_enabled, policy, summary
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import managed, quotas
from mesocosm.wire.errors import AwsError

_type_of = {"organizations:PolicyType": common.policy_type}


def _both(call: Call, of: tree.Tree, organization: rows.Organization, request: Any) -> list[str]:
    target = tree.target_arn(organization, request.target_id)
    return [str(policied(call, of, organization, request)), target]


@on("AttachPolicy", POLICY, _both, conditions=_type_of)
def attach_policy(call: Call, request: api.AttachPolicyRequest) -> None:
    """Attach a policy to a root, unit or account."""
    of, organization = common.here(call)
    row = policy(of, organization, request.policy_id)
    common.node(of, organization, request.target_id)
    if row.type not in organization.types:
        raise not_enabled()
    key = (request.target_id, row.id)
    if key in of.attachments:
        raise AwsError(
            "DuplicatePolicyAttachmentException",
            "The selected policy is already attached to the specified target.",
        )
    held = of.attached(organization, request.target_id, row.type)
    if len(held) >= quotas.PER_TARGET.get(row.type, quotas.PER_TARGET_OF_OTHER_TYPES):
        raise common.constraint(
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You have attached the maximum number of policies of this type to the specified "
            "target.",
        )
    of.attachments[key] = rows.Attachment(
        organization=organization.id,
        target=request.target_id,
        policy=row.id,
        type=row.type,
        since=call.now,
    )


@on("DetachPolicy", POLICY, _both, conditions=_type_of)
def detach_policy(call: Call, request: api.DetachPolicyRequest) -> None:
    """Detach a policy; one SCP must stay, and so must RCPFullAWSAccess."""
    of, organization = common.here(call)
    row = policy(of, organization, request.policy_id)
    common.node(of, organization, request.target_id)
    if (request.target_id, row.id) not in of.attachments:
        raise AwsError(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        )
    if row.id == managed.RCP_FULL_ACCESS:
        raise common.invalid(
            "NON_DETACHABLE_POLICY", "You can't detach this AWS managed policy from the target."
        )
    held = of.attached(organization, request.target_id, row.type)
    if row.type == "SERVICE_CONTROL_POLICY" and len(held) == 1:
        raise common.constraint(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You cannot remove the last policy attached to the specified target. You must have at "
            "least one attached at all times.",
        )
    del of.attachments[request.target_id, row.id]


@on("ListPoliciesForTarget", READ, common.targeted("target_id"), conditions=typed("filter"))
def list_policies_for_target(
    call: Call, request: api.ListPoliciesForTargetRequest
) -> api.ListPoliciesForTargetResponse:
    """The policies of one type attached right to a target."""
    of, organization = common.here(call)
    common.node(of, organization, request.target_id)
    held = of.attached(organization, request.target_id, request.filter)
    found, token = common.paged(request, held, lambda row: row.id)
    return api.ListPoliciesForTargetResponse(
        policies=[summary(organization, row) for row in found], next_token=token
    )


@on("ListTargetsForPolicy", READ, policied, conditions=_type_of)
def list_targets_for_policy(
    call: Call, request: api.ListTargetsForPolicyRequest
) -> api.ListTargetsForPolicyResponse:
    """Everything a policy is attached to."""
    of, organization = common.here(call)
    row = policy(of, organization, request.policy_id)
    found, token = common.paged(request, of.places(organization, row.id), str)
    return api.ListTargetsForPolicyResponse(
        targets=[_target(of, organization, name) for name in found], next_token=token
    )


def _target(of: tree.Tree, organization: rows.Organization, name: str) -> api.PolicyTargetSummary:
    row = common.node(of, organization, name)
    kind = {rows.Unit: "ORGANIZATIONAL_UNIT", rows.Account: "ACCOUNT"}.get(type(row), "ROOT")
    return api.PolicyTargetSummary(
        target_id=name,
        arn=tree.target_arn(organization, name),
        name="Root" if isinstance(row, rows.Organization) else row.name,
        type=kind,
    )
