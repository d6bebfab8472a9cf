"""Handshakes, trusted access, delegated administrators, the delegation policy."""

from __future__ import annotations

from tests.services.organizations.support import (
    MANAGEMENT,
    OTHER,
    Org,
    administrator,
    code,
    deny,
    document,
    reason,
    refusal,
)

from mesocosm.testing.local import LocalCloud

DAY = 86_400


def invite(org: Org, name: str = OTHER, kind: str = "ACCOUNT") -> str:
    """An invitation; its id."""
    made = org.api.invite_account_to_organization(Target={"Id": name, "Type": kind}, Notes="hello")
    found: str = made["Handshake"]["Id"]
    return found


def state(org: Org, handshake: str) -> str:
    """The state of a handshake."""
    found: str = org.api.describe_handshake(HandshakeId=handshake)["Handshake"]["State"]
    return found


# -- invitations ----------------------------------------


def test_an_invited_account_accepts_and_is_limited_from_then_on(org: Org) -> None:
    org.enable()
    org.attach(deny("sqs:*"), org.root)
    name = invite(org)
    other = org.cloud.client("organizations", account=OTHER)
    seen = other.list_handshakes_for_account()["Handshakes"]
    assert [(row["Id"], row["State"], row["Action"]) for row in seen] == [(name, "OPEN", "INVITE")]
    assert seen[0]["Arn"] == (
        f"arn:aws:organizations::{MANAGEMENT}:handshake/{org.id}/invite/{name}"
    )
    assert seen[0]["Parties"][1] == {"Id": OTHER, "Type": "ACCOUNT"}
    queues = org.cloud.client("sqs", account=OTHER)
    queues.list_queues()
    other.accept_handshake(HandshakeId=name)
    assert code(queues.list_queues).endswith("AccessDenied")
    found = org.api.describe_account(AccountId=OTHER)["Account"]
    assert found["JoinedMethod"] == "INVITED"
    assert code(other.accept_handshake, HandshakeId=name) == "HandshakeAlreadyInStateException"
    assert code(org.api.cancel_handshake, HandshakeId=name) == (
        "InvalidHandshakeTransitionException"
    )
    org.cloud.advance(31 * DAY)
    assert code(org.api.describe_handshake, HandshakeId=name) == "HandshakeNotFoundException"


def test_an_invitation_is_declined_or_taken_back(org: Org) -> None:
    other = org.cloud.client("organizations", account=OTHER)
    name = invite(org)
    assert (
        code(org.api.invite_account_to_organization, Target={"Id": OTHER, "Type": "ACCOUNT"})
        == "DuplicateHandshakeException"
    )
    assert other.decline_handshake(HandshakeId=name)["Handshake"]["State"] == "DECLINED"
    name = invite(org)
    assert org.api.cancel_handshake(HandshakeId=name)["Handshake"]["State"] == "CANCELED"
    stranger = org.cloud.client("organizations", account="333333333333")
    assert code(stranger.describe_handshake, HandshakeId=name) == "HandshakeNotFoundException"
    assert code(org.api.accept_handshake, HandshakeId=name) == "AccessDeniedException"


def test_an_invitation_expires_after_fifteen_days(org: Org) -> None:
    name = invite(org)
    org.cloud.advance(15 * DAY - 60)
    assert state(org, name) == "OPEN"
    org.cloud.advance(120)
    assert state(org, name) == "EXPIRED"
    other = org.cloud.client("organizations", account=OTHER)
    assert code(other.accept_handshake, HandshakeId=name) == "InvalidHandshakeTransitionException"


def test_an_account_is_invited_by_its_address(org: Org) -> None:
    account = org.account()
    org.cloud.advance(8 * DAY)
    org.api.remove_account_from_organization(AccountId=account)
    name = invite(org, "dev@example.org", "EMAIL")
    org.cloud.client("organizations", account=account).accept_handshake(HandshakeId=name)
    assert len(org.api.list_accounts()["Accounts"]) == 2


def test_only_an_administrator_of_the_invited_account_may_accept(org: Org) -> None:
    name = invite(org)
    iam = org.cloud.client("iam", account=OTHER)
    keys = administrator(org.cloud, OTHER)
    iam.put_user_policy(UserName="admin", PolicyName="no", PolicyDocument=deny("organizations:*"))
    refused = org.cloud.client("organizations", credentials=keys)
    assert code(refused.accept_handshake, HandshakeId=name) == "AccessDeniedException"
    iam.delete_user_policy(UserName="admin", PolicyName="no")
    refused.accept_handshake(HandshakeId=name)


def test_an_account_belongs_to_one_organization(org: Org) -> None:
    org.invited()
    third = org.cloud.client("organizations", account="333333333333")
    third.create_organization()
    name = third.invite_account_to_organization(Target={"Id": OTHER, "Type": "ACCOUNT"})
    other = org.cloud.client("organizations", account=OTHER)
    assert reason(other.accept_handshake, HandshakeId=name["Handshake"]["Id"]) == (
        "HandshakeConstraintViolationException",
        "ALREADY_IN_AN_ORGANIZATION",
    )


