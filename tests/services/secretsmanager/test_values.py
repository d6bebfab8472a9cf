"""Values, versions and staging labels."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.secretsmanager.support import DAY, TOKENS, refusal, stages

from mesocosm.testing.local import LocalCloud


def test_a_value_is_read_back_as_it_was_given(secretsmanager: Any) -> None:
    made = secretsmanager.create_secret(
        Name="app/db", SecretString="s3cret", ClientRequestToken=TOKENS[0]
    )
    assert made["VersionId"] == TOKENS[0]
    found = secretsmanager.get_secret_value(SecretId="app/db")
    assert found["ARN"] == made["ARN"]
    assert found["SecretString"] == "s3cret"
    assert found["VersionStages"] == ["AWSCURRENT"]
    assert "SecretBinary" not in found
    secretsmanager.put_secret_value(SecretId="app/db", SecretBinary=b"\x00\xff")
    found = secretsmanager.get_secret_value(SecretId=made["ARN"])
    assert found["SecretBinary"] == b"\x00\xff"
    previous = secretsmanager.get_secret_value(SecretId="app/db", VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "s3cret"


def test_a_secret_is_found_by_name_arn_and_partial_arn(secretsmanager: Any) -> None:
    arn = secretsmanager.create_secret(Name="a-b", SecretString="x")["ARN"]
    assert arn[:-6] == "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-b-"
    for name in ("a-b", arn, arn[:-7]):
        assert secretsmanager.get_secret_value(SecretId=name)["ARN"] == arn
    missing = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    for name in ("a", arn[:-1], arn.replace("us-east-1", "eu-west-1"), arn[:-6]):
        assert refusal(secretsmanager.get_secret_value, SecretId=name) == missing


def test_a_value_that_is_not_there(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s")
    code = "ResourceNotFoundException"
    assert refusal(secretsmanager.get_secret_value, SecretId="s") == (
        code,
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )
    assert refusal(secretsmanager.get_secret_value, SecretId="s", VersionId=TOKENS[1]) == (
        code,
        f"Secrets Manager can't find the specified secret value for VersionId: {TOKENS[1]}",
    )
    secretsmanager.put_secret_value(SecretId="s", SecretString="a", ClientRequestToken=TOKENS[0])
    assert refusal(
        secretsmanager.get_secret_value,
        SecretId="s",
        VersionId=TOKENS[0],
        VersionStage="AWSPREVIOUS",
    ) == (
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    )


def test_labels_move_and_awsprevious_follows(secretsmanager: Any) -> None:
    create, put = secretsmanager.create_secret, secretsmanager.put_secret_value
    create(Name="s", SecretString="0", ClientRequestToken=TOKENS[0])
    put(SecretId="s", SecretString="1", ClientRequestToken=TOKENS[1])
    assert stages(secretsmanager, "s") == {TOKENS[0]: ["AWSPREVIOUS"], TOKENS[1]: ["AWSCURRENT"]}
    put(
        SecretId="s",
        SecretString="2",
        ClientRequestToken=TOKENS[2],
        VersionStages=["AWSPENDING", "green"],
    )
    assert stages(secretsmanager, "s") == {
        TOKENS[0]: ["AWSPREVIOUS"],
        TOKENS[1]: ["AWSCURRENT"],
        TOKENS[2]: ["AWSPENDING", "green"],
    }
    move = secretsmanager.update_secret_version_stage
    assert refusal(move, SecretId="s", VersionStage="AWSCURRENT", MoveToVersionId=TOKENS[2]) == (
        "InvalidParameterException",
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently "
        f"attached to version {TOKENS[1]}, so you must explicitly reference that version in "
        "RemoveFromVersionId.",
    )
    move(
        SecretId="s",
        VersionStage="AWSCURRENT",
        MoveToVersionId=TOKENS[2],
        RemoveFromVersionId=TOKENS[1],
    )
    assert stages(secretsmanager, "s") == {
        TOKENS[1]: ["AWSPREVIOUS"],
        TOKENS[2]: ["AWSPENDING", "green", "AWSCURRENT"],
    }
    move(SecretId="s", VersionStage="green", RemoveFromVersionId=TOKENS[2])
    assert stages(secretsmanager, "s")[TOKENS[2]] == ["AWSPENDING", "AWSCURRENT"]
    assert refusal(
        move, SecretId="s", VersionStage="AWSCURRENT", RemoveFromVersionId=TOKENS[2]
    ) == (
        "InvalidParameterException",
        "You can only move staging label AWSCURRENT to a different secret version. It can't be "
        "completely removed.",
    )
    ids = secretsmanager.list_secret_version_ids(SecretId="s")["Versions"]
    assert {one["VersionId"] for one in ids} == {TOKENS[1], TOKENS[2]}
    ids = secretsmanager.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)["Versions"]
    assert len(ids) == 3


def test_a_token_makes_calls_idempotent(secretsmanager: Any) -> None:
    create, put = secretsmanager.create_secret, secretsmanager.put_secret_value
    first = create(Name="s", SecretString="0", ClientRequestToken=TOKENS[0])
    again = create(Name="s", SecretString="0", ClientRequestToken=TOKENS[0])
    assert first["ARN"] == again["ARN"]
    used = (
        "ResourceExistsException",
        f"You can't use ClientRequestToken {TOKENS[0]} because that value is already in use for a "
        f"version of secret {first['ARN']}.",
    )
    assert refusal(create, Name="s", SecretString="1", ClientRequestToken=TOKENS[0]) == used
    assert refusal(create, Name="s", SecretString="0", ClientRequestToken=TOKENS[1]) == (
        "ResourceExistsException",
        "The operation failed because the secret s already exists.",
    )
    put(SecretId="s", SecretString="0", ClientRequestToken=TOKENS[0])
    assert refusal(put, SecretId="s", SecretString="1", ClientRequestToken=TOKENS[0]) == used
    assert refusal(put, SecretId="s", SecretBinary=b"0", ClientRequestToken=TOKENS[0]) == used
    update = secretsmanager.update_secret
    assert refusal(update, SecretId="s", SecretString="0", ClientRequestToken=TOKENS[0]) == used
    assert stages(secretsmanager, "s") == {TOKENS[0]: ["AWSCURRENT"]}


def test_update_secret_changes_what_is_given(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="0", Description="before")
    done = secretsmanager.update_secret(SecretId="s", Description="after")
    assert "VersionId" not in done
    done = secretsmanager.update_secret(SecretId="s", SecretString="1")
    assert stages(secretsmanager, "s")[done["VersionId"]] == ["AWSCURRENT"]
    assert secretsmanager.describe_secret(SecretId="s")["Description"] == "after"


def test_what_a_value_cannot_be(secretsmanager: Any) -> None:
    both = {"SecretString": "a", "SecretBinary": b"b"}
    code, message = refusal(secretsmanager.create_secret, Name="s", **both)
    assert code == "InvalidParameterException"
    assert message.startswith("You can't specify both a binary secret value and a string")
    secretsmanager.create_secret(Name="s")
    assert refusal(secretsmanager.put_secret_value, SecretId="s") == (
        "InvalidRequestException",
        "You must provide either SecretString or SecretBinary.",
    )
    code, _ = refusal(secretsmanager.put_secret_value, SecretId="s", SecretString="x" * 65_537)
    assert code == "ValidationException"


def test_at_most_twenty_labels(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="0", ClientRequestToken=TOKENS[0])
    labels = [f"label{number}" for number in range(18)]
    put = secretsmanager.put_secret_value
    put(SecretId="s", SecretString="1", ClientRequestToken=TOKENS[1], VersionStages=labels)
    put(SecretId="s", SecretString="2", ClientRequestToken=TOKENS[2], VersionStages=["last"])
    code, _ = refusal(put, SecretId="s", SecretString="3", VersionStages=["beyond"])
    assert code == "LimitExceededException"


def test_outdated_versions_go_when_there_are_more_than_a_hundred(
    cloud: LocalCloud, secretsmanager: Any
) -> None:
    secretsmanager.create_secret(Name="s", SecretString="0", ClientRequestToken=TOKENS[0])
    for token in TOKENS[1:103]:
        secretsmanager.put_secret_value(SecretId="s", SecretString=token, ClientRequestToken=token)

    def ids() -> set[str]:
        listed = secretsmanager.list_secret_version_ids
        page = listed(SecretId="s", IncludeDeprecated=True)
        found = {one["VersionId"] for one in page["Versions"]}
        while "NextToken" in page:
            page = listed(SecretId="s", IncludeDeprecated=True, NextToken=page["NextToken"])
            found |= {one["VersionId"] for one in page["Versions"]}
        return found

    assert len(ids()) == 103  # none is a day old
    cloud.advance(DAY)
    secretsmanager.put_secret_value(SecretId="s", SecretString="x", ClientRequestToken=TOKENS[103])
    assert ids() == set(TOKENS[4:104])


def test_the_day_of_the_last_access_is_kept(cloud: LocalCloud, secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="0")
    assert "LastAccessedDate" not in secretsmanager.describe_secret(SecretId="s")
    secretsmanager.get_secret_value(SecretId="s")
    first = secretsmanager.describe_secret(SecretId="s")["LastAccessedDate"].timestamp()
    assert first % DAY == 0
    cloud.advance(DAY)
    secretsmanager.get_secret_value(SecretId="s")
    second = secretsmanager.describe_secret(SecretId="s")["LastAccessedDate"].timestamp()
    assert second == first + DAY


@pytest.mark.parametrize(
    ("options", "without"),
    [
        ({}, " "),
        ({"ExcludeNumbers": True}, "0123456789"),
        ({"ExcludePunctuation": True}, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ({"ExcludeUppercase": True, "ExcludeLowercase": True}, "abcXYZ"),
        ({"ExcludeCharacters": "aeiou"}, "aeiou"),
    ],
)
def test_passwords(secretsmanager: Any, options: dict[str, Any], without: str) -> None:
    password = secretsmanager.get_random_password(PasswordLength=300, **options)["RandomPassword"]
    assert len(password) == 300
    assert not set(password) & set(without)
    assert password != secretsmanager.get_random_password(PasswordLength=300)["RandomPassword"]


def test_a_password_has_each_kind_of_character(secretsmanager: Any) -> None:
    make = secretsmanager.get_random_password
    assert len(make()["RandomPassword"]) == 32
    for _ in range(5):
        password = make(PasswordLength=5, IncludeSpace=True)["RandomPassword"]
        kinds = [str.islower, str.isupper, str.isdigit, str.isspace]
        assert all(any(kind(one) for one in password) for kind in kinds)
    code, _ = refusal(make, PasswordLength=3)
    assert code == "InvalidParameterException"
    kinds = ["ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase", "ExcludeLowercase"]
    code, _ = refusal(make, **dict.fromkeys(kinds, True))
    assert code == "InvalidParameterException"
