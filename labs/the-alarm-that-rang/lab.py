"""The alarm that rang: lines of a log become a metric, the metric an alarm, the alarm a message.

A quarter of an hour passes on the cloud's clock: the shop works, breaks, and is mended. Nothing is
called but AWS's API and `mesocosm clock`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from lab import Lab, cloud, say, step

ACCOUNT = "444444444444"
GROUP = "/shop/web"
ALARM = "shop-errors"
MINUTE = 60


def build(lab: Lab) -> tuple[Any, str]:
    """From the log to the queue; the client and the URL of the queue."""
    step("A log group, a metric filter, an alarm, a topic, a queue")
    logs, metrics = lab.client("logs", ACCOUNT), lab.client("cloudwatch", ACCOUNT)
    topics, queues = lab.client("sns", ACCOUNT), lab.client("sqs", ACCOUNT)
    queue = queues.create_queue(QueueName="on-call")["QueueUrl"]
    found = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    queue_arn = found["Attributes"]["QueueArn"]
    topic = topics.create_topic(Name="alarms")["TopicArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    queues.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="web-1")
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName="errors",
        filterPattern="{ $.status >= 500 }",
        metricTransformations=[
            {
                "metricName": "Errors",
                "metricNamespace": "Shop",
                "metricValue": "1",
                "defaultValue": 0,
            }
        ],
    )
    metrics.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=MINUTE,
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
        Threshold=5,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        OKActions=[topic],
    )
    say("it rings when 3 of 5 minutes have 5 answers of status 500 or more")
    return queues, queue


def now(lab: Lab) -> float:
    """The cloud's time."""
    told: float = json.loads(lab.command("clock", "show", "--json", shown=False))["now"]
    return told


def live(lab: Lab, minutes: int, failures: int) -> None:
    """Some minutes of the shop's life: 100 requests a minute, some of which fail."""
    say(f"{minutes} minutes, {failures} of 100 requests fail; `mesocosm clock advance` after each")
    logs = lab.client("logs", ACCOUNT)
    begun = int(now(lab) * 1000)
    for minute in range(minutes):
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName="web-1",
            logEvents=[
                {
                    "timestamp": begun + minute * MINUTE * 1000 + number,
                    "message": json.dumps(
                        {"path": f"/order/{number}", "status": 502 if number < failures else 200}
                    ),
                }
                for number in range(100)
            ],
        )
        lab.command("clock", "advance", f"{MINUTE}s", shown=False)


def received(queues: Any, queue: str) -> list[dict[str, Any]]:
    """The alarms that came to the queue."""
    found = []
    while messages := queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in messages:
            found.append(json.loads(json.loads(message["Body"])["Message"]))
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def rang(queues: Any, queue: str) -> None:
    """Show what came."""
    for alarm in received(queues, queue):
        say(f"{alarm['AlarmName']}: {alarm['OldStateValue']} -> {alarm['NewStateValue']}")
        say(alarm["NewStateReason"])


def main() -> None:
    """The whole story."""
    with cloud() as lab:
        queues, queue = build(lab)
        lab.command("clock", "pause")

        step("The shop works")
        live(lab, 3, failures=1)
        rang(queues, queue)

        step("The shop breaks")
        live(lab, 5, failures=40)
        rang(queues, queue)

        step("It is mended")
        live(lab, 6, failures=0)
        rang(queues, queue)

        step("What the alarm remembers")
        metrics = lab.client("cloudwatch", ACCOUNT)
        history = metrics.describe_alarm_history(
            AlarmName=ALARM, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )
        for item in history["AlarmHistoryItems"]:
            say(f"{item['Timestamp']:%H:%M} {item['HistorySummary']}")
        logs = lab.client("logs", ACCOUNT)
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, filterPattern="{ $.status = 502 }"
        )
        say(f"{sum(len(page['events']) for page in pages)} lines of status 502 are in the log")
        lab.measured()


if __name__ == "__main__":
    main()
