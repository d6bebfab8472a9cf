"""Login profiles and the password policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.iam.support import ACCOUNT, policy, refusal

GOOD = "Correct-horse-1"


def test_a_login_profile_is_made_changed_and_deleted(iam: Any) -> None:
    iam.create_user(UserName="u")
    assert refusal(iam.get_login_profile, UserName="u") == (
        "NoSuchEntity",
        "Login Profile for User u cannot be found.",
    )
    made = iam.create_login_profile(UserName="u", Password=GOOD, PasswordResetRequired=True)
    assert made["LoginProfile"]["PasswordResetRequired"] is True
    assert refusal(iam.create_login_profile, UserName="u", Password=GOOD) == (
        "EntityAlreadyExists",
        "Login Profile for user u already exists.",
    )
    iam.update_login_profile(UserName="u", PasswordResetRequired=False)
    assert iam.get_login_profile(UserName="u")["LoginProfile"]["PasswordResetRequired"] is False
    iam.delete_login_profile(UserName="u")


@pytest.mark.parametrize("password", ["Short-1", "onlylowercase", ACCOUNT])
def test_the_default_policy_refuses_weak_passwords(iam: Any, password: str) -> None:
    iam.create_user(UserName="u")
    code, _ = refusal(iam.create_login_profile, UserName="u", Password=password)
    assert code == "PasswordPolicyViolation"


def test_the_account_sets_its_own_rules(iam: Any) -> None:
    assert refusal(iam.get_account_password_policy) == (
        "NoSuchEntity",
        f"The Password Policy with domain name {ACCOUNT} cannot be found.",
    )
    iam.update_account_password_policy(
        MinimumPasswordLength=12, RequireSymbols=True, MaxPasswordAge=90, PasswordReusePrevention=2
    )
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "MinimumPasswordLength": 12,
        "RequireSymbols": True,
        "RequireNumbers": False,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 2,
        "HardExpiry": False,
    }
    iam.create_user(UserName="u")
    make = iam.create_login_profile
    assert refusal(make, UserName="u", Password="short") == (
        "PasswordPolicyViolation",
        "Password should have a minimum length of 12",
    )
    assert refusal(make, UserName="u", Password="longenoughbutplain") == (
        "PasswordPolicyViolation",
        "Password should have at least one symbol",
    )
    iam.delete_account_password_policy()
    assert refusal(iam.delete_account_password_policy)[0] == "NoSuchEntity"


def test_a_user_changes_its_own_password(iam: Any, signed_in: Callable[..., Any]) -> None:
    iam.update_account_password_policy(PasswordReusePrevention=1)
    iam.create_user(UserName="u")
    iam.create_login_profile(UserName="u", Password=GOOD)
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:ChangePassword"))
    client = signed_in("u")
    assert refusal(client.change_password, OldPassword="wrong", NewPassword="Another-1")[0] == (
        "AccessDenied"
    )
    again = {"OldPassword": GOOD, "NewPassword": GOOD}
    assert refusal(client.change_password, **again)[0] == "PasswordPolicyViolation"
    client.change_password(OldPassword=GOOD, NewPassword="Another-1")
    client.change_password(OldPassword="Another-1", NewPassword="A-third-1")
    assert refusal(iam.change_password, **again)[0] == "InvalidUserType"
