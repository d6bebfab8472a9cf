"""Service-linked roles."""

from __future__ import annotations

from typing import Any

from tests.services.iam.support import ARN, EC2, policy, refusal

from mesocosm.services.iam.resources import managed
from mesocosm.services.iam.rules import linked_roles


def test_a_service_linked_role_has_its_path_trust_and_policy(iam: Any) -> None:
    made = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    assert made["Arn"] == f"{ARN}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    trusted = made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trusted == {"Service": "ecs.amazonaws.com"}
    attached = iam.list_attached_role_policies(RoleName="AWSServiceRoleForECS")
    assert [row["PolicyName"] for row in attached["AttachedPolicies"]] == [
        "AmazonECSServiceRolePolicy"
    ]
    assert refusal(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com") == (
        "InvalidInput",
        "Service role name AWSServiceRoleForECS has been taken in this account, "
        "please try a different suffix.",
    )


def test_only_aws_may_change_it_and_its_deletion_is_a_task(iam: Any) -> None:
    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    name = "AWSServiceRoleForECS"
    message = (
        f"Cannot perform the operation on the protected role '{name}' - "
        "this role is only modifiable by AWS"
    )
    assert refusal(iam.delete_role, RoleName=name) == ("UnmodifiableEntity", message)
    put = {"RoleName": name, "PolicyName": "p", "PolicyDocument": policy("s3:*")}
    assert refusal(iam.put_role_policy, **put) == ("UnmodifiableEntity", message)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/ecs.amazonaws.com/{name}/")
    found = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert found["Status"] == "SUCCEEDED"
    assert refusal(iam.get_role, RoleName=name)[0] == "NoSuchEntity"


def test_suffixes_and_unknown_services(iam: Any) -> None:
    made = iam.create_service_linked_role(
        AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x"
    )["Role"]
    assert made["RoleName"] == "AWSServiceRoleForAutoScaling_x"
    given = {"AWSServiceName": "ecs.amazonaws.com", "CustomSuffix": "x"}
    assert refusal(iam.create_service_linked_role, **given) == (
        "InvalidInput",
        "Custom suffix is not allowed for ecs.amazonaws.com",
    )
    unknown = {"AWSServiceName": "none.amazonaws.com"}
    assert refusal(iam.create_service_linked_role, **unknown)[0] == "InvalidInput"
    path = {"RoleName": "r", "Path": "/aws-service-role/ecs.amazonaws.com/"}
    assert refusal(iam.create_role, **path, AssumeRolePolicyDocument=EC2)[0] == "ValidationError"


def test_every_service_linked_role_has_a_policy_that_there_is() -> None:
    for service, known in linked_roles.SERVICES.items():
        arn = f"{managed.PREFIX}/aws-service-role/{known.policy}"
        assert managed.policy(arn) is not None, service
