"""Subscription filters and destinations."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, say, stream

from mesocosm.call.call import Call
from mesocosm.testing.local import LocalCloud
from mesocosm.wire.errors import AwsError

FIREHOSE = "arn:aws:firehose:us-east-1:000000000000:deliverystream/f"
ROLE = "arn:aws:iam::000000000000:role/r"


class Receiver:
    """Takes records in place of a stream, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.open = True

    def put(self, call: Call, destination: str, role: str, record: bytes) -> None:
        if not self.open:
            raise AwsError("ServiceUnavailableException", "Slow down.")
        self.taken.append((destination, json.loads(gzip.decompress(record))))

    @property
    def said(self) -> list[list[str]]:
        return [
            [event["message"] for event in each["logEvents"]]
            for _, each in self.taken
            if each["messageType"] == "DATA_MESSAGE"
        ]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr("mesocosm.services.logs.operations.receivers.put_record", made.put)
    monkeypatch.setattr("mesocosm.services.logs.control.delivering.put_record", made.put)
    return made


def put(logs: Any, name: str = "f", pattern: str = "ERROR", **more: Any) -> None:
    request = {"destinationArn": FIREHOSE, "roleArn": ROLE, **more}
    logs.put_subscription_filter(
        logGroupName="g", filterName=name, filterPattern=pattern, **request
    )


def test_matching_events_are_delivered(cloud: LocalCloud, client: Make, receiver: Receiver) -> None:
    logs = stream(client)
    say(cloud, logs, "ERROR before")
    put(logs)
    [(_, control)] = receiver.taken
    assert control["messageType"] == "CONTROL_MESSAGE"
    assert control["owner"] == "CloudwatchLogs"
    say(cloud, logs, "ERROR one", "fine", "ERROR two")
    say(cloud, logs, "fine")
    assert receiver.said == [["ERROR one", "ERROR two"]]
    destination, data = receiver.taken[1]
    assert destination == FIREHOSE
    assert data["owner"] == "000000000000"
    assert (data["logGroup"], data["logStream"]) == ("g", "s")
    assert data["subscriptionFilters"] == ["f"]
    [first, _] = data["logEvents"]
    assert first.keys() == {"id", "timestamp", "message"}
    assert len(first["id"]) == 56


def test_what_is_refused_is_tried_again(
    cloud: LocalCloud, client: Make, receiver: Receiver
) -> None:
    logs = stream(client)
    put(logs, "f")
    put(logs, "all", "")
    receiver.open = False
    say(cloud, logs, "ERROR one")
    cloud.advance(30)
    assert receiver.said == []
    receiver.open = True
    cloud.advance(60)
    assert receiver.said == [["ERROR one"], ["ERROR one"]]
    cloud.advance(7200)
    assert len(receiver.said) == 2
    receiver.open = False
    say(cloud, logs, "ERROR lost")
    cloud.advance(25 * 3600)
    receiver.open = True
    cloud.advance(3600)
    assert len(receiver.said) == 2


def test_a_group_has_at_most_two(client: Make, receiver: Receiver) -> None:
    logs = stream(client)
    put(logs, "a")
    put(logs, "b")
    put(logs, "b", "WARN")
    with pytest.raises(ClientError) as refused:
        put(logs, "c")
    assert refused.value.response["Error"]["Code"] == "LimitExceededException"
    found = logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
    assert [(f["filterName"], f["filterPattern"], f["distribution"]) for f in found] == [
        ("a", "ERROR", "ByLogStream"),
        ("b", "WARN", "ByLogStream"),
    ]
    logs.delete_subscription_filter(logGroupName="g", filterName="a")
    with pytest.raises(ClientError, match="subscription filter does not exist"):
        logs.delete_subscription_filter(logGroupName="g", filterName="a")


def test_a_receiver_that_cannot_be_reached_is_refused(client: Make, receiver: Receiver) -> None:
    logs = stream(client)
    receiver.open = False
    with pytest.raises(ClientError) as refused:
        put(logs)
    assert refused.value.response["Error"] == {
        "Code": "InvalidParameterException",
        "Message": "Could not deliver test message to specified Firehose stream. Check if the "
        "given Firehose stream is in ACTIVE state.",
    }
    with pytest.raises(ClientError, match="cannot be used without roleArn"):
        logs.put_subscription_filter(
            logGroupName="g", filterName="f", filterPattern="", destinationArn=FIREHOSE
        )
    with pytest.raises(ClientError, match="NotImplemented"):
        put(logs, destinationArn="arn:aws:lambda:us-east-1:000000000000:function:f")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        put(logs, destinationArn="arn:aws:sqs:us-east-1:000000000000:q")


def test_another_accounts_destination_by_its_policy(
    cloud: LocalCloud, client: Make, receiver: Receiver
) -> None:
    owner = client("logs", account="111111111111")
    made = owner.put_destination(
        destinationName="d",
        targetArn=FIREHOSE.replace("000000000000", "111111111111"),
        roleArn=ROLE.replace("000000000000", "111111111111"),
    )["destination"]
    logs = stream(client)
    with pytest.raises(ClientError) as refused:
        put(logs, destinationArn=made["arn"])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "000000000000"},
                "Action": "logs:PutSubscriptionFilter",
                "Resource": made["arn"],
            }
        ],
    }
    owner.put_destination_policy(destinationName="d", accessPolicy=json.dumps(document))
    put(logs, destinationArn=made["arn"])
    say(cloud, logs, "ERROR one")
    assert receiver.said == [["ERROR one"]]
    [shown] = owner.describe_destinations(DestinationNamePrefix="d")["destinations"]
    assert json.loads(shown["accessPolicy"]) == document
    owner.delete_destination(destinationName="d")
    assert owner.describe_destinations()["destinations"] == []


def test_the_accounts_own_filter_is_for_all_groups_but_those_left_out(
    cloud: LocalCloud, client: Make, receiver: Receiver
) -> None:
    logs = stream(client)
    stream(client, group="h")
    logs.put_account_policy(
        policyName="p",
        policyType="SUBSCRIPTION_FILTER_POLICY",
        policyDocument=json.dumps({"DestinationArn": FIREHOSE, "RoleArn": ROLE}),
        selectionCriteria='LogGroupName NOT IN ["h"]',
    )
    say(cloud, logs, "in g")
    say(cloud, logs, "in h", group="h")
    assert receiver.said == [["in g"]]
    assert receiver.taken[-1][1]["subscriptionFilters"] == ["p"]


def test_resource_policies_are_kept_and_decide(client: Make) -> None:
    logs = stream(client)
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "route53.amazonaws.com"},
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "arn:aws:logs:us-east-1:000000000000:log-group:*",
            }
        ],
    }
    logs.put_resource_policy(policyName="p", policyDocument=json.dumps(document))
    [shown] = logs.describe_resource_policies()["resourcePolicies"]
    assert shown["policyName"] == "p"
    assert json.loads(shown["policyDocument"]) == document
    deny = json.loads(json.dumps(document))
    deny["Statement"][0].update(Effect="Deny", Principal={"AWS": "*"}, Action="logs:PutLogEvents")
    logs.put_resource_policy(policyName="deny", policyDocument=json.dumps(deny))
    with pytest.raises(ClientError, match="resource-based policy"):
        logs.put_log_events(
            logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}]
        )
    logs.delete_resource_policy(policyName="deny")
    with pytest.raises(ClientError, match=r"Policy with name \[deny\] does not exist"):
        logs.delete_resource_policy(policyName="deny")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.put_resource_policy(policyName="x", policyDocument="{")
