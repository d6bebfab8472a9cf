"""Key policies: the default one, and those of AWS managed keys.

Source: KMS developer guide, "Default key policy" and "Key policies of AWS managed keys".
"""

from __future__ import annotations

import json
from typing import Any

POLICY_BYTES_MAX = 32_768
NAMES = {
    "acm": "ACM",
    "backup": "Backup",
    "codecommit": "CodeCommit",
    "dms": "Database Migration Service",
    "dynamodb": "DynamoDB",
    "ebs": "EBS volumes",
    "ecr": "ECR",
    "elasticfilesystem": "EFS",
    "es": "Elasticsearch",
    "firehose": "Firehose",
    "fsx": "FSx",
    "glue": "Glue",
    "kafka": "MSK",
    "kinesis": "Kinesis",
    "kinesisvideo": "Kinesis Video",
    "lambda": "Lambda functions",
    "logs": "CloudWatch Logs",
    "rds": "RDS database volumes",
    "redshift": "Redshift clusters",
    "s3": "S3 objects",
    "secretsmanager": "AWS Secrets Manager data",
    "sns": "SNS messages",
    "sqs": "SQS messages",
    "ssm": "EC2 SSM Parameter Store data",
    "workspaces": "WorkSpaces",
    "xray": "X-Ray",
}
"""The services that have AWS managed keys, and how the keys' descriptions call what is theirs."""
THROUGH = {"ebs": "ec2"}
"""Services that call KMS under another name than their key's."""


def default_policy(account: str) -> str:
    """The policy a key gets when none is given: IAM policies of the account decide."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return _text({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]})


def managed_policy(service: str, account: str, region: str) -> str:
    """The policy of an AWS managed key: everybody of the account, and only through the service."""
    through = {
        "Sid": f"Allow access through {service} for all principals in the account that are "
        f"authorized to use {service}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account,
                "kms:ViaService": f"{THROUGH.get(service, service)}.{region}.amazonaws.com",
            }
        },
    }
    direct = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    identity = f"auto-{service}-2"
    return _text({"Version": "2012-10-17", "Id": identity, "Statement": [through, direct]})


def managed_description(service: str) -> str:
    """What an AWS managed key is described as."""
    what = NAMES.get(service, f"{service} data")
    return f"Default key that protects my {what} when no other key is defined"


def _text(policy: dict[str, Any]) -> str:
    return json.dumps(policy, indent=2).replace('": ', '" : ')
