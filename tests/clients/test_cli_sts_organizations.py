"""The unmodified AWS CLI, STS and Organizations: a member's administrator is stopped by an SCP."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud

NO_QUEUES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}],
    }
)


@pytest.mark.needs("aws")
def test_an_organization_by_the_cli(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "111111111111",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(*arguments: str, keys: dict[str, str] | None = None) -> Any:
        held = (
            {
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys.get("SessionToken", ""),
            }
            if keys
            else {}
        )
        done = subprocess.run(
            [aws_cli, "--endpoint-url", cloud.endpoint, *arguments],
            env={**environment, **held},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    assert aws("sts", "get-caller-identity")["Arn"] == "arn:aws:iam::111111111111:root"
    aws("organizations", "create-organization")
    root = aws("organizations", "list-roots")["Roots"][0]["Id"]
    asked = aws(
        "organizations", "create-account", "--email", "a@example.org", "--account-name", "dev"
    )["CreateAccountStatus"]
    cloud.advance(5)
    status = aws(
        *("organizations", "describe-create-account-status"),
        *("--create-account-request-id", asked["Id"]),
    )["CreateAccountStatus"]
    aws(
        *("organizations", "enable-policy-type", "--root-id", root),
        *("--policy-type", "SERVICE_CONTROL_POLICY"),
    )
    policy = aws(
        *("organizations", "create-policy", "--name", "no-queues", "--description", ""),
        *("--type", "SERVICE_CONTROL_POLICY", "--content", NO_QUEUES),
    )["Policy"]["PolicySummary"]["Id"]
    aws("organizations", "attach-policy", "--policy-id", policy, "--target-id", root)

    iam = cloud.client("iam", account="111111111111")
    iam.create_user(UserName="admin")
    iam.attach_user_policy(
        UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    role = f"arn:aws:iam::{status['AccountId']}:role/OrganizationAccountAccessRole"
    session = aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "ops", keys=key)[
        "Credentials"
    ]
    assert aws("iam", "list-users", keys=session)["Users"] == []
    refused = aws("sqs", "list-queues", keys=session)
    assert "AccessDenied" in refused
    assert "with an explicit deny in a service control policy" in refused
    refused = aws("organizations", "list-accounts", keys=session)
    assert "(AccessDeniedException) when calling the ListAccounts operation" in refused
    assert "You don't have permissions to access this resource." in refused
