"""The operations of STS (AWS Security Token Service API reference)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from mesocosm.api import sts as api
from mesocosm.call.authority import PolicyText, RoleFacts
from mesocosm.call.call import Call
from mesocosm.call.denial import unseal
from mesocosm.call.service import Need, Values
from mesocosm.iam import Principal, SessionIssuer
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.resources import (
    KEPT_AFTER_EXPIRY_S,
    PARTITION_WIDE,
    Session,
    sessions,
)
from mesocosm.wire.errors import AwsError

ROOT_SESSION_MAX_S = 3_600
USER_SESSION_DEFAULT_S = 43_200


def issue(
    call: Call, principal: Principal, seconds: int, policies: tuple[PolicyText, ...] | None = None
) -> api.Credentials:
    """Make temporary credentials and keep their session."""
    key = "ASIA" + call.ids.upper(16)
    expires = call.now + seconds
    row = Session(
        secret=call.ids.secret(40),
        token="IQoJb3JpZ2luX2Vj" + base64.b64encode(call.ids.bytes(300)).decode(),
        principal=_stamped(principal, key, call.now, expires),
        issued=call.now,
        expires=expires,
        policies=policies,
    )
    call.rows(sessions, *PARTITION_WIDE)[key] = row
    call.at(expires + KEPT_AFTER_EXPIRY_S, "forget", key)
    return api.Credentials(
        access_key_id=key,
        secret_access_key=row.secret,
        session_token=row.token,
        expiration=float(int(expires)),
    )


def _stamped(principal: Principal, key: str, issued: float, expires: float) -> Principal:
    from msgspec.structs import replace

    return replace(principal, access_key_id=key, issued_at=issued, expires_at=expires)


# -- who one is --------------------------------------------------------------------------------


@sts.operation("GetCallerIdentity", public=True)
def get_caller_identity(
    call: Call, request: api.GetCallerIdentityRequest
) -> api.GetCallerIdentityResponse:
    """Allowed to everyone, even against a deny."""
    principal = call.principal
    return api.GetCallerIdentityResponse(
        user_id=principal.id, account=principal.account, arn=principal.arn
    )


@sts.operation("GetAccessKeyInfo")
def get_access_key_info(
    call: Call, request: api.GetAccessKeyInfoRequest
) -> api.GetAccessKeyInfoResponse:
    """The account a key belongs to, whoever asks."""
    credential = call.cloud.identity.credential(request.access_key_id)
    if credential is None:
        raise rules.invalid("Invalid AccessKeyId")
    return api.GetAccessKeyInfoResponse(account=credential.principal.account)


@sts.operation("DecodeAuthorizationMessage")
def decode_authorization_message(
    call: Call, request: api.DecodeAuthorizationMessageRequest
) -> api.DecodeAuthorizationMessageResponse:
    """The facts behind an encoded denial."""
    return api.DecodeAuthorizationMessageResponse(
        decoded_message=unseal(call.world, request.encoded_message)
    )


# -- taking on a role ------------------------------------------------------------------------------


def _role_conditions(call: Call, request: api.AssumeRoleRequest) -> Mapping[str, Values]:
    found: dict[str, Values] = {"sts:RoleSessionName": request.role_session_name}
    if request.external_id is not None:
        found["sts:ExternalId"] = request.external_id
    if request.source_identity is not None:
        found["sts:SourceIdentity"] = request.source_identity
    if request.transitive_tag_keys:
        found["sts:TransitiveTagKeys"] = list(request.transitive_tag_keys)
    if request.serial_number and _mfa(call, request.serial_number, request.token_code):
        found["aws:MultiFactorAuthPresent"] = "true"
        found["aws:MultiFactorAuthAge"] = "0"
    return found


def _role_needs(call: Call, request: api.AssumeRoleRequest) -> list[Need]:
    conditions = _role_conditions(call, request)
    found = []
    if request.tags or request.transitive_tag_keys:
        found.append(Need("sts:TagSession", request.role_arn, conditions))
    if request.source_identity is not None:
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
    """A session of a role: the identity policy of the caller and the role's trust policy have allowed it."""
    caller = call.principal
    if caller.kind == "root":
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
    role = _role(call, request.role_arn)
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
    policies = _session_policies(call, role.arn.split(":")[4], request.policy, request.policy_arns)
    packed = rules.packed_percent([text for _, text in policies or ()], {**inherited, **tags})
    principal = role_session(
        role,
        request.role_session_name,
        rules.overlaid(role.tags, inherited, tags),
        keys,
        source or "",
        mfa=bool(request.serial_number),
    )
    return api.AssumeRoleResponse(
        credentials=issue(call, principal, seconds, policies),
        assumed_role_user=api.AssumedRoleUser(assumed_role_id=principal.id, arn=principal.arn),
        packed_policy_size=packed,
        source_identity=source,
    )


