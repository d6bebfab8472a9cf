"""Resource policies of parameters: who else may read them.

Source: Systems Manager user guide, "Working with shared parameters in Parameter Store".
"""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.iam import PolicyError, parse
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations.reading import bad_token
from mesocosm.services.ssm.resources import Found, Share, look_up, parameters
from mesocosm.wire.errors import AwsError

PAGE = 50


def _found(call: Call, arn: str) -> Found:
    if ":parameter/" not in arn:
        raise call.not_implemented("resource policies of documents and OpsItem groups")
    found = look_up(call.world, arn)
    if found is None or (found.account, found.region) != (call.account, call.region):
        raise AwsError(
            "ResourceNotFoundException", "The specified parameter to be shared could not be found."
        )
    return found


def _checked(text: str) -> None:
    try:
        parse(text, "resource", "shared", check=True)
    except PolicyError as error:
        raise AwsError("MalformedResourcePolicyDocumentException", str(error)) from None


def _principals(call: Call, text: str) -> dict[str, str]:
    identity = call.cloud.provider("identity")
    try:
        found: dict[str, str] = identity.resolved(text) if identity is not None else {}
    except AwsError as error:
        raise AwsError("MalformedResourcePolicyDocumentException", error.message) from None
    return found


@ssm.operation("PutResourcePolicy", resource=lambda call, request: request.resource_arn)
def put_resource_policy(
    call: Call, request: api.PutResourcePolicyRequest
) -> api.PutResourcePolicyResponse:
    """Share a parameter of the advanced tier, or change how it is shared."""
    found = _found(call, request.resource_arn)
    if found.latest(call).tier == "Standard":
        raise AwsError(
            "ResourcePolicyInvalidParameterException",
            "A parameter must be in the advanced tier to be shared.",
            ParameterNames=["ResourceArn"],
        )
    text = request.policy
    _checked(text)
    policy_id = request.policy_id or call.ids.uuid()
    if request.policy_id:
        _current(found, request.policy_id, request.policy_hash or "")
    share = Share(text, hashlib.sha256(text.encode()).hexdigest(), _principals(call, text))
    shares = {**found.parameter.shares, policy_id: share}
    call.rows(parameters)[found.parameter.name] = replace(found.parameter, shares=shares)
    return api.PutResourcePolicyResponse(policy_id=policy_id, policy_hash=share.hash)


def _current(found: Found, policy_id: str, digest: str) -> None:
    """The hash must be that of the policy as it is now."""
    share = found.parameter.shares.get(policy_id)
    if share is None:
        raise AwsError(
            "ResourcePolicyNotFoundException",
            "No policies with the specified policy ID and hash could be found.",
        )
    if share.hash != digest:
        raise AwsError(
            "ResourcePolicyConflictException",
            "The hash provided in the call doesn't match the stored hash.",
        )


@ssm.operation("GetResourcePolicies", resource=lambda call, request: request.resource_arn)
def get_resource_policies(
    call: Call, request: api.GetResourcePoliciesRequest
) -> api.GetResourcePoliciesResponse:
    """The policies of a parameter."""
    shares = _found(call, request.resource_arn).parameter.shares
    part, token = page(
        shares.items(),
        lambda one: one[0],
        request.next_token,
        request.max_results or PAGE,
        bad_token,
    )
    return api.GetResourcePoliciesResponse(
        next_token=token,
        policies=[
            api.GetResourcePoliciesResponseEntry(
                policy_id=policy_id, policy_hash=share.hash, policy=share.text
            )
            for policy_id, share in part
        ],
    )


@ssm.operation("DeleteResourcePolicy", resource=lambda call, request: request.resource_arn)
def delete_resource_policy(
    call: Call, request: api.DeleteResourcePolicyRequest
) -> api.DeleteResourcePolicyResponse:
    """Share a parameter no longer."""
    found = _found(call, request.resource_arn)
    _current(found, request.policy_id, request.policy_hash)
    shares = dict(found.parameter.shares)
    del shares[request.policy_id]
    call.rows(parameters)[found.parameter.name] = replace(found.parameter, shares=shares)
    return api.DeleteResourcePolicyResponse()
