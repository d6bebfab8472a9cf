"""Who may use a secret: resource policies, condition keys, other accounts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.secretsmanager.support import refusal

from mesocosm.call.record import encode
from mesocosm.testing.local import LocalCloud

OTHER = "222222222222"


def policy(principal: Any, action: str = "secretsmanager:*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


@pytest.fixture
def user(client: Callable[..., Any], cloud: LocalCloud) -> Callable[..., Any]:
    """`user(statement, ...)`: Secrets Manager as a new user with these statements sees it."""
    iam = client("iam")

    def make(*statements: dict[str, Any]) -> Any:
        name = f"user{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        keys = iam.create_access_key(UserName=name)["AccessKey"]
        return client("secretsmanager", credentials=keys)

    return make


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found


def test_a_policy_lets_another_account_in(secretsmanager: Any, client: Callable[..., Any]) -> None:
    arn = secretsmanager.create_secret(Name="s")["ARN"]
    other = client("secretsmanager", account=OTHER)
    assert refusal(other.describe_secret, SecretId=arn)[0] == "AccessDeniedException"
    text = policy({"AWS": f"arn:aws:iam::{OTHER}:root"}, "secretsmanager:DescribeSecret")
    secretsmanager.put_resource_policy(SecretId="s", ResourcePolicy=text)
    assert other.describe_secret(SecretId=arn)["Name"] == "s"
    assert refusal(other.delete_secret, SecretId=arn)[0] == "AccessDeniedException"
    shown = secretsmanager.get_resource_policy(SecretId="s")
    assert json.loads(shown["ResourcePolicy"]) == json.loads(text)
    assert secretsmanager.list_resource_policies(SecretId="s")["ResourcePolicies"] == [
        {"PolicyName": "default"}
    ]
    secretsmanager.delete_resource_policy(SecretId="s")
    assert refusal(other.describe_secret, SecretId=arn)[0] == "AccessDeniedException"
    assert "ResourcePolicy" not in secretsmanager.get_resource_policy(SecretId="s")


def test_policies_that_are_refused(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s")
    put = secretsmanager.put_resource_policy
    assert refusal(put, SecretId="s", ResourcePolicy="{")[0] == "MalformedPolicyDocumentException"
    gone = policy({"AWS": "arn:aws:iam::000000000000:user/nobody"})
    assert refusal(put, SecretId="s", ResourcePolicy=gone) == (
        "MalformedPolicyDocumentException",
        "This resource policy contains an unsupported principal.",
    )
    public = policy("*", "secretsmanager:GetSecretValue")
    code, _ = refusal(put, SecretId="s", ResourcePolicy=public, BlockPublicPolicy=True)
    assert code == "PublicPolicyException"
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    limited = policy("*", "secretsmanager:GetSecretValue", Condition=condition)
    put(SecretId="s", ResourcePolicy=limited, BlockPublicPolicy=True)
    put(SecretId="s", ResourcePolicy=public)
    code, _ = refusal(put, SecretId="s", ResourcePolicy=public, PolicyName="mine")
    assert code == "InvalidParameterException"


def test_a_policy_is_validated(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s")
    validate = secretsmanager.validate_resource_policy
    fine = policy({"AWS": OTHER}, "secretsmanager:GetSecretValue")
    assert validate(ResourcePolicy=fine)["PolicyValidationPassed"] is True
    found = validate(ResourcePolicy=policy("*"))
    assert found["PolicyValidationPassed"] is False
    assert len(found["ValidationErrors"]) == 1
    locking = policy("*", "secretsmanager:*", Effect="Deny")
    found = validate(ResourcePolicy=locking, SecretId="s")
    assert found["PolicyValidationPassed"] is False
    assert secretsmanager.describe_secret(SecretId="s")["Name"] == "s"


def test_names_and_labels_are_condition_keys(secretsmanager: Any, user: Callable[..., Any]) -> None:
    root = secretsmanager
    root.create_secret(Name="prod/db", SecretString="1", Tags=[{"Key": "team", "Value": "a"}])
    root.put_secret_value(SecretId="prod/db", SecretString="2")
    root.create_secret(Name="test/db", SecretString="3")
    current = user(
        allow(
            "secretsmanager:GetSecretValue",
            StringEquals={"secretsmanager:VersionStage": "AWSCURRENT"},
        )
    )
    assert current.get_secret_value(SecretId="prod/db")["SecretString"] == "2"
    code, message = refusal(
        current.get_secret_value, SecretId="prod/db", VersionStage="AWSPREVIOUS"
    )
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: secretsmanager:GetSecretValue on resource: " in message
    tagged = user(
        allow(
            "secretsmanager:GetSecretValue",
            StringEquals={"secretsmanager:ResourceTag/team": "a"},
        )
    )
    tagged.get_secret_value(SecretId="prod/db")
    assert refusal(tagged.get_secret_value, SecretId="test/db")[0] == "AccessDeniedException"
    pattern = "arn:aws:secretsmanager:*:*:secret:test/db-??????"
    one = user(allow(["secretsmanager:GetSecretValue", "secretsmanager:CreateSecret"], pattern))
    one.get_secret_value(SecretId="test/db")
    assert refusal(one.get_secret_value, SecretId="prod/db")[0] == "AccessDeniedException"
    assert refusal(one.create_secret, Name="test/other")[0] == "AccessDeniedException"
    assert refusal(one.create_secret, Name="test/db")[0] == "ResourceExistsException"


def test_what_is_created_and_deleted_is_a_condition(
    secretsmanager: Any, user: Callable[..., Any]
) -> None:
    careful = user(
        allow("secretsmanager:CreateSecret", StringLike={"secretsmanager:Name": "a/*"}),
        allow(
            "secretsmanager:DeleteSecret",
            NumericGreaterThanEquals={"secretsmanager:RecoveryWindowInDays": 14},
        ),
    )
    careful.create_secret(Name="a/b")
    assert refusal(careful.create_secret, Name="b")[0] == "AccessDeniedException"
    tags = [{"Key": "k", "Value": "v"}]
    assert refusal(careful.create_secret, Name="a/c", Tags=tags)[0] == "AccessDeniedException"
    delete = careful.delete_secret
    assert refusal(delete, SecretId="a/b", RecoveryWindowInDays=7)[0] == "AccessDeniedException"
    code, _ = refusal(delete, SecretId="a/b", ForceDeleteWithoutRecovery=True)
    assert code == "AccessDeniedException"
    delete(SecretId="a/b", RecoveryWindowInDays=14)


def test_a_batch_tells_what_is_denied(secretsmanager: Any, user: Callable[..., Any]) -> None:
    for name in ("a", "b"):
        secretsmanager.create_secret(Name=name, SecretString=name)
    some = user(
        allow("secretsmanager:BatchGetSecretValue"),
        allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:a-*"),
    )
    found = some.batch_get_secret_value(SecretIdList=["a", "b"])
    assert [one["Name"] for one in found["SecretValues"]] == ["a"]
    assert [one["ErrorCode"] for one in found["Errors"]] == ["AccessDeniedException"]
    filters = [{"Key": "name", "Values": ["a"]}]
    assert refusal(some.batch_get_secret_value, Filters=filters)[0] == "AccessDeniedException"


def test_a_refusal_names_the_secret_as_the_caller_did(
    secretsmanager: Any, user: Callable[..., Any]
) -> None:
    arn = secretsmanager.create_secret(Name="db/password")["ARN"]
    nobody = user(allow("s3:*"))
    for named in ("db/password", arn, "db/none"):
        _, message = refusal(nobody.get_secret_value, SecretId=named)
        assert f"secretsmanager:GetSecretValue on resource: {named} because no " in message


def test_a_refusal_names_no_resource_where_there_is_none(user: Callable[..., Any]) -> None:
    code, message = refusal(user(allow("s3:*")).list_secrets)
    assert code == "AccessDeniedException"
    assert message.endswith(
        "is not authorized to perform: secretsmanager:ListSecrets because no identity-based "
        "policy allows the secretsmanager:ListSecrets action"
    )


def test_no_record_shows_a_value(cloud: LocalCloud, secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="very-secret-text")
    secretsmanager.get_secret_value(SecretId="s")
    secretsmanager.batch_get_secret_value(SecretIdList=["s"])
    records = cloud.do(lambda: list(cloud.cloud.calls))
    operations = {record.operation for record in records}
    assert {"CreateSecret", "GetSecretValue", "BatchGetSecretValue", "Decrypt"} <= operations
    assert b"very-secret-text" not in encode(records)


def test_the_event_of_a_creation_names_no_unknown_arn(
    secretsmanager: Any, client: Callable[..., Any]
) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x")
    wanted = {"AttributeKey": "EventName", "AttributeValue": "CreateSecret"}
    (event,) = client("cloudtrail").lookup_events(LookupAttributes=[wanted])["Events"]
    assert event["Resources"] == []
    assert "?" not in event["CloudTrailEvent"]
