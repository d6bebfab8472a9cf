"""Groups: members and what they get through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.services.iam.support import ARN, policy, refusal


def test_members_come_and_go(iam: Any) -> None:
    group = iam.create_group(GroupName="Devs", Path="/x/")["Group"]
    assert group["Arn"] == f"{ARN}:group/x/Devs"
    assert group["GroupId"].startswith("AGPA")
    iam.create_user(UserName="u")
    iam.add_user_to_group(GroupName="Devs", UserName="u")
    iam.add_user_to_group(GroupName="Devs", UserName="u")
    assert [row["UserName"] for row in iam.get_group(GroupName="Devs")["Users"]] == ["u"]
    assert iam.list_groups_for_user(UserName="u")["Groups"] == [group]
    iam.update_group(GroupName="Devs", NewGroupName="Ops")
    assert iam.list_groups_for_user(UserName="u")["Groups"][0]["GroupName"] == "Ops"
    assert refusal(iam.delete_group, GroupName="Ops") == (
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    )
    iam.remove_user_from_group(GroupName="Ops", UserName="u")
    iam.delete_group(GroupName="Ops")
    assert iam.list_groups()["Groups"] == []
    assert refusal(iam.get_group, GroupName="Ops") == (
        "NoSuchEntity",
        "The group with name Ops cannot be found.",
    )


def test_a_policy_of_the_group_acts_on_the_next_call(
    iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_group(GroupName="g")
    iam.create_user(UserName="u")
    client = signed_in("u")
    assert refusal(client.list_groups)[0] == "AccessDenied"
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=policy("iam:ListGroups"))
    iam.add_user_to_group(GroupName="g", UserName="u")
    assert len(client.list_groups()["Groups"]) == 1
    iam.remove_user_from_group(GroupName="g", UserName="u")
    assert refusal(client.list_groups)[0] == "AccessDenied"


def test_a_user_is_in_ten_groups_at_most(iam: Any) -> None:
    iam.create_user(UserName="u")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"g{number}", UserName="u")
    assert refusal(iam.add_user_to_group, GroupName="g10", UserName="u") == (
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
    )
