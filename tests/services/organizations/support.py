"""What the tests of Organizations and of STS share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

MANAGEMENT = "111111111111"
OTHER = "222222222222"


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    error = fault(function, **arguments)["Error"]
    return error["Code"], error["Message"]


def code(function: Callable[..., Any], **arguments: Any) -> str:
    """The code of the error a call ends with."""
    return refusal(function, **arguments)[0]


def reason(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the reason of the error a call ends with."""
    found = fault(function, **arguments)
    return found["Error"]["Code"], found["Reason"]


def fault(function: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """The answer of a call that is refused."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    found: dict[str, Any] = dict(raised.value.response)
    return found


def document(*statements: dict[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(*actions: str, **more: Any) -> str:
    """A policy that denies actions on everything."""
    return document({"Effect": "Deny", "Action": list(actions), "Resource": "*", **more})


class Org:
    """An organization with all features, run by its management account's root user."""

    def __init__(self, cloud: LocalCloud, features: str = "ALL") -> None:
        self.cloud = cloud
        self.api = cloud.client("organizations", account=MANAGEMENT)
        self.id = self.api.create_organization(FeatureSet=features)["Organization"]["Id"]
        self.root = self.api.list_roots()["Roots"][0]["Id"]

    def enable(self, kind: str = "SERVICE_CONTROL_POLICY") -> None:
        """Enable a policy type."""
        self.api.enable_policy_type(RootId=self.root, PolicyType=kind)

    def unit(self, name: str, parent: str | None = None) -> str:
        """A new unit."""
        made = self.api.create_organizational_unit(ParentId=parent or self.root, Name=name)
        found: str = made["OrganizationalUnit"]["Id"]
        return found

    def account(self, name: str = "dev", **options: Any) -> str:
        """A new account, made while the clock advances."""
        asked = self.api.create_account(
            AccountName=name, Email=options.pop("email", f"{name}@example.org"), **options
        )["CreateAccountStatus"]
        assert asked["State"] == "IN_PROGRESS"
        self.cloud.advance(5)
        found = self.api.describe_create_account_status(CreateAccountRequestId=asked["Id"])
        status = found["CreateAccountStatus"]
        assert status["State"] == "SUCCEEDED", status
        made: str = status["AccountId"]
        return made

    def invited(self, account: str = OTHER) -> Any:
        """An account that joins by invitation; its client."""
        made = self.api.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})
        member = self.cloud.client("organizations", account=account)
        member.accept_handshake(HandshakeId=made["Handshake"]["Id"])
        return member

    def policy(
        self, content: str, name: str = "limits", kind: str = "SERVICE_CONTROL_POLICY"
    ) -> str:
        """A new policy."""
        made = self.api.create_policy(Content=content, Name=name, Description="", Type=kind)
        found: str = made["Policy"]["PolicySummary"]["Id"]
        return found

    def attach(self, content: str, target: str, kind: str = "SERVICE_CONTROL_POLICY") -> str:
        """A new policy, attached."""
        made = self.policy(content, f"p{self.cloud.world.clock.monotonic()}", kind)
        self.api.attach_policy(PolicyId=made, TargetId=target)
        return made


def administrator(cloud: LocalCloud, account: str, name: str = "admin") -> dict[str, str]:
    """Keys of a new user with AdministratorAccess."""
    iam = cloud.client("iam", account=account)
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
