"""Somebody tries what they may not: the trail's events come to a log group, a metric filter counts
the denials (CIS AWS Foundations Benchmark, "unauthorized API calls"), an alarm rings, and a topic
tells the watch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

ACCOUNT = "000000000000"
REGION = "us-east-1"
BUCKET = "the-audit-bucket"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/audit"
GROUP = "audit"
GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"
UNAUTHORIZED = '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    allowing = [{"Effect": "Allow", **one} for one in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowing})


def by(service: str, action: str, resource: str | None) -> dict[str, Any]:
    """What a service may do; trust policies name no resource."""
    principal = {"Service": f"{service}.amazonaws.com"}
    found: dict[str, Any] = {"Principal": principal, "Action": action}
    return {**found, "Resource": resource} if resource else found


def watched(client: Callable[..., Any]) -> None:
    """A trail that sends its events to a log group."""
    s3, iam, trail = client("s3"), client("iam"), client("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    bucket = f"arn:aws:s3:::{BUCKET}"
    both = (
        by("cloudtrail", "s3:GetBucketAcl", bucket),
        by("cloudtrail", "s3:PutObject", f"{bucket}/*"),
    )
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(*both))
    client("logs").create_log_group(logGroupName=GROUP)
    trust = policy(by("cloudtrail", "sts:AssumeRole", None))
    role = iam.create_role(RoleName="audit", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    write = policy({"Action": actions, "Resource": f"{GROUP_ARN}:log-stream:*"})
    iam.put_role_policy(RoleName="audit", PolicyName="write", PolicyDocument=write)
    trail.create_trail(
        Name="audit",
        S3BucketName=BUCKET,
        IsMultiRegionTrail=True,
        CloudWatchLogsLogGroupArn=f"{GROUP_ARN}:*",
        CloudWatchLogsRoleArn=role,
    )
    trail.start_logging(Name="audit")


def alarmed(client: Callable[..., Any]) -> Callable[[], list[dict[str, Any]]]:
    """A metric of the denials, an alarm on it, and what the watch is told by it."""
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name="watch")["TopicArn"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:watch"
    text = policy(by("sns", "sqs:SendMessage", queue))
    url = sqs.create_queue(QueueName="watch", Attributes={"Policy": text})["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    metric = {"metricName": "UnauthorizedAPICalls", "metricNamespace": "LogMetrics"}
    client("logs").put_metric_filter(
        logGroupName=GROUP,
        filterName="unauthorized",
        filterPattern=UNAUTHORIZED,
        metricTransformations=[{**metric, "metricValue": "1"}],
    )
    client("cloudwatch").put_metric_alarm(
        AlarmName="unauthorized",
        Namespace="LogMetrics",
        MetricName="UnauthorizedAPICalls",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=3,
        DatapointsToAlarm=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )

    def told() -> list[dict[str, Any]]:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(one["Body"])["Message"]) for one in got]

    return told


def test_denied_calls_ring_an_alarm(client: Callable[..., Any], cloud: LocalCloud) -> None:
    watched(client)
    told = alarmed(client)
    iam = client("iam")
    iam.create_user(UserName="eve")
    keys = iam.create_access_key(UserName="eve")["AccessKey"]
    eve = client("iam", credentials=keys)
    cloud.advance(1200)
    assert told() == []
    for _ in range(3):
        with pytest.raises(ClientError, match="AccessDenied"):
            eve.list_users()
    cloud.advance(600)
    events = client("logs").filter_log_events(logGroupName=GROUP, filterPattern=UNAUTHORIZED)
    denied = [json.loads(one["message"]) for one in events["events"]]
    assert [one["eventName"] for one in denied] == ["ListUsers"] * 3
    assert {one["userIdentity"]["userName"] for one in denied} == {"eve"}
    (alarm,) = told()
    assert (alarm["AlarmName"], alarm["NewStateValue"]) == ("unauthorized", "ALARM")
    assert "[3.0" in alarm["NewStateReason"]