def role_session(
    role: RoleFacts,
    name: str,
    tags: dict[str, str],
    transitive_keys: tuple[str, ...] = (),
    source_identity: str = "",
    *,
    mfa: bool = False,
    provider: str = "",
) -> Principal:
    """The principal of a session of a role."""
    account = role.arn.split(":")[4]
    return Principal(
        kind="assumed-role",
        account=account,
        arn=f"arn:aws:sts::{account}:assumed-role/{role.name}/{name}",
        id=f"{role.id}:{name}",
        name=role.name,
        role_arn=role.arn,
        session_name=name,
        tags=tags,
        transitive_keys=transitive_keys,
        source_identity=source_identity,
        mfa=mfa,
        federated_provider=provider,
        issuer=SessionIssuer(
            type="Role",
            principal_id=role.id,
            arn=role.arn,
            account_id=account,
            user_name=role.name,
        ),
    )


def _role(call: Call, arn: str) -> RoleFacts:
    found: RoleFacts | None = call.cloud.provider("identity").role(arn)
    if found is None:
        # AWS does not tell a stranger which roles there are.
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            status=403,
        )
    return found


def _session_policies(
    call: Call,
    account: str,
    policy: str | None,
    arns: list[api.PolicyDescriptorType] | None,
) -> tuple[PolicyText, ...] | None:
    if policy is None and not arns:
        return None
    if arns and len(arns) > rules.POLICY_ARNS_MAX:
        raise rules.invalid(
            "The number of policy ARNs exceeds the limit of 10.", "InvalidParameterValue"
        )
    found: list[PolicyText] = []
    text = rules.session_policy(policy)
    if text is not None:
        found.append(("the session policy", text))
    identity = call.cloud.provider("identity")
    for item in arns or ():
        managed = identity.policy(account, item.arn or "")
        if managed is None:
            raise rules.invalid(
                f"Policy ARN {item.arn} does not exist or is not attachable.",
                "InvalidParameterValue",
            )
        found.append((item.arn or "", managed))
    return tuple(found)


# -- sessions of users -------------------------------------------------------------------------------


def _long_term_only(call: Call, operation: str) -> None:
    if call.credential is not None and call.credential.token is not None:
        raise AwsError(
            "AccessDenied", f"Cannot call {operation} with session credentials", status=403
        )


def _user_duration(call: Call, asked: int | None) -> int:
    if call.principal.kind == "root":
        return min(asked or ROOT_SESSION_MAX_S, ROOT_SESSION_MAX_S)
    return asked or USER_SESSION_DEFAULT_S


def _mfa(call: Call, serial: str | None, code: str | None) -> bool:
    """Whether a right code was given; raises AccessDenied for a wrong one."""
    if serial is None:
        return False
    if code is None or not call.cloud.provider("identity").mfa(
        call.principal, serial, code, call.now
    ):
        raise AwsError(
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            status=403,
        )
    return True


@sts.operation(
    "GetSessionToken",
    public=True,
    read_only=True,
    hide=("SecretAccessKey", "SessionToken", "TokenCode"),
)
def get_session_token(
    call: Call, request: api.GetSessionTokenRequest
) -> api.GetSessionTokenResponse:
    """Temporary credentials of the caller itself; no permission is needed."""
    from msgspec.structs import replace

    _long_term_only(call, "GetSessionToken")
    present = _mfa(call, request.serial_number, request.token_code)
    principal = replace(call.principal, mfa=present, mfa_at=call.now if present else None)
    seconds = _user_duration(call, request.duration_seconds)
    return api.GetSessionTokenResponse(credentials=issue(call, principal, seconds))


@sts.operation(
    "GetFederationToken",
    resource=lambda call, request: f"arn:aws:sts::{call.account}:federated-user/{request.name}",
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=lambda call, request: (
        [Need("sts:TagSession", f"arn:aws:sts::{call.account}:federated-user/{request.name}")]
        if request.tags
        else []
    ),
    read_only=True,
    hide=("SecretAccessKey", "SessionToken"),
)
def get_federation_token(
    call: Call, request: api.GetFederationTokenRequest
) -> api.GetFederationTokenResponse:
    """A session for somebody the caller vouches for: it may do what both the caller and its policy allow."""
    _long_term_only(call, "GetFederationToken")
    tags = rules.tags_given(request.tags)
    policies = _session_policies(call, call.account, request.policy, request.policy_arns)
    packed = rules.packed_percent([text for _, text in policies or ()], tags)
    caller = call.principal
    principal = Principal(
        kind="federated-user",
        account=call.account,
        arn=f"arn:aws:sts::{call.account}:federated-user/{request.name}",
        id=f"{call.account}:{request.name}",
        name=request.name,
        user_arn=caller.arn,
        tags=rules.overlaid(caller.tags, tags),
        mfa=False,
        issuer=SessionIssuer(
            type="IAMUser" if caller.kind == "user" else "Root",
            principal_id=caller.id,
            arn=caller.arn,
            account_id=call.account,
            user_name=caller.name,
        ),
    )
    seconds = _user_duration(call, request.duration_seconds)
    return api.GetFederationTokenResponse(
        credentials=issue(call, principal, seconds, policies or ()),
        federated_user=api.FederatedUser(federated_user_id=principal.id, arn=principal.arn),
        packed_policy_size=packed,
    )
