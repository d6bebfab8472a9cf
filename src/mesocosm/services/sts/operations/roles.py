"""Taking on a role with credentials of one's own."""

from __future__ import annotations

from collections.abc import Mapping

from mesocosm.api import sts as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need, Values
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.operations.issuing import (
    issue,
    measured,
    mfa,
    role_facts,
    role_session,
    session_policies,
    use_mfa,
)
from mesocosm.wire.errors import AwsError


def _role_conditions(call: Call, request: api.AssumeRoleRequest) -> Mapping[str, Values]:
    found: dict[str, Values] = {"sts:RoleSessionName": request.role_session_name}
    if request.external_id is not None:
        found["sts:ExternalId"] = request.external_id
    if source := request.source_identity or call.principal.source_identity:
        found["sts:SourceIdentity"] = source
    if request.transitive_tag_keys:
        found["sts:TransitiveTagKeys"] = list(request.transitive_tag_keys)
    if request.serial_number and mfa(call, request.serial_number, request.token_code):
        found["aws:MultiFactorAuthPresent"] = "true"
        found["aws:MultiFactorAuthAge"] = "0"
    return found


def _role_needs(call: Call, request: api.AssumeRoleRequest) -> list[Need]:
    conditions = _role_conditions(call, request)
    found = []
    if request.tags or request.transitive_tag_keys:
        found.append(Need("sts:TagSession", request.role_arn, conditions))
    if request.source_identity is not None or call.principal.source_identity:
        # Also the one a session has already: every role it takes on must allow it.
        found.append(Need("sts:SetSourceIdentity", request.role_arn, conditions))
    return found


@sts.operation(
    "AssumeRole",
    resource=lambda call, request: request.role_arn,
    conditions=_role_conditions,
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=_role_needs,
    read_only=True,
    hide=("SecretAccessKey", "SessionToken", "TokenCode"),
)
def assume_role(call: Call, request: api.AssumeRoleRequest) -> api.AssumeRoleResponse:
    """A session of a role: the identity policy of the caller and the role's trust policy have
    allowed it.
    """
    caller = call.principal
    if request.provided_contexts:
        raise call.not_implemented("a context assertion (ProvidedContexts)")
    if caller.kind == "root":
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
    role = role_facts(call, request.role_arn)
    chained = caller.kind == "assumed-role"
    seconds = rules.role_duration(request.duration_seconds, role.max_session, chained)
    inherited = {key: value for key, value in caller.tags.items() if key in caller.transitive_keys}
    tags = rules.tags_given(request.tags)
    keys = rules.transitive(request.transitive_tag_keys, tags, inherited)
    if len(tags) + len(inherited) > rules.SESSION_TAGS_MAX:
        raise rules.invalid("The number of session tags exceeds 50.", "InvalidParameterValue")
    source = request.source_identity
    if caller.source_identity:
        if source is not None and source != caller.source_identity:
            raise AwsError(
                "AccessDenied",
                "Source identity cannot be changed during role chaining.",
                status=403,
            )
        source = caller.source_identity
    policies = session_policies(call, role.arn.split(":")[4], request.policy, request.policy_arns)
    packed = rules.packed_percent([text for _, text in policies or ()], {**inherited, **tags})
    principal = role_session(
        role,
        request.role_session_name,
        rules.overlaid(role.tags, inherited, tags),
        keys,
        source or "",
        mfa=use_mfa(call, request.serial_number, request.token_code),
    )
    return measured(
        api.AssumeRoleResponse(
            credentials=issue(
                call, principal, seconds, policies, minimum=request.minimum_session_token_size
            ),
            assumed_role_user=api.AssumedRoleUser(assumed_role_id=principal.id, arn=principal.arn),
            packed_policy_size=packed,
            source_identity=source,
        )
    )
