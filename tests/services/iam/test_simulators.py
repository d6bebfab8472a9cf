"""The policy simulators."""

from __future__ import annotations

import json
from typing import Any

from tests.services.iam.support import ARN, EC2, policy, refusal

TIMED = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",'
    '"Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)


def one(results: Any) -> Any:
    (found,) = results["EvaluationResults"]
    return found


def test_a_custom_policy_is_evaluated_with_the_context_given(iam: Any) -> None:
    arguments = {"PolicyInputList": [TIMED], "ActionNames": ["dynamodb:CreateBackup"]}
    found = one(iam.simulate_custom_policy(**arguments))
    assert found["EvalDecision"] == "implicitDeny"
    assert found["MissingContextValues"] == ["aws:CurrentTime"]
    assert found["MatchedStatements"] == []
    entry = {
        "ContextKeyName": "aws:CurrentTime",
        "ContextKeyValues": ["2019-04-25T11:00:00Z"],
        "ContextKeyType": "date",
    }
    found = one(iam.simulate_custom_policy(**arguments, ContextEntries=[entry]))
    assert found["EvalDecision"] == "allowed"
    assert (found["EvalActionName"], found["EvalResourceName"]) == ("dynamodb:CreateBackup", "*")
    # The places are those of AWS's own example of this call.
    assert found["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": {"Line": 1, "Column": 38},
            "EndPosition": {"Line": 1, "Column": 167},
        }
    ]


def test_a_deny_a_boundary_and_an_organization_say_no(iam: Any) -> None:
    arguments: Any = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::b/k"]}
    allow, deny = policy("s3:*"), policy("s3:Get*", effect="Deny")
    found = one(iam.simulate_custom_policy(PolicyInputList=[allow, deny], **arguments))
    assert found["EvalDecision"] == "explicitDeny"
    assert [row["SourcePolicyId"] for row in found["MatchedStatements"]] == ["PolicyInputList.2"]
    assert found["ResourceSpecificResults"][0]["EvalResourceDecision"] == "explicitDeny"
    found = one(
        iam.simulate_custom_policy(
            PolicyInputList=[allow],
            PermissionsBoundaryPolicyInputList=[policy("sqs:*")],
            **arguments,
        )
    )
    assert found["EvalDecision"] == "implicitDeny"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_the_organization_policies_of_a_request_count(iam: Any) -> None:
    levels = [
        {"ServiceControlPolicyInputList": [policy("*")]},
        {"ServiceControlPolicyInputList": [policy("sqs:*")]},
    ]
    results = iam.simulate_custom_policy(
        PolicyInputList=[policy("*")],
        ActionNames=["s3:GetObject", "sqs:SendMessage"],
        OrderedOrganizationPolicyInputList=levels,
    )["EvaluationResults"]
    assert [row["EvalDecision"] for row in results] == ["implicitDeny", "allowed"]
    assert [row["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for row in results] == [
        False,
        True,
    ]


def test_the_policies_of_a_principal_and_its_groups_are_evaluated(iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    own = policy("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")
    iam.put_user_policy(UserName="u", PolicyName="own", PolicyDocument=own)
    iam.put_group_policy(GroupName="g", PolicyName="shared", PolicyDocument=policy("sqs:*"))
    iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    results = iam.simulate_principal_policy(
        PolicySourceArn=f"{ARN}:user/u",
        ActionNames=["s3:GetObject", "sqs:SendMessage", "iam:GetUser"],
        ResourceArns=["arn:aws:s3:::home/u/x", "arn:aws:s3:::home/v/x"],
    )["EvaluationResults"]
    decided = [
        (row["EvalActionName"], row["EvalResourceName"][-3:], row["EvalDecision"])
        for row in results
    ]
    assert decided == [
        ("s3:GetObject", "u/x", "allowed"),
        ("s3:GetObject", "v/x", "implicitDeny"),
        ("sqs:SendMessage", "u/x", "allowed"),
        ("sqs:SendMessage", "v/x", "allowed"),
        ("iam:GetUser", "u/x", "allowed"),
        ("iam:GetUser", "v/x", "allowed"),
    ]
    sources = [
        row["MatchedStatements"][0]["SourcePolicyId"] for row in results if row["MatchedStatements"]
    ]
    assert sources[0] == "user_u_own"
    assert sources[1] == "group_g_shared"
    assert sources[-1] == "IAMReadOnlyAccess"
    leaving_out: Any = [
        {"PolicyType": "aws-managed"},
        {"PolicyArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"},
    ]
    for exclusion in leaving_out:
        found = iam.simulate_principal_policy(
            PolicySourceArn=f"{ARN}:user/u",
            ActionNames=["iam:GetUser"],
            PolicyExclusionList=[exclusion],
        )
        assert one(found)["EvalDecision"] == "implicitDeny"
    missing = f"{ARN}:user/none"
    assert refusal(
        iam.simulate_principal_policy, PolicySourceArn=missing, ActionNames=["s3:GetObject"]
    ) == ("NoSuchEntity", "The user with name none cannot be found.")


def test_a_resource_policy_counts_for_another_account(iam: Any) -> None:
    bucket = "arn:aws:s3:::b/k"
    caller = f"{ARN}:user/u"
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("s3:*"))
    arguments: Any = {
        "PolicySourceArn": caller,
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [bucket],
        "ResourceOwner": "arn:aws:iam::222222222222:root",
    }
    found = one(iam.simulate_principal_policy(**arguments))
    assert found["EvalDecision"] == "implicitDeny"
    assert found["EvalDecisionDetails"] == {"IAM Policy": "allowed"}
    allow = policy("s3:GetObject", bucket, Principal={"AWS": caller})
    found = one(iam.simulate_principal_policy(**arguments, ResourcePolicy=allow))
    assert found["EvalDecision"] == "allowed"
    assert {row["SourcePolicyType"] for row in found["MatchedStatements"]} == {
        "IAM Policy",
        "Resource Policy",
    }


def test_the_context_keys_that_policies_read(iam: Any) -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:*",
                    "Resource": "arn:aws:s3:::b/${aws:username}/*",
                    "Condition": {"StringLike": {"aws:UserAgent": "${aws:PrincipalTag/x, 'y'}"}},
                }
            ],
        }
    )
    found = iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"]
    assert found == ["aws:UserAgent", "aws:PrincipalTag/x", "aws:username"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=TIMED)
    found = iam.get_context_keys_for_principal_policy(PolicySourceArn=f"{ARN}:role/r")
    assert found["ContextKeyNames"] == ["aws:CurrentTime"]
    wrong = {"PolicyInputList": ["{"]}
    assert refusal(iam.get_context_keys_for_custom_policy, **wrong)[0] == "InvalidInput"


def test_ec2_scenarios_are_refused_and_not_ignored(iam: Any) -> None:
    assert (
        refusal(
            iam.simulate_custom_policy,
            PolicyInputList=[TIMED],
            ActionNames=["ec2:RunInstances"],
            ResourceHandlingOption="EC2-VPC-InstanceStore",
        )[0]
        == "NotImplemented"
    )
