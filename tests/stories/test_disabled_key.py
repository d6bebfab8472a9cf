"""A key is disabled, and everything encrypted under it refuses to be read; enabled again, all of it
is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

ACCOUNT = "000000000000"
DATA_KEY_SECONDS = 301
OWNER = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    "Resource": "*",
}


def refused(function: Callable[..., Any]) -> str:
    """The code of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function()
    code: str = raised.value.response["Error"]["Code"]
    return code


def test_a_disabled_key_closes_everything_under_it(
    client: Callable[..., Any], cloud: LocalCloud
) -> None:
    kms, s3, sqs, sns = (client(name) for name in ("kms", "s3", "sqs", "sns"))
    secrets, ssm, logs = (client(name) for name in ("secretsmanager", "ssm", "logs"))
    policy = json.dumps({"Version": "2012-10-17", "Statement": [OWNER, LOGS]})
    key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/everything", TargetKeyId=key)

    blob = kms.encrypt(KeyId="alias/everything", Plaintext=b"text")["CiphertextBlob"]
    s3.create_bucket(Bucket="papers")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default}
    s3.put_bucket_encryption(Bucket="papers", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="papers", Key="k", Body=b"text")
    under = {"KmsMasterKeyId": "alias/everything"}
    url = sqs.create_queue(QueueName="q", Attributes={**under, "VisibilityTimeout": "0"})[
        "QueueUrl"
    ]
    sqs.send_message(QueueUrl=url, MessageBody="text")
    topic = sns.create_topic(Name="t", Attributes=under)["TopicArn"]
    sns.publish(TopicArn=topic, Message="text")
    secrets.create_secret(Name="s", KmsKeyId="alias/everything", SecretString="text")
    for tier in ("Standard", "Advanced"):
        ssm.put_parameter(Name=tier, Type="SecureString", KeyId=key, Value="text", Tier=tier)
    logs.create_log_group(logGroupName="g", kmsKeyId=key)
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(cloud.now() * 1000), "message": "text"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

    readers: dict[str, Callable[[], Any]] = {
        "kms": lambda: kms.decrypt(CiphertextBlob=blob)["Plaintext"].decode(),
        "s3": lambda: s3.get_object(Bucket="papers", Key="k")["Body"].read().decode(),
        "sqs": lambda: sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"],
        "sns": lambda: "text" if sns.publish(TopicArn=topic, Message="text")["MessageId"] else "",
        "secretsmanager": lambda: secrets.get_secret_value(SecretId="s")["SecretString"],
        "ssm": lambda: ssm.get_parameter(Name="Standard", WithDecryption=True)["Parameter"][
            "Value"
        ],
        "ssm advanced": lambda: ssm.get_parameter(Name="Advanced", WithDecryption=True)[
            "Parameter"
        ]["Value"],
        "logs": lambda: logs.get_log_events(logGroupName="g", logStreamName="s")["events"][0][
            "message"
        ],
    }
    assert {name: read() for name, read in readers.items()} == dict.fromkeys(readers, "text")

    kms.disable_key(KeyId=key)
    cloud.advance(DATA_KEY_SECONDS)
    assert {name: refused(read) for name, read in readers.items()} == {
        "kms": "DisabledException",
        "s3": "KMS.DisabledException",
        "sqs": "KMS.DisabledException",
        "sns": "KMSDisabled",
        "secretsmanager": "DecryptionFailure",
        "ssm": "InvalidKeyId",
        "ssm advanced": "InvalidKeyId",
        "logs": "AccessDeniedException",
    }
    assert ssm.get_parameter(Name="Standard")["Parameter"]["Value"] != "text"

    kms.enable_key(KeyId=key)
    assert {name: read() for name, read in readers.items()} == dict.fromkeys(readers, "text")
