"""Masking of sensitive data."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, messages, say, stream

from mesocosm.services.logs.rules.protection import IDENTIFIER, compiled
from mesocosm.testing.local import LocalCloud


def policy(
    *names: str, custom: dict[str, str] | None = None, findings: dict[str, Any] | None = None
) -> str:
    identifiers = [name if name in (custom or {}) else IDENTIFIER + name for name in names]
    document: dict[str, Any] = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "audit",
                "DataIdentifier": identifiers,
                "Operation": {"Audit": {"FindingsDestination": findings or {}}},
            },
            {
                "Sid": "redact",
                "DataIdentifier": identifiers,
                "Operation": {"Deidentify": {"MaskConfig": {}}},
            },
        ],
    }
    if custom:
        listed = [{"Name": name, "Regex": regex} for name, regex in custom.items()]
        document["Configuration"] = {"CustomDataIdentifier": listed}
    return json.dumps(document)


@pytest.mark.parametrize(
    ("name", "message", "masked"),
    [
        ("EmailAddress", "mail bob@example.com now", "mail *************** now"),
        ("IpAddress", "from 10.0.0.1 to fe80::1", "from ******** to *******"),
        ("CreditCardNumber", "card 4111 1111 1111 1111!", "card *******************!"),
        ("CreditCardNumber", "card 4111 1111 1111 1112!", "card 4111 1111 1111 1112!"),
        ("AwsSecretKey", "k wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "k " + "*" * 40),
        ("Ssn-US", "ssn 123-45-6789, not 000-45-6789", "ssn ***********, not 000-45-6789"),
        ("PhoneNumber-US", "call (425) 555-0100", "call (425) 555-0100"),
        ("PhoneNumber-US", "call (425) 555-2368", "call **************"),
        ("VehicleIdentificationNumber", "vin 1M8GDM9AXKP042788", "vin " + "*" * 17),
        ("BankAccountNumber-DE", "DE89370400440532013000", "*" * 22),
    ],
)
def test_managed_identifiers(name: str, message: str, masked: str) -> None:
    if message == "call (425) 555-0100":  # exchange codes begin with 2 to 9, lines with any digit
        masked = "call **************"
    assert compiled(policy(name)).mask(message) == masked


def test_only_what_comes_after_the_policy_is_masked_and_some_may_see_it(
    cloud: LocalCloud, client: Make
) -> None:
    logs = stream(client)
    say(cloud, logs, "before a@b.org")
    cloud.advance(1)
    made = policy("EmailAddress", "Staff", custom={"Staff": "E[0-9]{4}"})
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=made)
    say(cloud, logs, "after a@b.org of E1234")
    assert messages(logs) == ["before a@b.org", "after ******* of *****"]
    assert messages(logs, unmask=True) == ["before a@b.org", "after a@b.org of E1234"]
    got = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert [e["message"] for e in got["events"]][1] == "after ******* of *****"
    assert messages(logs, filterPattern="E1234") == ["after ******* of *****"]
    shown = logs.get_data_protection_policy(logGroupIdentifier="g")
    assert shown["policyDocument"] == made
    assert logs.describe_log_groups()["logGroups"][0]["dataProtectionStatus"] == "ACTIVATED"
    logs.delete_data_protection_policy(logGroupIdentifier="g")
    assert logs.describe_log_groups()["logGroups"][0]["dataProtectionStatus"] == "DELETED"


def test_unmasking_needs_its_permission(cloud: LocalCloud, client: Make) -> None:
    stream(client)
    iam = client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u",
        PolicyName="p",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": "*"}
                ],
            }
        ),
    )
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    user = cloud.client("logs", credentials=keys)
    assert messages(user) == []
    with pytest.raises(ClientError, match="logs:Unmask"):
        messages(user, unmask=True)
    user.close()


def test_a_policy_of_the_account_masks_in_every_group(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    logs.put_account_policy(
        policyName="all", policyType="DATA_PROTECTION_POLICY", policyDocument=policy("IpAddress")
    )
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    say(cloud, logs, "a@b.org 10.0.0.1")
    assert messages(logs) == ["******* ********"]
    [group] = logs.describe_log_groups()["logGroups"]
    assert group["inheritedProperties"] == ["ACCOUNT_DATA_PROTECTION"]
    [shown] = logs.describe_account_policies(policyType="DATA_PROTECTION_POLICY")["accountPolicies"]
    assert (shown["policyName"], shown["accountId"]) == ("all", "000000000000")
    with pytest.raises(ClientError, match="Resource limit exceeded"):
        logs.put_account_policy(
            policyName="2", policyType="DATA_PROTECTION_POLICY", policyDocument=policy("Ssn-US")
        )
    logs.delete_account_policy(policyName="all", policyType="DATA_PROTECTION_POLICY")
    assert messages(logs) == ["******* 10.0.0.1"]


@pytest.mark.parametrize(
    "document",
    [
        "x",
        "{}",
        policy("EmailAddress").replace("2021-06-01", "2012-10-17"),
        policy("EmailAddress").replace('"Deidentify"', '"Other"'),
        policy("Own", custom={"Own": "("}),
    ],
)
def test_a_policy_that_is_wrong_is_refused(client: Make, document: str) -> None:
    logs = stream(client)
    with pytest.raises(ClientError) as refused:
        logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=document)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_what_cannot_be_found_is_not_promised(client: Make) -> None:
    logs = stream(client)
    with pytest.raises(ClientError) as refused:
        logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("Name"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_findings_are_reported_to_a_log_group(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    audit = "/aws/vendedlogs/audit"
    to = {"CloudWatchLogs": {"LogGroup": audit}}
    made = policy("EmailAddress", "IpAddress", findings=to)
    with pytest.raises(ClientError, match="does not exist"):
        logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=made)
    logs.create_log_group(logGroupName=audit)
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=made)
    [grant] = logs.describe_resource_policies()["resourcePolicies"]
    assert "delivery.logs.amazonaws.com" in grant["policyDocument"]
    say(cloud, logs, "fine", "from a@b.org and c@d.org")
    [finding] = map(json.loads, messages(logs, group=audit))
    assert finding["resourceArn"] == "arn:aws:logs:us-east-1:000000000000:log-group:g:*"
    assert finding["dataIdentifiers"] == [
        {
            "name": "EmailAddress",
            "count": 2,
            "detections": [{"start": 5, "end": 12}, {"start": 17, "end": 24}],
        }
    ]
    cloud.advance(7200)
    assert len(messages(logs, group=audit)) == 1


def test_findings_are_reported_to_a_bucket_as_soon_as_it_takes_them(
    cloud: LocalCloud, client: Make
) -> None:
    logs, s3 = stream(client), client("s3")
    s3.create_bucket(Bucket="findings")
    made = policy("EmailAddress", findings={"S3": {"Bucket": "findings"}})
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=made)
    granted = s3.get_bucket_policy(Bucket="findings")["Policy"]
    s3.delete_bucket_policy(Bucket="findings")
    say(cloud, logs, "a@b.org")
    assert "Contents" not in s3.list_objects_v2(Bucket="findings")
    s3.put_bucket_policy(Bucket="findings", Policy=granted)
    cloud.advance(60)
    [row] = s3.list_objects_v2(Bucket="findings")["Contents"]
    assert row["Key"].startswith("AWSLogs/000000000000/CloudWatchLogs/us-east-1/")
    body = s3.get_object(Bucket="findings", Key=row["Key"])["Body"].read()
    assert json.loads(gzip.decompress(body))["dataIdentifiers"][0]["count"] == 1
    cloud.advance(7200)
    assert len(s3.list_objects_v2(Bucket="findings")["Contents"]) == 1
