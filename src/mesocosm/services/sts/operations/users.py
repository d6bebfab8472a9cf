"""Sessions of users, and who one is."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import sts as api
from mesocosm.call.call import Call
from mesocosm.call.denial import unseal
from mesocosm.call.service import Need
from mesocosm.iam import Principal, SessionIssuer
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.operations.issuing import issue, measured, session_policies, use_mfa
from mesocosm.wire.errors import AwsError

ROOT_SESSION_MAX_S = 3_600
USER_SESSION_DEFAULT_S = 43_200

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


# -- sessions of users -----------------------------------------------------------------------------


def _long_term_only(call: Call, operation: str) -> None:
    if call.credential is not None and call.credential.token is not None:
        raise AwsError(
            "AccessDenied", f"Cannot call {operation} with session credentials", status=403
        )


def _user_duration(call: Call, asked: int | None) -> int:
    if call.principal.kind == "root":
        return min(asked or ROOT_SESSION_MAX_S, ROOT_SESSION_MAX_S)
    return asked or USER_SESSION_DEFAULT_S


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
    _long_term_only(call, "GetSessionToken")
    present = use_mfa(call, request.serial_number, request.token_code)
    principal = replace(call.principal, mfa=present, mfa_at=call.now if present else None)
    seconds = _user_duration(call, request.duration_seconds)
    return measured(
        api.GetSessionTokenResponse(
            credentials=issue(call, principal, seconds, minimum=request.minimum_session_token_size)
        )
    )


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
    """A session for somebody the caller vouches for: it may do what both the caller and its policy
    allow.
    """
    _long_term_only(call, "GetFederationToken")
    tags = rules.tags_given(request.tags)
    policies = session_policies(call, call.account, request.policy, request.policy_arns)
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
    return measured(
        api.GetFederationTokenResponse(
            credentials=issue(
                call, principal, seconds, policies or (), minimum=request.minimum_session_token_size
            ),
            federated_user=api.FederatedUser(federated_user_id=principal.id, arn=principal.arn),
            packed_policy_size=packed,
        )
    )
