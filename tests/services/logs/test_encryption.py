"""Groups under a KMS key."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, messages, say, stream

from mesocosm.testing.local import LocalCloud

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g"


def key_for_logs(client: Make, arn: str = GROUP) -> str:
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                "Resource": "*",
                "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}},
            },
        ],
    }
    made = client("kms").create_key(Policy=json.dumps(allowed))
    return str(made["KeyMetadata"]["Arn"])


def test_what_is_under_a_disabled_key_cannot_be_read(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    say(cloud, logs, "plain")
    key = key_for_logs(client)
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key)
    say(cloud, logs, "secret")
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key
    assert messages(logs) == ["plain", "secret"]
    assert messages(logs, filterPattern="secret") == ["secret"]
    client("kms").disable_key(KeyId=key)
    with pytest.raises(ClientError) as refused:
        messages(logs)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    client("kms").enable_key(KeyId=key)
    logs.disassociate_kms_key(logGroupName="g")
    say(cloud, logs, "plain again")
    assert messages(logs) == ["plain", "secret", "plain again"]


def test_the_key_must_let_logs_use_it_for_this_group(client: Make) -> None:
    logs = client("logs")
    key = key_for_logs(client, GROUP.replace(":g", ":h"))
    with pytest.raises(ClientError) as refused:
        logs.create_log_group(logGroupName="g", kmsKeyId=key)
    assert refused.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": "The specified KMS key does not exist or is not allowed to be used with Arn "
        f"'{GROUP}'",
    }
    assert logs.describe_log_groups()["logGroups"] == []


def test_the_stored_bytes_do_not_hold_the_message(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key_for_logs(client))
    say(cloud, logs, "needle-in-the-journal")
    cloud.do(cloud.world.flush)
    for path in cloud.directory.rglob("*.journal"):
        assert b"needle-in-the-journal" not in path.read_bytes()
