"""What an alarm does: a message to a topic, the history of it, the actions of composite alarms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudwatch.test_alarms import Alarms

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]


class Post:
    """A topic with a queue behind it."""

    def __init__(self, client: Client) -> None:
        self.sqs, sns = client("sqs"), client("sns")
        self.topic = sns.create_topic(Name="alerts")["TopicArn"]
        self.url = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:000000000000:inbox"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def read(self) -> list[tuple[str, Any]]:
        """Subject and decoded message of what has come."""
        found = []
        while True:
            got = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            if not got.get("Messages"):
                return found
            for message in got["Messages"]:
                body = json.loads(message["Body"])
                found.append((body["Subject"], json.loads(body["Message"])))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def alarms(cloud: LocalCloud, client: Client) -> Alarms:
    return Alarms(cloud, client)


@pytest.fixture
def post(client: Client) -> Post:
    return Post(client)


def test_an_alarm_writes_to_a_topic(alarms: Alarms, post: Post) -> None:
    alarms.make(AlarmActions=[post.topic], OKActions=[post.topic], AlarmDescription="too much")
    alarms.minute(50)
    ((subject, message),) = post.read()
    assert subject == 'ALARM: "high" in US East (N. Virginia)'
    assert message["AlarmName"] == "high"
    assert message["AlarmDescription"] == "too much"
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:000000000000:alarm:high"
    assert message["Trigger"] == {
        "MetricName": "m",
        "Namespace": "App",
        "StatisticType": "Statistic",
        "Statistic": "AVERAGE",
        "Unit": None,
        "Dimensions": [],
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10.0,
        "TreatMissingData": "missing",
        "EvaluateLowSampleCountPercentile": "",
    }
    alarms.minute(50)
    assert post.read() == []  # once for each change
    alarms.minute(1)
    assert [subject for subject, _ in post.read()] == ['OK: "high" in US East (N. Virginia)']
    items = alarms.history("Action")
    assert items[0]["HistorySummary"] == f"Successfully executed action {post.topic}"
    data = json.loads(items[0]["HistoryData"])
    assert (data["actionState"], data["notificationResource"]) == ("Succeeded", post.topic)


def test_disabled_actions_stay_undone(alarms: Alarms, post: Post) -> None:
    alarms.make(AlarmActions=[post.topic], ActionsEnabled=False)
    alarms.minute(50)
    assert alarms.state() == "ALARM"
    assert (post.read(), alarms.history("Action")) == ([], [])


def test_what_fails_is_in_the_history(alarms: Alarms) -> None:
    actions = [
        "arn:aws:sns:us-east-1:000000000000:nobody",
        "arn:aws:automate:us-east-1:ec2:reboot",
    ]
    alarms.make(AlarmActions=actions)
    alarms.minute(50)
    assert alarms.state() == "ALARM"
    summaries = [item["HistorySummary"] for item in alarms.history("Action")]
    assert [one.split(". Received")[0] for one in summaries] == [
        f"Failed to execute action {action}" for action in actions
    ]


def test_composite_alarms_and_their_suppressor(alarms: Alarms, post: Post) -> None:
    for name in ("child", "deploying"):
        alarms.api.put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
    alarms.api.put_composite_alarm(
        AlarmName="both",
        AlarmRule="ALARM(child)",
        AlarmActions=[post.topic],
        ActionsSuppressor="deploying",
        ActionsSuppressorWaitPeriod=30,
        ActionsSuppressorExtensionPeriod=60,
    )

    def set_state(name: str, state: str) -> None:
        alarms.api.set_alarm_state(AlarmName=name, StateValue=state, StateReason="x")

    set_state("child", "ALARM")
    assert alarms.alarm("both")["ActionsSuppressedBy"] == "WaitPeriod"
    assert post.read() == []
    alarms.cloud.advance(31)  # nobody came to suppress it
    ((subject, message),) = post.read()
    assert subject == 'ALARM: "both" in US East (N. Virginia)'
    assert message["AlarmRule"] == "ALARM(child)"
    assert message["TriggeringChildren"][0]["Arn"].endswith(":alarm:child")
    set_state("child", "OK")
    alarms.cloud.advance(31)

    set_state("deploying", "ALARM")
    set_state("child", "ALARM")
    assert alarms.alarm("both")["ActionsSuppressedBy"] == "Alarm"
    alarms.cloud.advance(50)
    assert post.read() == []
    set_state("deploying", "OK")
    assert alarms.alarm("both")["ActionsSuppressedBy"] == "ExtensionPeriod"
    alarms.cloud.advance(61)
    assert len(post.read()) == 1
    assert "ActionsSuppressedBy" not in alarms.alarm("both")


def test_a_change_of_state_is_an_event(cloud: LocalCloud, alarms: Alarms) -> None:
    from mesocosm.services.cloudwatch.resources.alarms import events

    alarms.make()
    alarms.minute(50)
    kept = cloud.do(lambda: dict(cloud.world.rows(events, "000000000000", "us-east-1")))
    event = json.loads(kept[1].event)
    assert (event["source"], event["detail-type"]) == (
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
    )
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"] == {
        "namespace": "App",
        "name": "m",
        "dimensions": {},
    }
