"""A service acting with a role that its user has given it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.api import sts
from mesocosm.call.identity import service_principal
from mesocosm.call.service import NOTHING

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Conditions
    from mesocosm.iam import Principal


def assumed(
    call: Call, role: str, session: str, conditions: Conditions = NOTHING, source: str = ""
) -> Principal:
    """The session of a role, assumed by the call's service: for `call.invoke(principal=...)`.

    The role's trust policy must name the service (`source`: another of its names); `conditions` are
    what it may ask for, such as `aws:SourceArn`. Raises AccessDenied as STS does.
    """
    answer = call.invoke(
        "sts",
        "AssumeRole",
        sts.AssumeRoleRequest(role_arn=role, role_session_name=session),
        principal=service_principal(source or call.service.source),
        account=role.split(":")[4],
        conditions=conditions,
    )
    credential = call.cloud.provider("sessions").credential(answer.credentials.access_key_id)
    principal: Principal = credential.principal
    return principal
