"""Resource policies of secrets."""

from __future__ import annotations

from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need, Target, Values
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import replication
from mesocosm.services.secretsmanager.operations.opened import (
    OfSecret,
    changed,
    flag,
    invalid,
    keys,
    keys_of,
    live,
    own,
    save,
    secret_arn,
)
from mesocosm.services.secretsmanager.rules import policies as rules
from mesocosm.wire.errors import AwsError

BROAD = "The resource policy grants broad access to the secret."
PAGE = 100


def _named(name: str | None, *, write: bool) -> None:
    if name in (None, rules.NAME):
        return
    if write:
        raise invalid(f"You can only change the policy {rules.NAME}.")
    raise AwsError(
        "ResourceNotFoundException", "Secrets Manager can't find the specified resource policy."
    )


def _mendable(call: Call, request: OfSecret) -> str:
    """The secret, whose owner's root user its policy cannot lock out."""
    return call.unlock(secret_arn(call, request))


def _principals(call: Call, text: str) -> dict[str, str]:
    """The unique ids of the users and roles a policy names; they must be there."""
    identity = call.cloud.provider("identity")
    if identity is None:
        return {}
    try:
        found: dict[str, str] = identity.resolved(text)
    except AwsError:
        raise rules.malformed("This resource policy contains an unsupported principal.") from None
    return found


def _putting(call: Call, request: api.PutResourcePolicyRequest) -> dict[str, Values]:
    return {
        **keys(call, request),
        "secretsmanager:BlockPublicPolicy": flag(request.block_public_policy),
    }


@secretsmanager.operation("PutResourcePolicy", resource=_mendable, conditions=_putting)
def put_resource_policy(
    call: Call, request: api.PutResourcePolicyRequest
) -> api.PutResourcePolicyResponse:
    """Say who else may use a secret."""
    _named(request.policy_name, write=True)
    found = own(call, request.secret_id)
    text = request.resource_policy
    rules.check(text)
    principals = _principals(call, text)
    if request.block_public_policy and rules.broad(text):
        raise AwsError("PublicPolicyException", BROAD)
    found = save(call, found, changed(call, found.secret, policy=text, principals=principals))
    replication.spread(call, found)
    return api.PutResourcePolicyResponse(
        arn=found.arn, name=found.secret.name, policy_name=request.policy_name
    )


@secretsmanager.operation("GetResourcePolicy", resource=_mendable, conditions=keys)
def get_resource_policy(
    call: Call, request: api.GetResourcePolicyRequest
) -> api.GetResourcePolicyResponse:
    """The policy of a secret; no text when it has none."""
    _named(request.policy_name, write=False)
    found = live(call, request.secret_id)
    row, identity = found.secret, call.cloud.provider("identity")
    text = row.policy
    if text and identity is not None:
        text = identity.shown(text, row.principals)
    return api.GetResourcePolicyResponse(
        arn=found.arn,
        name=row.name,
        resource_policy=text or None,
        policy_name=request.policy_name,
    )


@secretsmanager.operation("DeleteResourcePolicy", resource=_mendable, conditions=keys)
def delete_resource_policy(
    call: Call, request: api.DeleteResourcePolicyRequest
) -> api.DeleteResourcePolicyResponse:
    """Take the policy of a secret away."""
    _named(request.policy_name, write=True)
    found = own(call, request.secret_id)
    if found.secret.policy:
        found = save(call, found, changed(call, found.secret, policy="", principals={}))
        replication.spread(call, found)
    return api.DeleteResourcePolicyResponse(
        arn=found.arn, name=found.secret.name, policy_name=request.policy_name
    )


@secretsmanager.operation("ListResourcePolicies", resource=secret_arn, conditions=keys)
def list_resource_policies(
    call: Call, request: api.ListResourcePoliciesRequest
) -> api.ListResourcePoliciesResponse:
    """The names of the policies of a secret."""
    found = live(call, request.secret_id)
    names = [rules.NAME] if found.secret.policy else []

    def refuse() -> AwsError:
        return AwsError("InvalidNextTokenException", "The NextToken value is invalid.")

    part, token = page(
        names, lambda name: name, request.next_token, request.max_results or PAGE, refuse
    )
    return api.ListResourcePoliciesResponse(
        resource_policies=[api.ResourcePolicySummary(policy_name=name) for name in part],
        next_token=token,
    )


# -- validating --------------------------------------------------------------------------------


def _concerned(call: Call, request: api.ValidateResourcePolicyRequest) -> str:
    return secret_arn(call, _Named(request.secret_id)) if request.secret_id else "*"


class _Named:
    def __init__(self, secret_id: str) -> None:
        self.secret_id = secret_id


def _keys(call: Call, request: api.ValidateResourcePolicyRequest) -> dict[str, Values]:
    return keys_of(call, request.secret_id) if request.secret_id else {}


def _putting_too(call: Call, request: api.ValidateResourcePolicyRequest) -> list[Need]:
    arn = _concerned(call, request)
    return [Need("secretsmanager:PutResourcePolicy", arn, _keys(call, request))]


@secretsmanager.operation(
    "ValidateResourcePolicy", resource=_concerned, conditions=_keys, needs=_putting_too
)
def validate_resource_policy(
    call: Call, request: api.ValidateResourcePolicyRequest
) -> api.ValidateResourcePolicyResponse:
    """Whether a policy can be read, keeps the public out and does not lock the caller out."""
    text = request.resource_policy
    rules.check(text)
    _principals(call, text)
    errors = []
    if rules.broad(text):
        errors.append(api.ValidationErrorsEntry(check_name="BROAD_ACCESS", error_message=BROAD))
    if request.secret_id:
        found = live(call, request.secret_id)
        row = found.secret
        call.targets[found.arn] = Target(
            found.arn, found.account, row.tags, text, region=found.region
        )
        given = keys_of(call, request.secret_id)
        if not call.allows("secretsmanager:PutResourcePolicy", found.arn, given):
            errors.append(
                api.ValidationErrorsEntry(
                    check_name="LOCKOUT",
                    error_message="The resource policy would lock you out of the secret.",
                )
            )
    return api.ValidateResourcePolicyResponse(
        policy_validation_passed=not errors, validation_errors=errors
    )
