"""Secrets: names, tags, lists, deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.secretsmanager.support import DAY, TOKENS, refusal

from mesocosm.testing.local import LocalCloud

MARKED = "You can't perform this operation on the secret because it was marked for deletion."


@pytest.mark.parametrize("name", ["with space", "ä", "a:b", "a,b"])
def test_names_that_a_secret_cannot_have(secretsmanager: Any, name: str) -> None:
    assert refusal(secretsmanager.create_secret, Name=name) == (
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
        "following: -/_+=.@!",
    )


def test_a_secret_shows_what_it_has(secretsmanager: Any) -> None:
    tags = [{"Key": "team", "Value": "a"}]
    arn = secretsmanager.create_secret(
        Name="s", Description="d", Tags=tags, SecretString="x", ClientRequestToken=TOKENS[0]
    )["ARN"]
    found = secretsmanager.describe_secret(SecretId="s")
    del found["ResponseMetadata"]
    assert found.pop("CreatedDate") == found.pop("LastChangedDate")
    assert found == {
        "ARN": arn,
        "Name": "s",
        "Description": "d",
        "Tags": tags,
        "VersionIdsToStages": {TOKENS[0]: ["AWSCURRENT"]},
    }


def test_tags(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", Tags=[{"Key": "a", "Value": "1"}])
    secretsmanager.tag_resource(SecretId="s", Tags=[{"Key": "b", "Value": "2"}])
    secretsmanager.untag_resource(SecretId="s", TagKeys=["a", "absent"])
    assert secretsmanager.describe_secret(SecretId="s")["Tags"] == [{"Key": "b", "Value": "2"}]
    code, _ = refusal(
        secretsmanager.tag_resource, SecretId="s", Tags=[{"Key": "aws:x", "Value": ""}]
    )
    assert code == "InvalidParameterException"


def test_a_deletion_has_a_window_and_can_be_taken_back(
    cloud: LocalCloud, secretsmanager: Any
) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x")
    done = secretsmanager.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert abs(done["DeletionDate"].timestamp() - cloud.now() - 7 * DAY) < 60
    marked = ("InvalidRequestException", MARKED)
    assert refusal(secretsmanager.get_secret_value, SecretId="s") == marked
    assert refusal(secretsmanager.put_secret_value, SecretId="s", SecretString="y") == marked
    assert refusal(secretsmanager.get_resource_policy, SecretId="s") == marked
    assert refusal(secretsmanager.delete_secret, SecretId="s") == (
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was already scheduled for "
        "deletion.",
    )
    assert refusal(secretsmanager.create_secret, Name="s") == (
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for "
        "deletion.",
    )
    assert "DeletedDate" in secretsmanager.describe_secret(SecretId="s")
    assert secretsmanager.list_secrets()["SecretList"] == []
    assert len(secretsmanager.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    secretsmanager.restore_secret(SecretId="s")
    cloud.advance(8 * DAY)
    assert secretsmanager.get_secret_value(SecretId="s")["SecretString"] == "x"


def test_the_window_ends_by_the_clock(cloud: LocalCloud, secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x")
    secretsmanager.delete_secret(SecretId="s")
    cloud.advance(30 * DAY - 60)
    secretsmanager.describe_secret(SecretId="s")
    cloud.advance(61)
    code, _ = refusal(secretsmanager.describe_secret, SecretId="s")
    assert code == "ResourceNotFoundException"
    secretsmanager.create_secret(Name="s", SecretString="y")


def test_deleting_at_once(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x")
    delete = secretsmanager.delete_secret
    assert refusal(
        delete, SecretId="s", ForceDeleteWithoutRecovery=True, RecoveryWindowInDays=7
    ) == (
        "InvalidParameterException",
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    )
    for days in (6, 31):
        assert refusal(delete, SecretId="s", RecoveryWindowInDays=days) == (
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        )
    delete(SecretId="s")
    delete(SecretId="s", ForceDeleteWithoutRecovery=True)
    secretsmanager.create_secret(Name="s")
    delete(SecretId="absent", ForceDeleteWithoutRecovery=True)
    assert refusal(delete, SecretId="absent")[0] == "ResourceNotFoundException"


def names(found: dict[str, Any]) -> list[str]:
    return [one["Name"] for one in found["SecretList"]]


@pytest.fixture
def three(cloud: LocalCloud, secretsmanager: Any) -> Any:
    """Three secrets, made one minute after the other."""
    for name, description, team in (
        ("prod/db", "Main Database", "blue"),
        ("prod/api", "Key of the API", "red"),
        ("test/db", "main playground", "blue"),
    ):
        secretsmanager.create_secret(
            Name=name,
            Description=description,
            Tags=[{"Key": "team", "Value": team}],
            SecretString=name,
        )
        cloud.advance(60)
    return secretsmanager


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("name", ["prod/"], {"prod/db", "prod/api"}),
        ("name", ["PROD/"], set()),
        ("name", ["!prod/"], {"test/db"}),
        ("name", ["prod/", "!prod/a"], {"prod/db"}),
        ("description", ["MAIN"], {"prod/db", "test/db"}),
        ("tag-key", ["te"], {"prod/db", "prod/api", "test/db"}),
        ("tag-value", ["red", "green"], {"prod/api"}),
        ("all", ["MAIN blue"], {"prod/db", "test/db"}),
        ("primary-region", ["us"], set()),
    ],
)
def test_filters(three: Any, key: str, values: list[str], expected: set[str]) -> None:
    found = three.list_secrets(Filters=[{"Key": key, "Values": values}])
    assert set(names(found)) == expected


def test_order_and_pages(three: Any) -> None:
    assert names(three.list_secrets()) == ["test/db", "prod/api", "prod/db"]
    assert names(three.list_secrets(SortOrder="asc"))[0] == "prod/db"
    by_name = three.list_secrets(SortBy="name", SortOrder="asc", MaxResults=2)
    assert names(by_name) == ["prod/api", "prod/db"]
    token = by_name["NextToken"]
    rest = three.list_secrets(SortBy="name", SortOrder="asc", MaxResults=2, NextToken=token)
    assert names(rest) == ["test/db"]
    assert "NextToken" not in rest
    assert refusal(three.list_secrets, NextToken="bad")[0] == "InvalidNextTokenException"


def test_many_values_at_once(three: Any) -> None:
    found = three.batch_get_secret_value(SecretIdList=["prod/db", "absent"])
    assert [one["SecretString"] for one in found["SecretValues"]] == ["prod/db"]
    assert found["Errors"] == [
        {
            "SecretId": "absent",
            "ErrorCode": "ResourceNotFoundException",
            "Message": "Secrets Manager can't find the specified secret.",
        }
    ]
    filters = [{"Key": "name", "Values": ["prod/"]}]
    found = three.batch_get_secret_value(Filters=filters, MaxResults=1)
    assert [one["Name"] for one in found["SecretValues"]] == ["prod/api"]
    found = three.batch_get_secret_value(Filters=filters, NextToken=found["NextToken"])
    assert [one["Name"] for one in found["SecretValues"]] == ["prod/db"]
    code, _ = refusal(three.batch_get_secret_value, Filters=filters, SecretIdList=["prod/db"])
    assert code == "InvalidParameterException"


def test_each_account_and_region_has_its_own(
    secretsmanager: Any, client: Callable[..., Any]
) -> None:
    arn = secretsmanager.create_secret(Name="s", SecretString="x")["ARN"]
    assert names(client("secretsmanager", region="eu-west-1").list_secrets()) == []
    other = client("secretsmanager", account="222222222222")
    assert refusal(other.get_secret_value, SecretId=arn)[0] == "AccessDeniedException"
    other.create_secret(Name="s")
