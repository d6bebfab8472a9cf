"""Policies, and the types of them that are enabled."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import POLICY, READ, on, policied, typed
from mesocosm.services.organizations.operations.organization import root_shape
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import documents, managed, quotas
from mesocosm.wire.errors import AwsError

_type_of = {"organizations:PolicyType": common.policy_type}


def summary(organization: rows.Organization, row: rows.Policy) -> api.PolicySummary:
    """A policy as lists carry it."""
    return api.PolicySummary(
        id=row.id,
        arn=tree.policy_arn(organization, row.id, row.type),
        name=row.name,
        description=row.description,
        type=row.type,
        aws_managed=row.id in managed.POLICIES,
    )


def shape(organization: rows.Organization, row: rows.Policy) -> api.Policy:
    """A policy with its document."""
    return api.Policy(policy_summary=summary(organization, row), content=row.content)


def policy(of: tree.Tree, organization: rows.Organization, name: str) -> rows.Policy:
    """A policy; raises PolicyNotFoundException."""
    found = of.policy(organization, name)
    if found is None:
        raise common.missing("Policy")
    return found


def own_policy(of: tree.Tree, organization: rows.Organization, name: str) -> rows.Policy:
    """A policy of the organization's own; raises InvalidInputException for one of AWS's."""
    found = policy(of, organization, name)
    if found.id in managed.POLICIES:
        raise common.invalid(
            "IMMUTABLE_POLICY", "You can't modify or delete a policy that is managed by AWS."
        )
    return found


def _free(of: tree.Tree, organization: rows.Organization, kind: str, name: str) -> None:
    own = (of.policies[key] for key in of.policies.find(rows.policies_of, organization.id))
    every = [*own, *managed.POLICIES.values()]
    if any(row.name == name and row.type == kind for row in every):
        raise AwsError("DuplicatePolicyException", "A policy with the same name already exists.")


def _new_policy(
    _: Call, __: tree.Tree, organization: rows.Organization, request: api.CreatePolicyRequest
) -> str:
    return tree.policy_arn(organization, "p-*", request.type)


@on(
    "CreatePolicy",
    POLICY,
    _new_policy,
    conditions=typed("type"),
    tagging=True,
)
def create_policy(call: Call, request: api.CreatePolicyRequest) -> api.CreatePolicyResponse:
    """Make a policy; its type need not be enabled."""
    of, organization = common.here(call)
    _needs_all_features(organization)
    _free(of, organization, request.type, request.name)
    same = [
        key
        for key in of.policies.find(rows.policies_of, organization.id)
        if of.policies[key].type == request.type
    ]
    if len(same) >= quotas.POLICIES.get(request.type, quotas.POLICIES_OF_OTHER_TYPES):
        raise common.constraint(
            "POLICY_NUMBER_LIMIT_EXCEEDED",
            "You have exceeded the number of policies you can have in an organization.",
        )
    row = rows.Policy(
        id=common.new_id(call, "p-", 8),
        organization=organization.id,
        name=request.name,
        type=request.type,
        content=documents.checked(request.content, request.type),
        description=request.description,
        updated=call.now,
        tags=common.checked_tags(request.tags),
    )
    of.policies[row.id] = row
    return api.CreatePolicyResponse(policy=shape(organization, row))


def _needs_all_features(organization: rows.Organization) -> None:
    if organization.features != "ALL":
        raise AwsError(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled for "
            "this organization.",
        )


@on("DescribePolicy", READ, policied, conditions=_type_of)
def describe_policy(call: Call, request: api.DescribePolicyRequest) -> api.DescribePolicyResponse:
    """One policy with its document."""
    of, organization = common.here(call)
    row = policy(of, organization, request.policy_id)
    return api.DescribePolicyResponse(policy=shape(organization, row))


@on("UpdatePolicy", POLICY, policied, conditions=_type_of)
def update_policy(call: Call, request: api.UpdatePolicyRequest) -> api.UpdatePolicyResponse:
    """Change a policy's name, description or document."""
    of, organization = common.here(call)
    row = own_policy(of, organization, request.policy_id)
    if request.name is not None and request.name != row.name:
        _free(of, organization, row.type, request.name)
        row = replace(row, name=request.name)
    if request.description is not None:
        row = replace(row, description=request.description)
    if request.content is not None:
        row = replace(row, content=documents.checked(request.content, row.type), updated=call.now)
    of.policies[row.id] = row
    return api.UpdatePolicyResponse(policy=shape(organization, row))


