"""Topics: creating, finding, deleting; attributes and tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.sns.support import ACCOUNT, queue_for, refusal, subscribe, topic


def test_a_topic_is_made_once(sns: Any) -> None:
    arn = topic(sns, "news", DisplayName="News")
    assert arn == f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
    assert topic(sns, "news", DisplayName="News") == arn
    assert topic(sns, "news") == arn
    assert refusal(sns.create_topic, Name="news", Attributes={"DisplayName": "Else"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert refusal(sns.create_topic, Name="news", Tags=[{"Key": "a", "Value": "b"}]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )


@pytest.mark.parametrize("name", ["", "a b", "a" * 257, "news.fifo"])
def test_names_that_are_refused(sns: Any, name: str) -> None:
    assert refusal(sns.create_topic, Name=name) == (
        "InvalidParameter",
        "Invalid parameter: Topic Name",
    )


def test_a_fifo_topic_is_called_so(sns: Any) -> None:
    code, message = refusal(sns.create_topic, Name="news", Attributes={"FifoTopic": "true"})
    assert code == "InvalidParameter"
    assert message.startswith("Invalid parameter: Fifo Topic names must end with .fifo")


def test_attributes_of_a_new_topic(sns: Any) -> None:
    arn = topic(sns)
    found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    policy = json.loads(found.pop("Policy"))
    assert policy["Id"] == "__default_policy_ID"
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    effective = json.loads(found.pop("EffectiveDeliveryPolicy"))["http"]
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert found == {
        "Owner": ACCOUNT,
        "TopicArn": arn,
        "DisplayName": "",
        "SubscriptionsPending": "0",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsDeleted": "0",
    }


def test_attributes_are_set_and_taken_away(sns: Any) -> None:
    arn = topic(sns)

    def put(name: str, value: str) -> dict[str, str]:
        sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
        found: dict[str, str] = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        return found

    assert put("DisplayName", "News")["DisplayName"] == "News"
    assert put("SignatureVersion", "2")["SignatureVersion"] == "2"
    assert put("TracingConfig", "PassThrough")["TracingConfig"] == "PassThrough"
    assert put("MaximumMessageSize", "2048")["MaximumMessageSize"] == "2048"
    policy = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}}
    found = put("DeliveryPolicy", json.dumps(policy))
    assert json.loads(found["DeliveryPolicy"]) == policy
    effective = json.loads(found["EffectiveDeliveryPolicy"])["http"]
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 5
    assert "DeliveryPolicy" not in put("DeliveryPolicy", "")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Colour", "red", "AttributeName"),
        ("FifoTopic", "true", "AttributeName"),
        ("SignatureVersion", "3", "SignatureVersion: Invalid value [3]."),
        (
            "ContentBasedDeduplication",
            "true",
            "ContentBasedDeduplication is only supported for FIFO topics",
        ),
        (
            "DeliveryPolicy",
            '{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}',
            "DeliveryPolicy: http.defaultHealthyRetryPolicy.numRetries must be less than or equal "
            "to 100",
        ),
        ("DeliveryPolicy", '{"smtp":{}}', "DeliveryPolicy: Unexpected JSON member: smtp"),
        ("DeliveryPolicy", "{", "DeliveryPolicy: failed to parse JSON."),
    ],
)
def test_attributes_that_are_refused(sns: Any, name: str, value: str, message: str) -> None:
    arn = topic(sns)
    assert refusal(
        sns.set_topic_attributes, TopicArn=arn, AttributeName=name, AttributeValue=value
    ) == ("InvalidParameter", f"Invalid parameter: {message}")


def test_policies_that_are_refused(sns: Any) -> None:
    arn = topic(sns)

    def put(**statement: Any) -> tuple[str, str]:
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return refusal(
            sns.set_topic_attributes, TopicArn=arn, AttributeName="Policy", AttributeValue=text
        )

    given = {"Effect": "Allow", "Resource": arn}
    assert put(**given, Principal="*", Action="sqs:SendMessage") == (
        "InvalidParameter",
        "Invalid parameter: Policy statement action out of service scope!",
    )
    nobody = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}
    assert put(**given, Principal=nobody, Action="SNS:Publish") == (
        "InvalidParameter",
        "Invalid parameter: Policy Error: PrincipalNotFound",
    )


def test_what_is_not_there(sns: Any) -> None:
    gone = f"arn:aws:sns:us-east-1:{ACCOUNT}:gone"
    assert refusal(sns.get_topic_attributes, TopicArn=gone) == ("NotFound", "Topic does not exist")
    assert refusal(sns.publish, TopicArn=gone, Message="x") == ("NotFound", "Topic does not exist")
    sns.delete_topic(TopicArn=gone)
    assert refusal(sns.get_topic_attributes, TopicArn="news") == (
        "InvalidParameter",
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
    )
    elsewhere = f"arn:aws:sns:eu-west-1:{ACCOUNT}:gone"
    assert refusal(sns.get_topic_attributes, TopicArn=elsewhere) == (
        "InvalidParameter",
        "Invalid parameter: TopicArn",
    )


def test_topics_are_listed_by_a_hundred(sns: Any, client: Callable[..., Any]) -> None:
    made = [topic(sns, f"t{number:03}") for number in range(120)]
    first = sns.list_topics()
    assert len(first["Topics"]) == 100
    second = sns.list_topics(NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert [one["TopicArn"] for one in first["Topics"] + second["Topics"]] == made
    assert client("sns", region="eu-west-1").list_topics()["Topics"] == []
    assert refusal(sns.list_topics, NextToken="x") == (
        "InvalidParameter",
        "Invalid parameter: NextToken",
    )


def test_a_deleted_topic_takes_its_subscriptions_along(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    subscription = subscribe(sns, arn, queue_for(sqs, arn))
    sns.delete_topic(TopicArn=arn)
    assert refusal(sns.get_subscription_attributes, SubscriptionArn=subscription) == (
        "NotFound",
        "Subscription does not exist",
    )
    assert sns.list_topics()["Topics"] == []
    topic(sns)
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


def test_tags(sns: Any) -> None:
    arn = sns.create_topic(Name="news", Tags=[{"Key": "team", "Value": "a"}])["TopicArn"]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "x"}])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "a"},
        {"Key": "stage", "Value": "x"},
    ]
    sns.untag_resource(ResourceArn=arn, TagKeys=["team", "none"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "x"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refusal(sns.tag_resource, ResourceArn=arn, Tags=many)[0] == "TagLimitExceeded"
    gone = f"{arn}-gone"
    assert refusal(sns.list_tags_for_resource, ResourceArn=gone) == (
        "ResourceNotFound",
        "Resource does not exist",
    )


def test_topics_are_known_to_the_tagging_api(sns: Any, client: Callable[..., Any]) -> None:
    arn = topic(sns)
    tagging = client("resourcegroupstaggingapi")
    assert tagging.tag_resources(ResourceARNList=[arn], Tags={"team": "a"}) is not None
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    [found] = tagging.get_resources(ResourceTypeFilters=["sns"])["ResourceTagMappingList"]
    assert found["ResourceARN"] == arn
    tagging.untag_resources(ResourceARNList=[arn], TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == []


def test_what_is_left_out_says_so(sns: Any) -> None:
    arn = topic(sns)
    for function, given in (
        (sns.check_if_phone_number_is_opted_out, {"phoneNumber": "+15550100"}),
        (sns.put_data_protection_policy, {"ResourceArn": arn, "DataProtectionPolicy": "{}"}),
        (sns.publish, {"PhoneNumber": "+15550100", "Message": "x"}),
        (sns.subscribe, {"TopicArn": arn, "Protocol": "email", "Endpoint": "a@example.com"}),
        (
            sns.set_topic_attributes,
            {"TopicArn": arn, "AttributeName": "TracingConfig", "AttributeValue": "Active"},
        ),
    ):
        assert refusal(function, **given)[0] == "NotImplemented"
    assert "DataProtectionPolicy" not in sns.get_data_protection_policy(ResourceArn=arn)


def test_lists_are_allowed_by_a_policy_for_every_topic(client: Callable[..., Any]) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
    ana = client("sns", credentials=credentials)
    every = f"arn:aws:sns:us-east-1:{ACCOUNT}:*"
    assert refusal(ana.list_topics) == (
        "AuthorizationError",
        f"User: arn:aws:iam::{ACCOUNT}:user/ana is not authorized to perform: SNS:ListTopics on "
        f"resource: {every} because no identity-based policy allows the SNS:ListTopics action",
    )
    statement = {"Effect": "Allow", "Action": "sns:List*", "Resource": every}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy)
    assert ana.list_topics()["Topics"] == []
    assert ana.list_subscriptions()["Subscriptions"] == []
