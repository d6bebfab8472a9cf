"""Rotation: its schedule, and the function that does it, which AWS Lambda would run.

Source: user guide, "Rotation by Lambda function".
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from mesocosm import wire
from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.call.service import Values
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations.opened import (
    flag,
    invalid,
    keys,
    live,
    own,
    refused,
    save,
    secret_arn,
)
from mesocosm.services.secretsmanager.resources import (
    PENDING,
    Found,
    Rotation,
)
from mesocosm.services.secretsmanager.rules import schedule, stages
from mesocosm.wire.errors import AwsError

FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9-_]+(:[A-Za-z0-9-_$]+)?"
)


def callable_function(call: Call, arn: str) -> bool:
    """Whether Secrets Manager may run a function: a dry run tells. Without AWS Lambda there is
    none.
    """
    shape = wire.structs("lambda").struct("InvocationRequest")
    try:
        call.invoke(
            "lambda",
            "Invoke",
            shape(function_name=arn, invocation_type="DryRun"),
            principal=service_principal(secretsmanager.source),
            account=arn.split(":")[4],
        )
    except AwsError:
        return False
    return True


def _rotating(call: Call, request: api.RotateSecretRequest) -> dict[str, Values]:
    return {
        **keys(call, request),
        "secretsmanager:RotationLambdaARN": request.rotation_lambda_arn,
        "secretsmanager:RotateImmediately": flag(request.rotate_immediately),
        "secretsmanager:ModifyRotationRules": flag(request.rotation_rules is not None),
        "secretsmanager:ExternalSecretRotationRoleArn": request.external_secret_rotation_role_arn,
    }


@secretsmanager.operation("RotateSecret", resource=secret_arn, conditions=_rotating)
def rotate_secret(call: Call, request: api.RotateSecretRequest) -> api.RotateSecretResponse:
    """Configure rotation. Its function must be one that Secrets Manager may run."""
    found = own(call, request.secret_id)
    row = found.secret
    if request.external_secret_rotation_metadata or request.external_secret_rotation_role_arn:
        raise call.not_implemented("rotation of a partner's secret")
    rules, before = request.rotation_rules, row.rotation
    wanted = before or Rotation()
    if request.rotation_lambda_arn:
        if not FUNCTION.fullmatch(request.rotation_lambda_arn):
            raise invalid("Invalid function ARN.")
        wanted = replace(wanted, function=request.rotation_lambda_arn)
    if rules is not None:
        schedule.schedule(rules.automatically_after_days, rules.schedule_expression, rules.duration)
        wanted = replace(
            wanted,
            days=rules.automatically_after_days or 0,
            expression=rules.schedule_expression or "",
            duration=rules.duration or "",
        )
    if not wanted.function:
        raise refused("No Lambda rotation function ARN is associated with this secret.")
    pending = stages.bearer(row.versions, PENDING)
    if pending is not None and "AWSCURRENT" not in row.versions[pending].stages:
        raise refused("A previous rotation isn't complete. That rotation will be reattempted.")
    if not callable_function(call, wanted.function):
        raise AwsError(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
            "policy grants access to the principal secretsmanager.amazonaws.com.",
        )
    found = plan(call, found, replace(wanted, enabled=True))
    return api.RotateSecretResponse(arn=found.arn, name=row.name)


def plan(call: Call, found: Found, rotation: Rotation) -> Found:
    """Keep how a secret is rotated, and wake when its next window opens."""
    due = 0.0
    if rotation.days or rotation.expression:
        times = schedule.schedule(
            rotation.days or None, rotation.expression or None, rotation.duration or None
        )
        due = times.after(call.now) or 0.0
    row = replace(found.secret, rotation=replace(rotation, due=due))
    if due:
        call.timers.at(due, secretsmanager.name, "rotate", row.name, found.account, found.region)
    return save(call, found, row)


@secretsmanager.operation("CancelRotateSecret", resource=secret_arn, conditions=keys)
def cancel_rotate_secret(
    call: Call, request: api.CancelRotateSecretRequest
) -> api.CancelRotateSecretResponse:
    """Turn rotation off."""
    found = live(call, request.secret_id)
    row = found.secret
    if row.rotation is not None:
        call.timers.cancel(secretsmanager.name, "rotate", row.name, found.account, found.region)
        save(call, found, replace(row, rotation=replace(row.rotation, enabled=False, due=0.0)))
    pending = stages.bearer(row.versions, PENDING)
    return api.CancelRotateSecretResponse(arn=found.arn, name=row.name, version_id=pending)
