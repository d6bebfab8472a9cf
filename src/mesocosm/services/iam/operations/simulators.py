"""The policy simulators, and the condition keys that policies read."""

from __future__ import annotations

from typing import NamedTuple

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.iam import PolicyError, Principal, parse
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.operations.granted import Granted, entity, granted
from mesocosm.services.iam.resources import arns, managed, rows
from mesocosm.services.iam.resources.authority import Identity
from mesocosm.services.iam.rules import scan
from mesocosm.services.iam.rules.simulation import Case, Simulation, Source, entries, invalid
from mesocosm.wire.errors import AwsError

Simulating = api.SimulateCustomPolicyRequest | api.SimulatePrincipalPolicyRequest


class Subject(NamedTuple):
    """A user, group or role whose policies are looked at: as a caller, and with what it was
    granted."""

    principal: Principal
    identity: list[Granted]
    boundary: list[Source]


def subject(call: Call, arn: str) -> Subject:
    """The user, group or role of an ARN with its policies; raises NoSuchEntity, InvalidInput."""
    kind, row = entity(call, arn)
    if isinstance(row, rows.User):
        principal = _user(call.account, row)
    elif isinstance(row, rows.Role):
        principal = Principal(
            kind="assumed-role",
            account=call.account,
            arn=arn,
            id=row.id,
            name=row.name,
            role_arn=arn,
            tags=row.tags,
        )
    else:
        principal = Principal(kind="user", account=call.account, arn=arn)
    boundary = Identity(call.world).grants(principal).boundary if kind != "group" else None
    return Subject(
        principal,
        granted(call, kind, row),
        [Source(*boundary)] if boundary else [],
    )


def _user(account: str, row: rows.User) -> Principal:
    return Principal(
        kind="user",
        account=account,
        arn=arns.arn_of(account, "user", row),
        id=row.id,
        name=row.name,
        tags=row.tags,
    )


def _inputs(texts: list[str] | None, name: str) -> list[Source]:
    return [Source(f"{name}.{number}", text) for number, text in enumerate(texts or (), 1)]


def _levels(request: api.SimulateCustomPolicyRequest) -> list[tuple[str, list[Source]]]:
    """The SCPs of a request, from the root down."""
    found = []
    for number, level in enumerate(request.ordered_organization_policy_input_list or (), 1):
        name = f"OrganizationPolicyInputList.{number}"
        found.append((name, _inputs(level.service_control_policy_input_list, name)))
    return found


def _organization(call: Call, account: str) -> list[tuple[str, list[Source]]]:
    """The SCPs that hold for an account."""
    provider = call.cloud.provider("organization")
    membership = provider.membership(account) if provider else None
    if membership is None or membership.exempt:
        return []
    return [
        (name, [Source(f"{name}: {title}", text) for title, text in texts])
        for name, texts in membership.scps
    ]


def _caller(call: Call, arn: str | None, otherwise: Principal) -> Principal:
    if arn is None:
        return otherwise
    name = arns.split(arn)
    if name is None or name.kind != "user":
        raise invalid(f"Invalid CallerArn: {arn}. It must be the ARN of an IAM user.")
    row = call.rows(rows.users, account=name.account).get(name.key)
    if row is not None and arns.arn_of(name.account, "user", row) == arn:
        return _user(name.account, row)
    return Principal(kind="user", account=name.account, arn=arn, name=name.name)


def _owner(request: Simulating) -> str:
    """The account that owns the resources, from its ARN or id."""
    given = request.resource_owner or ""
    return given.split(":", 5)[4] if given.count(":") >= 5 else given


def _results(call: Call, request: Simulating, case: Case) -> api.SimulatePolicyResponse:
    if request.resource_handling_option is not None:
        raise call.not_implemented("ResourceHandlingOption (EC2 scenarios)")
    for action in request.action_names:
        if ":" not in action:
            raise invalid(f"Invalid Action: {action}")
    if case.resource is not None and not case.caller.arn:
        raise invalid("CallerArn must be specified when a resource policy is given.")
    simulation = Simulation(case)
    asked = [
        (f"{place:06}", action, resource)
        for place, (action, resource) in enumerate(
            (action, resource)
            for action in request.action_names
            for resource in request.resource_arns or ("*",)
        )
    ]
    chosen, marker = paged(request, asked, lambda entry: entry[0])
    try:
        results = [simulation.evaluate(action, resource) for _, action, resource in chosen]
    except PolicyError as error:
        raise AwsError("PolicyEvaluation", str(error)) from None
    return api.SimulatePolicyResponse(
        evaluation_results=results, is_truncated=marker is not None, marker=marker
    )


