"""`resources`: the resources of an event, with the types that CloudTrail gives them."""

from __future__ import annotations

from typing import Any, NamedTuple

from mesocosm.call.record import Judgement

TYPES: dict[str, dict[str, str]] = {
    "iam": {
        "assumed-role": "AWS::IAM::Role",
        "group": "AWS::IAM::Group",
        "instance-profile": "AWS::IAM::InstanceProfile",
        "mfa": "AWS::IAM::VirtualMFADevice",
        "oidc-provider": "AWS::IAM::OIDCProvider",
        "policy": "AWS::IAM::ManagedPolicy",
        "role": "AWS::IAM::Role",
        "saml-provider": "AWS::IAM::SAMLProvider",
        "server-certificate": "AWS::IAM::ServerCertificate",
        "user": "AWS::IAM::User",
    },
    "sts": {"federated-user": "AWS::STS::FederatedUser", "assumed-role": "AWS::STS::AssumedRole"},
    "cloudwatch": {
        "alarm": "AWS::CloudWatch::Alarm",
        "alarm-mute-rule": "AWS::CloudWatch::AlarmMuteRule",
        "dashboard": "AWS::CloudWatch::Dashboard",
        "metric-stream": "AWS::CloudWatch::MetricStream",
    },
    "cloudtrail": {"trail": "AWS::CloudTrail::Trail"},
    "sqs": {"": "AWS::SQS::Queue"},
    "sns": {"": "AWS::SNS::Topic"},
    "kms": {"key": "AWS::KMS::Key", "alias": "AWS::KMS::Alias"},
    "lambda": {"function": "AWS::Lambda::Function"},
    "dynamodb": {"table": "AWS::DynamoDB::Table"},
    "logs": {"log-group": "AWS::Logs::LogGroup", "destination": "AWS::Logs::Destination"},
    "ssm": {"parameter": "AWS::SSM::Parameter"},
    "firehose": {"deliverystream": "AWS::KinesisFirehose::DeliveryStream"},
    "resource-groups": {"group": "AWS::ResourceGroups::Group"},
    "secretsmanager": {"secret": "AWS::SecretsManager::Secret"},
    "organizations": {
        "account": "AWS::Organizations::Account",
        "organization": "AWS::Organizations::Organization",
        "ou": "AWS::Organizations::OrganizationalUnit",
        "policy": "AWS::Organizations::Policy",
        "root": "AWS::Organizations::Root",
    },
}
"""Service and resource type of an ARN -> the type of the resource (CloudFormation's names)."""

DATA_TYPES = {
    "s3": "AWS::S3::Object",
    "sqs": "AWS::SQS::Queue",
    "sns": "AWS::SNS::Topic",
    "lambda": "AWS::Lambda::Function",
    "dynamodb": "AWS::DynamoDB::Table",
    "kinesis": "AWS::Kinesis::Stream",
    "cloudtrail": "AWS::CloudTrail::Channel",
}
"""What `resources.type` of an advanced selector means by a service's data events."""


class Resource(NamedTuple):
    """A resource of an event. `account` is empty for S3 objects, as in AWS's events."""

    arn: str
    type: str
    account: str

    def shown(self) -> dict[str, Any]:
        """The resource as an element of `resources`."""
        if not self.account:
            return {"type": self.type, "ARN": self.arn}
        return {"accountId": self.account, "type": self.type, "ARN": self.arn}


def resources_of(judgements: tuple[Judgement, ...]) -> list[Resource]:
    """The resources that a call was judged for, each once."""
    found: dict[str, Resource] = {}
    for judgement in judgements:
        arn = judgement.resource
        if "*" in arn or not arn.startswith("arn:") or judgement.action == "iam:PassRole":
            continue
        if arn.endswith("-??????"):
            continue  # a secret that is being made: its ARN is not known before
        if arn.startswith("arn:aws:s3:::"):
            bucket, slash, _ = arn.partition("/")
            if slash:
                found.setdefault(arn, Resource(arn, "AWS::S3::Object", ""))
            found.setdefault(bucket, Resource(bucket, "AWS::S3::Bucket", judgement.account))
        else:
            found.setdefault(arn, Resource(arn, type_of(arn), judgement.account))
    return list(found.values())


def type_of(arn: str) -> str:
    """The type of the resource an ARN names."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return ""
    service, rest = parts[2], parts[5]
    kind = rest.replace(":", "/").partition("/")[0] if "/" in rest or ":" in rest else ""
    known = TYPES.get(service, {})
    if kind in known:
        return known[kind]
    if kind == "" and rest == "root":
        return "AWS::IAM::Root"
    words = "".join(word.capitalize() for word in kind.replace("_", "-").split("-"))
    return f"AWS::{service.upper() if len(service) < 4 else service.capitalize()}::{words}"


def name_of(arn: str) -> str:
    """The name of a resource, as event history shows it."""
    if arn.startswith("arn:aws:s3:::"):
        return arn.removeprefix("arn:aws:s3:::")
    rest = arn.split(":", 5)[-1]
    return rest.replace(":", "/").rpartition("/")[2]
