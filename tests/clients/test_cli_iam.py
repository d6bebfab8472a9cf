"""The unmodified AWS CLI and IAM."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@pytest.mark.needs("aws")
def test_roles_and_users_by_the_cli(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "111111111111",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(*arguments: str, **more: str) -> Any:
        done = subprocess.run(
            [aws_cli, "iam", "--endpoint-url", cloud.endpoint, *arguments],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    made = aws("create-role", "--role-name", "r", "--assume-role-policy-document", TRUST)
    assert made["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    aws("create-user", "--user-name", "u", "--tags", "Key=a,Value=b")
    key = aws("create-access-key", "--user-name", "u")["AccessKey"]
    error = aws(
        "list-roles",
        AWS_ACCESS_KEY_ID=key["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
    )
    assert "(AccessDenied) when calling the ListRoles operation" in error
    assert "because no identity-based policy allows the iam:ListRoles action" in error
    simulated = aws(
        "simulate-principal-policy",
        "--policy-source-arn",
        "arn:aws:iam::111111111111:user/u",
        "--action-names",
        "iam:ListRoles",
    )
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    error = aws("get-user", "--user-name", "none")
    assert "(NoSuchEntity)" in error
    assert "The user with name none cannot be found." in error
