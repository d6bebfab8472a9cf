"""Constraints of the models, in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest

from mesocosm import wire
from mesocosm.api import cloudwatch, dynamodb, iam, kms, logs, organizations
from mesocosm.wire import AwsError
from mesocosm.wire.javaregex import compiled


def refusal(service: str, operation: str, protocol: str, value: Any) -> AwsError:
    """The error for a request that breaks a constraint."""
    with pytest.raises(AwsError) as raised:
        wire.codec(service, operation, protocol).validate(value)
    return raised.value


def test_a_good_request_passes() -> None:
    value = iam.CreateUserRequest(user_name="alice", tags=[iam.Tag(key="k", value="")])
    wire.codec("iam", "CreateUser", "query").validate(value)


def test_length_and_pattern() -> None:
    error = refusal("iam", "CreateUser", "query", iam.CreateUserRequest(user_name="a b" * 30))
    assert error.code == "ValidationError"
    place = f"Value '{'a b' * 30}' at 'userName' failed to satisfy constraint"
    assert error.message == (
        f"2 validation errors detected: {place}: Member must have length less than or equal to 64; "
        f"{place}: Member must satisfy regular expression pattern: [\\w+=,.@-]+"
    )


def test_required_members() -> None:
    nothing = wire.structs("kms").struct("DescribeKeyRequest")()
    error = refusal("kms", "DescribeKey", "json", nothing)
    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
        "Member must not be null"
    )
    nothing = wire.structs("sqs").struct("DeleteQueueRequest")()
    error = refusal("sqs", "DeleteQueue", "json", nothing)
    assert error.code == "MissingParameter"
    assert error.message == "The request must contain the parameter QueueUrl."


def test_members_of_lists_are_counted_from_one() -> None:
    tags = [iam.Tag(key="k", value="v"), iam.Tag(key="", value="v")]
    error = refusal("iam", "TagUser", "query", iam.TagUserRequest(user_name="a", tags=tags))
    assert "Value '' at 'tags.2.member.key' failed to satisfy constraint" in error.message


def test_scalars_of_lists_are_listed_together() -> None:
    request = iam.UntagUserRequest(user_name="a", tag_keys=["k" * 129])
    error = refusal("iam", "UntagUser", "query", request)
    assert f"Value '[{'k' * 129}]' at 'tagKeys' failed to satisfy constraint: " in error.message
    assert (
        "Member must satisfy constraint: [Member must have length less than or equal to 128, "
        "Member must have length greater than or equal to 1, "
        "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+]"
    ) in error.message


def test_ranges_and_enums() -> None:
    request = iam.ListUsersRequest(max_items=1001)
    error = refusal("iam", "ListUsers", "query", request)
    assert error.message.endswith("Member must have value less than or equal to 1000")
    request = dynamodb.DescribeTableInput(table_name="")
    error = refusal("dynamodb", "DescribeTable", "json", request)
    assert "Member must have length greater than or equal to 1" in error.message
    error = refusal(
        "kms", "CreateKey", "json", kms.CreateKeyRequest(key_spec="x", origin="EXTERNAL")
    )
    assert "Member must satisfy enum value set: [RSA_2048, " in error.message


def test_secrets_are_not_shown() -> None:
    request = iam.CreateLoginProfileRequest(user_name="a", password="")
    error = refusal("iam", "CreateLoginProfile", "query", request)
    assert "Value at 'password' failed to satisfy constraint" in error.message


def test_organizations_words_it_otherwise() -> None:
    request = organizations.DescribeAccountRequest(account_id="12")
    error = refusal("organizations", "DescribeAccount", "json", request)
    assert error.code == "InvalidInputException"
    assert error.message == "You provided a value that does not match the required pattern."
    assert error.members == {"Reason": "INVALID_PATTERN"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[\p{L}\p{N}_]+", "Ünï1", "a b"),
        (r"\p{Alpha}+", "abc", "ab1"),
        (r"[\p{Graph}\x20]*", "a b", "\x01"),
        (r"[^\p{Cntrl}]+", "a", "\x01"),
        (r"\w+", "abc", "äbc"),
        (r"[\P{C}]*", "abc", "\x01"),
        (r"(?s).*\S.*", " a\n", "  "),
        (r"arn:aws(-[a-z]+)*:s3:::x", "arn:aws:s3:::x", "arn:aws:s3:::y"),
    ],
)
def test_patterns_of_java(pattern: str, good: str, bad: str) -> None:
    found = compiled(pattern)
    assert found is not None
    assert found.fullmatch(good)
    assert not found.fullmatch(bad)


def test_nearly_every_pattern_is_checked() -> None:
    patterns = {
        raw["pattern"]
        for service in (
            "iam",
            "sts",
            "organizations",
            "kms",
            "cloudtrail",
            "account",
            "ec2",
            "lambda",
        )
        for raw in wire.service(service).shapes.values()
        if "pattern" in raw
    }
    assert [p for p in patterns if compiled(p) is None] == []


@pytest.mark.parametrize("wrong", [None, "empty", "early", "missing"])
def test_a_long_list_is_checked_as_a_short_one_is(wrong: str | None) -> None:
    events = [logs.InputLogEvent(timestamp=number, message="m") for number in range(20)]
    if wrong == "empty":
        events[12].message = ""
    if wrong == "early":
        events[12].timestamp = -1
    if wrong == "missing":
        events[12].message = None  # type: ignore[assignment]
    request = logs.PutLogEventsRequest(log_group_name="g", log_stream_name="s", log_events=events)
    if wrong is None:
        wire.codec("logs", "PutLogEvents", "json").validate(request)
        return
    error = refusal("logs", "PutLogEvents", "json", request)
    assert error.code == "InvalidParameterException"
    assert "at 'logEvents.13.member." in error.message
    assert error.message.startswith("1 validation error detected")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"metric_name": ""}, "metricData.9.member.metricName"),
        ({"dimensions": [cloudwatch.Dimension(name="n", value="")]}, "dimensions.1.member.value"),
        (
            {"dimensions": [cloudwatch.Dimension(name="n", value="v")] * 31},
            "metricData.9.member.dimensions",
        ),
        (
            {"dimensions": [cloudwatch.Dimension(name="n", value="v"), None]},
            "",
        ),
        ({"unit": "Furlongs"}, "metricData.9.member.unit"),
        ({"metric_name": None}, "metricData.9.member.metricName"),
    ],
)
def test_one_of_many_is_found(change: dict[str, Any], place: str) -> None:
    """Long lists are looked at member by member first, also in what their structures hold."""
    good = {"dimensions": [cloudwatch.Dimension(name="a", value="b")], "value": 1.0}
    data = [cloudwatch.MetricDatum(metric_name="m", **good) for _ in range(20)]
    value = cloudwatch.PutMetricDataInput(namespace="N", metric_data=data)
    codec = wire.codec("cloudwatch", "PutMetricData", "json")
    codec.validate(value)
    data[8] = cloudwatch.MetricDatum(**{"metric_name": "m", **good, **change})
    if not place:
        codec.validate(value)
        return
    assert place in refusal("cloudwatch", "PutMetricData", "json", value).message