@iam.operation("SimulateCustomPolicy")
def simulate_custom_policy(
    call: Call, request: api.SimulateCustomPolicyRequest
) -> api.SimulatePolicyResponse:
    """What given policies would decide, for a caller that need not exist."""
    nobody = Principal(kind="user", account=call.account)
    case = Case(
        caller=_caller(call, request.caller_arn, nobody),
        identity=_inputs(request.policy_input_list, "PolicyInputList"),
        boundary=_inputs(
            request.permissions_boundary_policy_input_list, "PermissionsBoundaryPolicyInputList"
        ),
        scps=_levels(request),
        resource=Source("ResourcePolicy", request.resource_policy)
        if request.resource_policy
        else None,
        owner=_owner(request),
        context=entries(request.context_entries),
    )
    return _results(call, request, case)


@iam.operation("SimulatePrincipalPolicy", resource=common.given_arn("policy_source_arn"))
def simulate_principal_policy(
    call: Call, request: api.SimulatePrincipalPolicyRequest
) -> api.SimulatePolicyResponse:
    """What the policies of a user, group or role would decide, with others added."""
    found = subject(call, request.policy_source_arn)
    gone = _Exclusions(request)
    given = _inputs(
        request.permissions_boundary_policy_input_list, "PermissionsBoundaryPolicyInputList"
    )
    own = [Source(policy.source, policy.text) for policy in found.identity if gone.keeps(policy)]
    case = Case(
        caller=_caller(call, request.caller_arn, found.principal),
        identity=[*own, *_inputs(request.policy_input_list, "PolicyInputList")],
        boundary=given or ([] if "permission-boundary" in gone.types else found.boundary),
        scps=[] if "scp" in gone.types else _organization(call, call.account),
        resource=Source("ResourcePolicy", request.resource_policy)
        if request.resource_policy
        else None,
        owner=_owner(request),
        context=entries(request.context_entries),
    )
    return _results(call, request, case)


class _Exclusions:
    """What a request leaves out: whole types of policy, managed policies, inline policies."""

    def __init__(self, request: api.SimulatePrincipalPolicyRequest) -> None:
        items = request.policy_exclusion_list or ()
        inline = [item.inline_policy_identifier for item in items]
        self.types = {item.policy_type for item in items}
        self.arns = {item.policy_arn for item in items}
        self.inline = {
            (item.attachment_type, item.attachment_name, item.policy_name)
            for item in inline
            if item is not None
        }

    def keeps(self, policy: Granted) -> bool:
        """Is a policy still looked at?"""
        kind = "inline"
        if policy.arn:
            kind = "aws-managed" if policy.arn.startswith(managed.PREFIX) else "user-managed"
        if kind in self.types or (policy.arn and policy.arn in self.arns):
            return False
        return bool(policy.arn) or (policy.kind, policy.owner, policy.name) not in self.inline


def _keys(texts: list[str]) -> api.GetContextKeysForPolicyResponse:
    found: dict[str, str] = {}
    for text in texts:
        try:
            parse(text)
        except PolicyError as error:
            raise invalid(str(error)) from None
        for key in scan.context_keys(text):
            found.setdefault(key.lower(), key)
    return api.GetContextKeysForPolicyResponse(context_key_names=list(found.values()))


@iam.operation("GetContextKeysForCustomPolicy")
def get_context_keys_for_custom_policy(
    call: Call, request: api.GetContextKeysForCustomPolicyRequest
) -> api.GetContextKeysForPolicyResponse:
    """The condition keys that given policies read."""
    return _keys(request.policy_input_list)


@iam.operation("GetContextKeysForPrincipalPolicy", resource=common.given_arn("policy_source_arn"))
def get_context_keys_for_principal_policy(
    call: Call, request: api.GetContextKeysForPrincipalPolicyRequest
) -> api.GetContextKeysForPolicyResponse:
    """The condition keys that the policies of a user, group or role read, with others added."""
    found = subject(call, request.policy_source_arn)
    own = [policy.text for policy in found.identity]
    return _keys([*own, *(request.policy_input_list or ())])