@on("DeletePolicy", POLICY, policied, conditions=_type_of)
def delete_policy(call: Call, request: api.DeletePolicyRequest) -> None:
    """Delete a policy that is attached nowhere."""
    of, organization = common.here(call)
    row = own_policy(of, organization, request.policy_id)
    if of.places(organization, row.id):
        raise AwsError(
            "PolicyInUseException",
            "The policy is attached to one or more entities. You must detach it from all roots, "
            "OUs, and accounts before performing this operation.",
        )
    del of.policies[row.id]


@on("ListPolicies", READ, conditions=typed("filter"))
def list_policies(call: Call, request: api.ListPoliciesRequest) -> api.ListPoliciesResponse:
    """The policies of one type, AWS's among them."""
    of, organization = common.here(call)
    own = (of.policies[key] for key in of.policies.find(rows.policies_of, organization.id))
    every = [row for row in (*own, *managed.POLICIES.values()) if row.type == request.filter]
    found, token = common.paged(request, every, lambda row: row.id)
    return api.ListPoliciesResponse(
        policies=[summary(organization, row) for row in found], next_token=token
    )


# -- types -----------------------------------------------------------------------------------------


def attach_defaults(
    call: Call, of: tree.Tree, organization: rows.Organization, target: str
) -> None:
    """Give a new unit or account the full-access policies of the types that are enabled."""
    for kind, name in managed.DEFAULTS.items():
        if kind in organization.types and (target, name) not in of.attachments:
            of.attachments[target, name] = rows.Attachment(
                organization=organization.id,
                target=target,
                policy=name,
                type=kind,
                since=call.now,
            )


def detach_all(of: tree.Tree, target: str) -> None:
    """Take every policy from a target that goes away."""
    for key in list(of.attachments.find(rows.attached_to, target)):
        del of.attachments[key]


def _root(organization: rows.Organization, root: str) -> None:
    if root != organization.root:
        raise common.missing("Root")


@on("EnablePolicyType", POLICY, common.targeted("root_id"), conditions=typed("policy_type"))
def enable_policy_type(
    call: Call, request: api.EnablePolicyTypeRequest
) -> api.EnablePolicyTypeResponse:
    """Let policies of a type work. Of SCPs and RCPs everything gets the one that allows all."""
    of, organization = common.here(call)
    _root(organization, request.root_id)
    _needs_all_features(organization)
    if request.policy_type in organization.types:
        raise AwsError(
            "PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled."
        )
    organization = replace(organization, types=(*organization.types, request.policy_type))
    of.organizations[organization.id] = organization
    for target in list(of.targets(organization)):
        attach_defaults(call, of, organization, target)
    return api.EnablePolicyTypeResponse(root=root_shape(organization))


@on("DisablePolicyType", POLICY, common.targeted("root_id"), conditions=typed("policy_type"))
def disable_policy_type(
    call: Call, request: api.DisablePolicyTypeRequest
) -> api.DisablePolicyTypeResponse:
    """Policies of a type work no longer, and are detached from everything."""
    of, organization = common.here(call)
    _root(organization, request.root_id)
    if request.policy_type not in organization.types:
        raise not_enabled()
    kept = tuple(kind for kind in organization.types if kind != request.policy_type)
    organization = replace(organization, types=kept)
    of.organizations[organization.id] = organization
    for target in list(of.targets(organization)):
        for key in list(of.attachments.find(rows.attached_to, target)):
            if of.attachments[key].type == request.policy_type:
                del of.attachments[key]
    return api.DisablePolicyTypeResponse(root=root_shape(organization))


def not_enabled() -> AwsError:
    """PolicyTypeNotEnabledException."""
    return AwsError(
        "PolicyTypeNotEnabledException",
        "This operation can be performed only for enabled policy types.",
    )
