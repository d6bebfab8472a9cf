"""The record's format, from records of calls made here."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as some
from tests.services.cloudtrail.support import ACCOUNT

from mesocosm.call.identity import service_principal
from mesocosm.call.record import CallRecord, Judgement, event_id
from mesocosm.iam import ANONYMOUS, Principal, SessionIssuer
from mesocosm.services import catalogue
from mesocosm.services.cloudtrail.resources.rows import AdvancedSelector, Condition
from mesocosm.services.cloudtrail.rules.errors import error_code
from mesocosm.services.cloudtrail.rules.event import event, recipients
from mesocosm.services.cloudtrail.rules.identity import user_identity
from mesocosm.services.cloudtrail.rules.kinds import type_of
from mesocosm.services.cloudtrail.rules.origins import Origins, event_name
from mesocosm.services.cloudtrail.rules.parameters import camel, moment
from mesocosm.services.cloudtrail.rules.selectors import Facts, selected

OTHER = "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
SESSION = Principal(
    kind="assumed-role",
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
    id="AROAXXXX:s",
    name="r",
    role_arn=ROLE,
    session_name="s",
    access_key_id="ASIAXXXX",
    issued_at=1_700_000_000.9,
    mfa=True,
    source_identity="ana",
    issuer=SessionIssuer(
        type="Role", principal_id="AROAXXXX", arn=ROLE, account_id=ACCOUNT, user_name="r"
    ),
)


def record(**members: Any) -> CallRecord:
    request = members.pop("request", None)
    defaults: dict[str, Any] = {
        "request_id": "id",
        "time": 1_700_000_000.5,
        "service": "iam",
        "operation": "CreateUser",
        "account": ACCOUNT,
        "region": "eu-west-1",
        "principal": SESSION,
        "request": msgspec.Raw(msgspec.msgpack.encode(request)),
    }
    return CallRecord(**(defaults | members))


def shown(made: CallRecord, recipient: str = ACCOUNT) -> dict[str, Any]:
    return event(made, Origins(catalogue()).of(made.service), recipient, False)


def test_a_session_of_a_role() -> None:
    assert user_identity(SESSION, ACCOUNT) == {
        "type": "AssumedRole",
        "principalId": "AROAXXXX:s",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAXXXX",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAXXXX",
                "arn": ROLE,
                "accountId": ACCOUNT,
                "userName": "r",
            },
            "attributes": {"creationDate": "2023-11-14T22:13:20Z", "mfaAuthenticated": "true"},
            "sourceIdentity": "ana",
        },
    }
    forwarded = msgspec.structs.replace(SESSION, invoked_by="athena.amazonaws.com")
    assert user_identity(forwarded, OTHER) == {
        "type": "AWSAccount",
        "principalId": "AROAXXXX:s",
        "accountId": ACCOUNT,
        "invokedBy": "athena.amazonaws.com",
    }


def test_services_and_nobody() -> None:
    service = service_principal("sns.amazonaws.com", ACCOUNT)
    assert user_identity(service, ACCOUNT) == {
        "type": "AWSService",
        "invokedBy": "sns.amazonaws.com",
    }
    judged = (Judgement("s3:GetObject", "arn:aws:s3:::b/k", OTHER, "Allowed"),)
    assert recipients(record(principal=ANONYMOUS, account="", judgements=judged)) == [OTHER]
    assert recipients(record(principal=service, judgements=judged)) == [OTHER]


def test_passing_a_role_is_no_event_of_the_roles_account() -> None:
    judged = (
        Judgement("lambda:CreateFunction", f"arn:aws:lambda:x:{ACCOUNT}:function:f", ACCOUNT, "A"),
        Judgement("iam:PassRole", f"arn:aws:iam::{OTHER}:role/r", OTHER, "A"),
    )
    made = record(service="lambda", operation="CreateFunction", judgements=judged)
    assert recipients(made) == [ACCOUNT]
    assert [one["type"] for one in shown(made)["resources"]] == ["AWS::Lambda::Function"]
    assert shown(made)["eventName"] == "CreateFunction20150331"


def test_a_service_event() -> None:
    made = record(
        service="cloudtrail",
        operation="Expired",
        principal=service_principal("cloudtrail.amazonaws.com", ACCOUNT),
        event_type="AwsServiceEvent",
        extra={"serviceEventDetails": {"reason": "x"}},
    )
    found = shown(made)
    assert found["eventType"] == "AwsServiceEvent"
    assert found["serviceEventDetails"] == {"reason": "x"}
    assert found["requestParameters"] is None
    assert found["userIdentity"]["invokedBy"] == "cloudtrail.amazonaws.com"


def test_parameters_as_cloudtrail_spells_them() -> None:
    found = shown(record(request={"UserName": "u", "Path": None}))
    assert found["requestParameters"] == {"userName": "u"}
    assert found["awsRegion"] == "us-east-1"
    assert shown(record(operation="ListUsers"))["requestParameters"] is None
    listing = record(
        service="s3",
        operation="ListObjectsV2",
        category="data",
        host="b.s3.amazonaws.com",
        request={"Bucket": "b", "Prefix": "x", "MaxKeys": 3},
    )
    assert shown(listing)["requestParameters"] == {
        "bucketName": "b",
        "prefix": "x",
        "max-keys": 3,
        "Host": "b.s3.amazonaws.com",
    }
    large = {"omitted": True, "originalSize": 200_000}
    assert shown(record(request=large))["requestParameters"] == large
    attributes = {"QueueName": "q", "Attributes": {"VisibilityTimeout": "3"}}
    queue = record(service="sqs", operation="CreateQueue", request=attributes)
    assert shown(queue)["requestParameters"] == {
        "queueName": "q",
        "attributes": {"VisibilityTimeout": "3"},
    }


def test_words() -> None:
    assert camel("DBName") == "dBName"
    assert moment(1_395_772_479) == "Mar 25, 2014, 6:34:39 PM"
    assert error_code("ec2", "UnauthorizedOperation", 403) == "Client.UnauthorizedOperation"
    assert error_code("cloudtrail", "AccessDeniedException", 400) == "AccessDenied"
    assert error_code("iam", "NoSuchEntity", 404) == "NoSuchEntityException"
    assert error_code("s3", "NoSuchKey", 404) == "NoSuchKey"
    assert event_name("iam", "CreateUser") == "CreateUser"
    assert Origins(catalogue()).of("cloudwatch").source == "monitoring.amazonaws.com"
    assert type_of("arn:aws:sqs:x:1:q") == "AWS::SQS::Queue"
    assert type_of("arn:aws:iam::1:role/a/b") == "AWS::IAM::Role"
    assert event_id("a", "1") == event_id("a", "1") != event_id("a", "2")
    assert event_id("a", "1")[14] == "5"


def test_read_only_by_the_access_level_of_the_action() -> None:
    for service, operation, declared, expected in (
        ("sqs", "ReceiveMessage", False, True),
        ("iam", "GetUser", True, True),
        ("sts", "AssumeRole", True, True),
        ("s3", "PutObject", False, False),
    ):
        made = record(service=service, operation=operation, read_only=declared)
        assert shown(made)["readOnly"] is expected, operation


words = some.sampled_from(["orders", "bills", "ord", "ers"])
OPERATORS = ("equals", "starts_with", "ends_with", "not_equals", "not_starts_with", "not_ends_with")


@given(operator=some.sampled_from(OPERATORS), values=some.sets(words, min_size=1), name=words)
def test_an_operator_and_its_negation_never_agree(
    operator: str, values: set[str], name: str
) -> None:
    facts = Facts(True, "x", name, False, "AwsApiCall", "", "", ())

    def takes(which: str) -> bool:
        condition = Condition("eventName", **{which: tuple(values)})
        return selected(facts, (), (AdvancedSelector((condition,)),))

    opposite = operator[4:] if operator.startswith("not_") else f"not_{operator}"
    assert takes(operator) is not takes(opposite)
