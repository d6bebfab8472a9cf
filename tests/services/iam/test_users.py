"""Users: names, paths, tags, deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.services.iam.support import ACCOUNT, ARN, policy, refusal, status

from mesocosm.testing.local import LocalCloud


def test_a_user_is_made_read_listed_and_deleted(iam: Any) -> None:
    made = iam.create_user(UserName="Bob", Path="/eng/", Tags=[{"Key": "Dept", "Value": "x"}])
    user = made["User"]
    assert user["Arn"] == f"{ARN}:user/eng/Bob"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", user["UserId"])
    assert user["CreateDate"].microsecond == 0
    assert iam.get_user(UserName="Bob")["User"] == user
    listed = iam.list_users()["Users"]
    assert [row["UserName"] for row in listed] == ["Bob"]
    assert "Tags" not in listed[0]
    iam.delete_user(UserName="Bob")
    assert refusal(iam.get_user, UserName="Bob") == (
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    )
    assert status(iam.get_user, UserName="Bob") == 404


def test_names_are_unique_without_regard_to_case(iam: Any) -> None:
    iam.create_user(UserName="Bob")
    assert refusal(iam.create_user, UserName="bob") == (
        "EntityAlreadyExists",
        "User with name bob already exists.",
    )
    assert status(iam.create_user, UserName="bob") == 409


def test_lists_come_in_pages_of_names_below_a_path(iam: Any) -> None:
    for number in range(7):
        iam.create_user(UserName=f"u{number}", Path="/a/" if number % 2 else "/b/")
    first = iam.list_users(MaxItems=3)
    assert [row["UserName"] for row in first["Users"]] == ["u0", "u1", "u2"]
    assert first["IsTruncated"] is True
    second = iam.list_users(MaxItems=10, Marker=first["Marker"])
    assert [row["UserName"] for row in second["Users"]] == ["u3", "u4", "u5", "u6"]
    assert second["IsTruncated"] is False
    assert "Marker" not in second
    below = iam.list_users(PathPrefix="/a/")["Users"]
    assert [row["UserName"] for row in below] == ["u1", "u3", "u5"]
    assert refusal(iam.list_users, Marker="nonsense")[0] == "ValidationError"


def test_a_renamed_user_keeps_what_it_has(iam: Any, signed_in: Callable[..., Any]) -> None:
    iam.create_user(UserName="old")
    iam.put_user_policy(UserName="old", PolicyName="p", PolicyDocument=policy("iam:GetUser"))
    before = signed_in("old")
    iam.update_user(UserName="old", NewUserName="new", NewPath="/moved/")
    user = before.get_user()["User"]
    assert user["Arn"] == f"{ARN}:user/moved/new"
    assert iam.list_access_keys(UserName="new")["AccessKeyMetadata"][0]["UserName"] == "new"
    assert refusal(iam.get_user, UserName="old")[0] == "NoSuchEntity"


def test_a_user_is_deleted_only_when_it_holds_nothing(iam: Any) -> None:
    iam.create_group(GroupName="g")
    iam.create_user(UserName="u")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("s3:*"))
    key = iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
    iam.create_login_profile(UserName="u", Password="Correct-horse-1")

    def why() -> str:
        code, message = refusal(iam.delete_user, UserName="u")
        assert code == "DeleteConflict"
        return message

    assert why() == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName="g", UserName="u")
    assert why() == "Cannot delete entity, must detach all policies first."
    iam.detach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert why() == "Cannot delete entity, must delete policies first."
    iam.delete_user_policy(UserName="u", PolicyName="p")
    assert why() == "Cannot delete entity, must delete access keys first."
    iam.delete_access_key(UserName="u", AccessKeyId=key)
    assert why() == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(UserName="u")
    iam.delete_user(UserName="u")


def test_tag_keys_are_one_regardless_of_case(iam: Any) -> None:
    iam.create_user(UserName="u", Tags=[{"Key": "Dept", "Value": "a"}])
    iam.tag_user(UserName="u", Tags=[{"Key": "dept", "Value": "b"}, {"Key": "X", "Value": ""}])
    assert iam.list_user_tags(UserName="u")["Tags"] == [
        {"Key": "X", "Value": ""},
        {"Key": "dept", "Value": "b"},
    ]
    iam.untag_user(UserName="u", TagKeys=["DEPT"])
    assert iam.list_user_tags(UserName="u")["Tags"] == [{"Key": "X", "Value": ""}]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refusal(iam.tag_user, UserName="u", Tags=twice) == (
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    reserved = [{"Key": "aws:x", "Value": "1"}]
    assert refusal(iam.tag_user, UserName="u", Tags=reserved)[0] == "InvalidInput"


def test_the_caller_is_meant_when_no_user_is_named(
    cloud: LocalCloud, iam: Any, signed_in: Callable[..., Any]
) -> None:
    root = iam.get_user()["User"]
    assert (root["UserId"], root["Arn"]) == (ACCOUNT, f"{ARN}:root")
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:GetUser"))
    assert signed_in("u").get_user()["User"]["UserName"] == "u"


def test_a_tag_on_the_user_decides(iam: Any, signed_in: Callable[..., Any]) -> None:
    allow = policy("iam:GetUser", Condition={"StringEquals": {"aws:ResourceTag/Team": "a"}})
    for name, team in (("a", "a"), ("b", "b")):
        iam.create_user(UserName=name, Tags=[{"Key": "Team", "Value": team}])
    iam.put_user_policy(UserName="a", PolicyName="p", PolicyDocument=allow)
    client = signed_in("a")
    assert client.get_user(UserName="a")["User"]["UserName"] == "a"
    assert refusal(client.get_user, UserName="b")[0] == "AccessDenied"


def test_tagging_at_creation_needs_its_own_permission(
    iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_user(UserName="admin")
    iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=policy("iam:CreateUser"))
    client = signed_in("admin")
    client.create_user(UserName="plain")
    code, message = refusal(
        client.create_user, UserName="tagged", Tags=[{"Key": "a", "Value": "b"}]
    )
    assert code == "AccessDenied"
    assert "iam:TagUser" in message
