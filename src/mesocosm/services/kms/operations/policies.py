"""Key policies: the one that every key has, named `default`."""

from __future__ import annotations

from collections.abc import Mapping

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.facts import Facts
from mesocosm.call.service import Need, Target
from mesocosm.iam import AuthorizationRequest, PolicyStack, decide
from mesocosm.iam.policy import PolicyError, parse
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.shared import conditions, own_key_arn
from mesocosm.services.kms.rules.policies import POLICY_BYTES_MAX
from mesocosm.wire.errors import AwsError

NAME = "default"
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def malformed(message: str) -> AwsError:
    """AWS's error of a key policy it does not take."""
    return AwsError("MalformedPolicyDocumentException", message)


def checked_policy(
    call: Call, arn: str, policy: str, tags: Mapping[str, str], *, bypass: bool
) -> dict[str, str]:
    """Check a key policy; the unique ids of the users and roles it names.

    Unless bypassed, the caller must still be able to change the policy afterwards (API reference,
    PutKeyPolicy: BypassPolicyLockoutSafetyCheck).
    """
    if len(policy.encode()) > POLICY_BYTES_MAX:
        raise AwsError(
            "LimitExceededException",
            f"The key policy must not be longer than {POLICY_BYTES_MAX} bytes.",
        )
    try:
        parse(policy, "resource", "Policy", check=True)
    except PolicyError as error:
        raise malformed(str(error)) from None
    identity = call.cloud.provider("identity")
    principals: dict[str, str] = {}
    if identity is not None:
        try:
            principals = identity.resolved(policy)
        except AwsError:
            raise malformed(
                "Policy contains a statement with one or more invalid principals."
            ) from None
    if not bypass and not _still_open(call, arn, policy, tags):
        raise malformed(
            "The new key policy will not allow you to update the key policy in the future."
        )
    return principals


def _still_open(call: Call, arn: str, policy: str, tags: Mapping[str, str]) -> bool:
    """Whether a key policy lets the caller change it, by name or through IAM policies of the
    account: what those say does not matter here."""
    need = Need("kms:PutKeyPolicy", arn, shared.caller_conditions(call))
    target = Target(arn, arn.split(":", 5)[4], tags, policy, "kms")
    gathered = call.cloud.gate.gathered(call)
    stack = PolicyStack(identity=[parse(ALLOW_ALL, "identity", "any")])
    context = Facts(call, need, target, gathered.keys, gathered.tags, None)
    request = AuthorizationRequest(need.action, arn, target.account, call.principal, context)
    found = parse(policy, "resource", "Policy")
    return decide(request, stack.at(resource=found, resource_kind="kms")).allowed


def _check_name(name: str | None) -> None:
    if name not in (None, NAME):
        raise AwsError("NotFoundException", "No such policy exists")


@kms.operation("GetKeyPolicy", resource=own_key_arn, conditions=conditions)
def get_key_policy(call: Call, request: api.GetKeyPolicyRequest) -> api.GetKeyPolicyResponse:
    """The policy as it was given; who is gone shows as a unique id."""
    key = shared.own(call, request.key_id)
    _check_name(request.policy_name)
    identity = call.cloud.provider("identity")
    policy = identity.shown(key.policy, key.principals) if identity else key.policy
    return api.GetKeyPolicyResponse(policy=policy, policy_name=NAME)


@kms.operation("PutKeyPolicy", resource=own_key_arn, conditions=conditions)
def put_key_policy(call: Call, request: api.PutKeyPolicyRequest) -> None:
    """Replace a key's policy."""
    key = shared.managed(call, request.key_id)
    _check_name(request.policy_name)
    bypass = bool(request.bypass_policy_lockout_safety_check)
    principals = checked_policy(call, key.arn, request.policy, key.tags, bypass=bypass)
    shared.store(call, key, policy=request.policy, principals=principals)


@kms.operation("ListKeyPolicies", resource=own_key_arn, conditions=conditions)
def list_key_policies(
    call: Call, request: api.ListKeyPoliciesRequest
) -> api.ListKeyPoliciesResponse:
    """The names of a key's policies: there is one."""
    shared.own(call, request.key_id)
    return api.ListKeyPoliciesResponse(policy_names=[NAME], truncated=False)
