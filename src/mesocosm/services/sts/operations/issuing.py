"""Making sessions: what every operation that gives credentials shares."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec.structs import replace

from mesocosm.api import sts as api
from mesocosm.call.authority import PolicyText, RoleFacts
from mesocosm.call.call import Call
from mesocosm.call.denial import Denied
from mesocosm.call.keys import access_key_id
from mesocosm.iam import Principal, SessionIssuer
from mesocosm.services.sts import rules
from mesocosm.services.sts.resources import (
    KEPT_AFTER_EXPIRY_S,
    PARTITION_WIDE,
    Session,
    sessions,
)
from mesocosm.wire.errors import AwsError

TOKEN_MAX_BYTES = 4_096
"""The longest token that may be asked for; ours are as short as AWS's."""
TOKEN_BYTES = 416
R = TypeVar("R")


def issue(
    call: Call,
    principal: Principal,
    seconds: int,
    policies: tuple[PolicyText, ...] | None = None,
    *,
    minimum: int | None = None,
) -> api.Credentials:
    """Make temporary credentials and keep their session. `minimum`: of the token, in bytes."""
    key = access_key_id(call.ids, "ASIA")
    expires = call.now + seconds
    row = Session(
        secret=call.ids.secret(40),
        token="IQoJb3JpZ2luX2Vj" + call.ids.secret(max(minimum or 0, TOKEN_BYTES) - 16),
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


def measured(answer: R) -> R:
    """The answer with the size of its token, in bytes and in percent of what it may be."""
    shown: Any = answer
    shown.session_token_size = size = len(shown.credentials.session_token)
    shown.session_token_utilization = -(-size * 100 // TOKEN_MAX_BYTES)
    return answer


def _stamped(principal: Principal, key: str, issued: float, expires: float) -> Principal:
    return replace(principal, access_key_id=key, issued_at=issued, expires_at=expires)


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


def role_facts(call: Call, arn: str) -> RoleFacts:
    """The role of that ARN; raises AccessDenied when there is none or its account is closed."""
    found: RoleFacts | None = call.cloud.provider("identity").role(arn)
    organization = call.cloud.provider("organization")
    closed = organization is not None and organization.closed(arn.split(":")[4])
    if found is None or closed:
        # AWS does not tell a stranger which roles there are.
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: "
            f"{arn}",
            status=403,
        )
    return found


def session_policies(
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


def mfa(call: Call, serial: str | None, code: str | None) -> bool:
    """Whether a right code was given; raises AccessDenied for a wrong one."""
    if serial is None:
        return False
    if code is None or not call.cloud.provider("identity").mfa(
        call.principal, serial, code, call.now
    ):
        raise Denied(
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            status=403,
        )
    return True


def use_mfa(call: Call, serial: str | None, code: str | None) -> bool:
    """The same in the transaction of the session to be made: the code is then used up."""
    present = mfa(call, serial, code)
    if present:
        call.cloud.provider("identity").mfa_used(call.principal, serial, code, call.now)
    return present