def test_all_features_are_enabled_when_every_invited_account_has_approved(
    cloud: LocalCloud,
) -> None:
    org = Org(cloud, "CONSOLIDATED_BILLING")
    other = org.invited()
    assert (
        code(org.api.enable_policy_type, RootId=org.root, PolicyType="SERVICE_CONTROL_POLICY")
        == "PolicyTypeNotAvailableForOrganizationException"
    )
    main = org.api.enable_all_features()["Handshake"]
    assert main["State"] == "REQUESTED"
    assert reason(org.api.enable_all_features)[1] == (
        "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION"
    )
    assert (
        reason(
            org.api.invite_account_to_organization, Target={"Id": "333333333333", "Type": "ACCOUNT"}
        )[1]
        == "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES"
    )
    assert (
        code(org.api.accept_handshake, HandshakeId=main["Id"])
        == "InvalidHandshakeTransitionException"
    )
    approval = other.list_handshakes_for_account(Filter={"ActionType": "APPROVE_ALL_FEATURES"})
    other.accept_handshake(HandshakeId=approval["Handshakes"][0]["Id"])
    assert state(org, main["Id"]) == "OPEN"
    org.api.accept_handshake(HandshakeId=main["Id"])
    assert org.api.describe_organization()["Organization"]["FeatureSet"] == "ALL"
    org.enable()


# -- trusted access and delegated administrators ----------------------------------------


def test_services_are_trusted(org: Org) -> None:
    org.api.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    found = org.api.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [row["ServicePrincipal"] for row in found] == ["cloudtrail.amazonaws.com"]
    org.api.disable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    assert not org.api.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert reason(org.api.enable_aws_service_access, ServicePrincipal="nobody") == (
        "InvalidInputException",
        "UNRECOGNIZED_SERVICE_PRINCIPAL",
    )


def test_a_delegated_administrator_reads_and_does_not_write(org: Org) -> None:
    other = org.invited()
    named = {"AccountId": OTHER, "ServicePrincipal": "config.amazonaws.com"}
    assert code(other.list_accounts) == "AccessDeniedException"
    org.api.register_delegated_administrator(**named)
    assert (
        code(org.api.register_delegated_administrator, **named)
        == "AccountAlreadyRegisteredException"
    )
    assert len(other.list_accounts()["Accounts"]) == 2
    assert other.describe_account(AccountId=MANAGEMENT)["Account"]["Id"] == MANAGEMENT
    assert other.list_parents(ChildId=OTHER)["Parents"][0]["Id"] == org.root
    assert (
        code(other.create_organizational_unit, ParentId=org.root, Name="x")
        == "AccessDeniedException"
    )
    held = org.api.list_delegated_services_for_account(AccountId=OTHER)["DelegatedServices"]
    assert [row["ServicePrincipal"] for row in held] == ["config.amazonaws.com"]
    found = org.api.list_delegated_administrators()["DelegatedAdministrators"]
    assert [row["Id"] for row in found] == [OTHER]
    assert reason(org.api.remove_account_from_organization, AccountId=OTHER)[1] == (
        "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    )
    assert (
        reason(org.api.disable_aws_service_access, ServicePrincipal="config.amazonaws.com")[1]
        == "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"
    )
    org.api.deregister_delegated_administrator(**named)
    assert code(other.list_accounts) == "AccessDeniedException"
    assert (
        reason(
            org.api.register_delegated_administrator,
            AccountId=MANAGEMENT,
            ServicePrincipal="config.amazonaws.com",
        )[1]
        == "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"
    )


def test_the_delegation_policy_lets_a_member_manage_policies(org: Org) -> None:
    other = org.invited()
    unit = org.unit("a")
    org.enable()
    made = {"Content": deny("s3:*"), "Name": "n", "Description": ""}
    assert (
        code(other.create_policy, Type="SERVICE_CONTROL_POLICY", **made) == "AccessDeniedException"
    )
    assert code(org.api.describe_resource_policy) == "ResourcePolicyNotFoundException"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": [
            "organizations:CreatePolicy",
            "organizations:AttachPolicy",
            "organizations:List*",
        ],
        "Resource": "*",
        "Condition": {"StringLikeIfExists": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}},
    }
    found = org.api.put_resource_policy(Content=document(statement))["ResourcePolicy"]
    assert found["ResourcePolicySummary"]["Arn"].startswith(
        f"arn:aws:organizations::{MANAGEMENT}:resourcepolicy/{org.id}/rp-"
    )
    policy = other.create_policy(Type="SERVICE_CONTROL_POLICY", **made)["Policy"]
    other.attach_policy(PolicyId=policy["PolicySummary"]["Id"], TargetId=unit)
    assert len(other.list_accounts()["Accounts"]) == 2
    refused, message = refusal(other.create_policy, Type="TAG_POLICY", **made)
    assert refused == "AccessDeniedException"
    assert "organizations:CreatePolicy" in message
    assert code(other.delete_policy, PolicyId=policy["PolicySummary"]["Id"]) == (
        "AccessDeniedException"
    )
    org.api.delete_resource_policy()
    assert code(other.list_accounts) == "AccessDeniedException"
