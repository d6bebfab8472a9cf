"""Tags of roots, units, accounts, policies and the delegation policy."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import POLICY, READ, on
from mesocosm.services.organizations.operations.policies import own_policy
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.wire.errors import AwsError


def _named(_: Call, of: tree.Tree, organization: rows.Organization, request: Any) -> str:
    name = request.resource_id
    if name.startswith("rp-"):
        return tree.resource_policy_arn(organization, name)
    if name.startswith("p-"):
        policy = of.policy(organization, name)
        kind = policy.type if policy is not None else "service_control_policy"
        return tree.policy_arn(organization, name, kind)
    return tree.target_arn(organization, name)


def _policy_type(call: Call, request: Any) -> str | None:
    if not request.resource_id.startswith("p-"):
        return None
    return common.type_of(call, request.resource_id)


_type_of = {"organizations:PolicyType": _policy_type}


def _held(of: tree.Tree, organization: rows.Organization, name: str) -> dict[str, str]:
    if name.startswith("rp-"):
        row = of.resource_policies.get(organization.id)
        if row is not None and row.id == name:
            return row.tags
    elif name.startswith("p-"):
        if of.policy(organization, name) is not None:
            return own_policy(of, organization, name).tags
    elif (node := of.node(organization, name)) is not None:
        return node.root_tags if isinstance(node, rows.Organization) else node.tags
    raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")


def _keep(of: tree.Tree, organization: rows.Organization, name: str, tags: dict[str, str]) -> None:
    if name.startswith("rp-"):
        held = of.resource_policies[organization.id]
        of.resource_policies[organization.id] = replace(held, tags=tags)
    elif name.startswith("p-"):
        of.policies[name] = replace(of.policies[name], tags=tags)
    elif name.startswith("r-"):
        of.organizations[organization.id] = replace(organization, root_tags=tags)
    elif name.startswith("ou-"):
        of.units[name] = replace(of.units[name], tags=tags)
    else:
        of.accounts[name] = replace(of.accounts[name], tags=tags)


@on("TagResource", POLICY, _named, tags=common.tags_of, conditions=_type_of)
def tag_resource(call: Call, request: api.TagResourceRequest) -> None:
    """Add tags, or replace those of the same key."""
    of, organization = common.here(call)
    held = _held(of, organization, request.resource_id)
    _keep(of, organization, request.resource_id, common.checked_tags(request.tags, held))


@on(
    "UntagResource",
    POLICY,
    _named,
    tag_keys=lambda request: request.tag_keys,
    conditions=_type_of,
)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> None:
    """Remove tags."""
    of, organization = common.here(call)
    held = _held(of, organization, request.resource_id)
    kept = {key: value for key, value in held.items() if key not in request.tag_keys}
    _keep(of, organization, request.resource_id, kept)


@on("ListTagsForResource", READ, _named, conditions=_type_of)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResponse:
    """The tags of a resource."""
    of, organization = common.here(call)
    held = common.tag_list(_held(of, organization, request.resource_id))
    found, token = common.paged(request, held, lambda tag: tag.key)
    return api.ListTagsForResourceResponse(tags=found, next_token=token)
