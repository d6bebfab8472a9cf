"""Every operation answers plain input with a result or an error of AWS's, never with a failure of
ours.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from tests.services.iam.support import ACCOUNT, EC2, policy

from mesocosm.iam import parse
from mesocosm.services.iam import iam as service
from mesocosm.services.iam.resources import managed
from mesocosm.testing.local import LocalCloud

LEFT_OUT = {
    "AcceptDelegationRequest",
    "AcquireRole",
    "AssociateDelegationRequest",
    "CreateDelegationRequest",
    "GetAccountProperties",
    "GetDelegationRequest",
    "GetHumanReadableSummary",
    "GetRoleTemplateVersion",
    "ListDelegationRequests",
    "PutAccountProperties",
    "RejectDelegationRequest",
    "SendDelegationToken",
    "UpdateDelegationRequest",
}
"""Delegation requests, role templates and the settings of the role manager."""

SPECIAL: dict[str, Any] = {
    "AuthenticationCode1": "123456",
    "AuthenticationCode2": "654321",
    "ActionNames": ["s3:GetObject"],
    "AWSServiceName": "ecs.amazonaws.com",
    "AssumeRolePolicyDocument": EC2,
    "EntityPath": "o-aaaaaaaaaa/r-aaaa",
    "JobId": "0" * 36,
    "OrganizationsPolicyId": "p-aaaaaaaa",
    "Path": "/x/",
    "PathPrefix": "/",
    "PolicyDocument": policy("s3:*"),
    "ResourcePolicy": policy("s3:*", Principal="*"),
    "SAMLMetadataDocument": "x" * 1000,
    "SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/x",
    "Url": "https://x.example.com",
    "VersionId": "v1",
}


def value(name: str, shape: Any) -> Any:
    """A plain value of a shape."""
    if name in SPECIAL:
        return SPECIAL[name]
    kind = shape.type_name
    if kind == "structure":
        return {key: value(key, member) for key, member in list(shape.members.items())[:2]}
    if kind == "list":
        if "PolicyInputList" in name and shape.member.type_name == "string":
            return [policy("s3:*")]
        return [value(name[:-1], shape.member)]
    if kind == "map":
        return {"a/b": "c"}
    if kind in ("integer", "boolean"):
        return max(shape.metadata.get("min", 1), 1) if kind == "integer" else True
    if shape.enum:
        return shape.enum[0]
    if "Arn" in name or name.endswith("ARN"):
        return f"arn:aws:iam::{ACCOUNT}:role/x"
    return "x" * max(shape.metadata.get("min", 1), 2)


def attempt(client: Any, operation: str, *, required: bool) -> str:
    """The code of the error a call with plain input ends with; empty when there is none."""
    model = client.meta.service_model.operation_model(operation)
    members = model.input_shape.members if model.input_shape else {}
    wanted = model.input_shape.required_members if model.input_shape else []
    given = {
        name: value(name, shape)
        for name, shape in members.items()
        if name != "Marker" and (not required or name in wanted)
    }
    try:
        client._make_api_call(operation, given)
    except ClientError as error:
        found: str = error.response["Error"]["Code"]
        return found
    return ""


def test_no_operation_fails_on_plain_input(cloud: LocalCloud, iam: Any) -> None:
    from botocore.config import Config

    client = cloud.client("iam", account=ACCOUNT, config=Config(parameter_validation=False))
    # What makes things comes first, what deletes them last.
    names = sorted(
        service.operations,
        key=lambda name: (name.startswith("De"), not name.startswith("Create"), name),
    )
    for required in (True, False):
        codes = {name: attempt(client, name, required=required) for name in names}
        failed = {name for name, code in codes.items() if code in ("InternalFailure", "500", "501")}
        assert failed == set()
        assert sum(not code for code in codes.values()) > 60


def test_nothing_is_left_out_but_what_is_named(iam: Any) -> None:
    assert set(iam.meta.service_model.operation_names) - set(service.operations) == LEFT_OUT


def test_every_policy_of_aws_can_be_evaluated() -> None:
    for name, found in managed.named().items():
        assert parse(bytes(found.document).decode(), "identity", name).statements
