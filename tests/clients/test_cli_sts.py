"""The unmodified AWS CLI and STS: keys, roles, profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clients.papers import assumable

from mesocosm.testing.local import LocalCloud

Aws = Callable[..., Any]

pytestmark = pytest.mark.needs("aws")

HOME, AWAY = "111111111111", "222222222222"


def keys(credentials: dict[str, str]) -> dict[str, str]:
    """Credentials as the environment has them."""
    session = credentials.get("SessionToken")
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        **({"AWS_SESSION_TOKEN": session} if session else {}),
    }


def test_a_role_of_another_account(cloud: LocalCloud, aws: Aws, tmp_path: Path) -> None:
    key, role = assumable(cloud, HOME, AWAY)
    user = keys(key)
    assert aws("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{HOME}:root"
    assert aws("sts", "get-caller-identity", **user)["Arn"].endswith(":user/deployer")
    assume = ("sts", "assume-role", "--role-arn", role, "--role-session-name", "cli")
    assert "(AccessDenied) when calling the AssumeRole operation" in aws(*assume, **user)
    given = aws(*assume, "--external-id", "shop", "--duration-seconds", "900", **user)
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{AWAY}:assumed-role/deploy/cli"
    there = keys(given["Credentials"])
    url = aws("sqs", "create-queue", "--queue-name", "q", **there)["QueueUrl"]
    assert url.endswith(f"/{AWAY}/q")
    assert "(AccessDenied)" in aws("s3api", "list-buckets", **there)
    token = aws("sts", "get-session-token", **user)["Credentials"]
    assert aws("sts", "get-caller-identity", **keys(token))["Account"] == HOME

    (tmp_path / "config").write_text(
        f"[profile away]\nrole_arn = {role}\nsource_profile = base\nexternal_id = shop\n"
        f"[profile process]\ncredential_process = cat {tmp_path}/process\n"
        f"[profile base]\naws_access_key_id = {key['AccessKeyId']}\n"
        f"aws_secret_access_key = {key['SecretAccessKey']}\n"
    )
    (tmp_path / "process").write_text(json.dumps({"Version": 1, **key}))
    config = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    who = ("sts", "get-caller-identity", "--query", "Arn", "--profile")
    assert aws(*who, "away", **config).startswith(f"arn:aws:sts::{AWAY}:assumed-role/deploy/")
    assert aws(*who, "process", **config) == f"arn:aws:iam::{HOME}:user/deployer"
