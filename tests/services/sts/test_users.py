"""Sessions of users, root sessions, tokens, and the small questions."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from tests.services.sts.support import (
    ACCOUNT,
    ALLOW,
    OTHER,
    document,
    refusal,
    role,
    trusting,
    user,
)

from mesocosm.services.sts.resources import signing_keys
from mesocosm.services.sts.rules import jwt
from mesocosm.testing.local import LocalCloud

INVALID = ("InvalidClientTokenId", "The security token included in the request is invalid")


# -- GetSessionToken ---------------------------------------------------------------------------


def test_a_session_of_a_user_is_the_user_but_for_iam_and_sts(cloud: LocalCloud) -> None:
    keys = user(cloud, ALLOW)
    made = cloud.client("sts", credentials=keys).get_session_token()["Credentials"]
    sts = cloud.client("sts", credentials=made)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    cloud.client("sqs", credentials=made).list_queues()
    assert refusal(cloud.client("iam", credentials=made).list_users) == INVALID
    assert refusal(sts.get_session_token) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )
    assert refusal(sts.get_federation_token, Name="bob")[0] == "AccessDenied"
    sts.assume_role(RoleArn=role(cloud, trusting(), ALLOW), RoleSessionName="work")


def test_with_mfa_a_session_may_call_iam(cloud: LocalCloud) -> None:
    from mesocosm.services.iam.rules import totp

    iam = cloud.client("iam", account=ACCOUNT)
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    keys = user(cloud, {**ALLOW, "Condition": condition})
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]

    def code(after: int = 0) -> str:
        import base64

        step = totp.step_at(cloud.world.clock.now()) + after
        return totp.code(base64.b32decode(seed), step)

    iam.enable_mfa_device(
        UserName="ann",
        SerialNumber=serial,
        AuthenticationCode1=code(-1),
        AuthenticationCode2=code(),
    )
    cloud.advance(60)
    sts = cloud.client("sts", credentials=keys)
    wrong = "000000" if code() != "000000" else "000001"
    assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode=wrong)[0] == (
        "AccessDenied"
    )
    assert refusal(cloud.client("iam", credentials=keys).list_users)[0] == "AccessDenied"
    made = sts.get_session_token(SerialNumber=serial, TokenCode=code())["Credentials"]
    cloud.client("iam", credentials=made).list_users()
    cloud.advance(60)
    assume = {
        "RoleArn": role(cloud, trusting(Condition=condition), ALLOW),
        "RoleSessionName": "work",
    }
    shown = {"SerialNumber": serial, "TokenCode": code()}
    sts.assume_role(**assume, **shown)
    assert refusal(sts.assume_role, **assume, **shown) == (
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    )


def test_the_root_users_session_lasts_an_hour(cloud: LocalCloud) -> None:
    root = cloud.client("sts", account=ACCOUNT)
    made = root.get_session_token(DurationSeconds=43_200)["Credentials"]
    left = made["Expiration"].timestamp() - cloud.world.clock.now()
    assert 3_590 < left <= 3_600
    sqs = cloud.client("sqs", credentials=made)
    sqs.list_queues()
    cloud.advance(3_601)
    assert refusal(sqs.list_queues)[0].startswith("ExpiredToken")


# -- GetFederationToken ------------------------------------------------------------------------


def test_a_federated_user_may_do_what_user_and_policy_allow(cloud: LocalCloud) -> None:
    keys = user(cloud, {"Effect": "Allow", "Action": ["sqs:*", "sts:*"], "Resource": "*"})
    sts = cloud.client("sts", credentials=keys)
    policy = document(
        {"Effect": "Allow", "Action": ["sqs:ListQueues", "organizations:*"], "Resource": "*"}
    )
    found = sts.get_federation_token(Name="bob", Policy=policy)
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    assert found["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:bob", "Arn": arn}
    made = found["Credentials"]
    bob = cloud.client("sts", credentials=made)
    assert bob.get_caller_identity()["Arn"] == arn
    cloud.client("sqs", credentials=made).list_queues()
    denied = refusal(cloud.client("sqs", credentials=made).create_queue, QueueName="q")
    assert denied[0].endswith("AccessDenied")
    assert (
        refusal(cloud.client("organizations", credentials=made).list_roots)[0]
        == "AccessDeniedException"
    )
    assert refusal(cloud.client("iam", credentials=made).list_users) == INVALID
    arn = role(cloud, trusting(), ALLOW)
    assert refusal(bob.assume_role, RoleArn=arn, RoleSessionName="work") == (
        "AccessDenied",
        "Cannot call AssumeRole with session credentials",
    )
    nothing = sts.get_federation_token(Name="eve")["Credentials"]
    assert refusal(cloud.client("sqs", credentials=nothing).list_queues)[0].endswith("AccessDenied")


# -- small questions ---------------------------------------------------------------------------


def test_who_one_is_is_told_even_against_a_deny(cloud: LocalCloud) -> None:
    keys = user(cloud, {**ALLOW, "Effect": "Deny"})
    sts = cloud.client("sts", credentials=keys)
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    assert refusal(sts.get_access_key_info, AccessKeyId=keys["AccessKeyId"])[0] == "AccessDenied"


def test_whose_a_key_is(cloud: LocalCloud) -> None:
    keys = user(cloud)
    root = cloud.client("sts", account=OTHER)
    assert root.get_access_key_info(AccessKeyId=keys["AccessKeyId"])["Account"] == ACCOUNT
    session = root.get_session_token()["Credentials"]
    assert root.get_access_key_info(AccessKeyId=session["AccessKeyId"])["Account"] == OTHER
    assert refusal(root.get_access_key_info, AccessKeyId="AKIAAAAAAAAAAAAAAAAA")[0] == (
        "ValidationError"
    )


def test_a_message_that_is_none_cannot_be_decoded(cloud: LocalCloud) -> None:
    root = cloud.client("sts", account=ACCOUNT)
    assert refusal(root.decode_authorization_message, EncodedMessage="text")[0] == (
        "InvalidAuthorizationMessageException"
    )


def test_what_is_not_there_says_so(cloud: LocalCloud) -> None:
    root = cloud.client("sts", account=ACCOUNT)
    assert refusal(root.get_delegated_access_token, TradeInToken="text") == (
        "NotImplemented",
        "sts:GetDelegatedAccessToken is not implemented.",
    )


# -- AssumeRoot --------------------------------------------------------------------------------


def test_a_root_session_unlocks_a_queue_of_a_member(cloud: LocalCloud) -> None:
    management = cloud.client("organizations", account=ACCOUNT)
    management.create_organization()
    invited = management.invite_account_to_organization(Target={"Id": OTHER, "Type": "ACCOUNT"})
    cloud.client("organizations", account=OTHER).accept_handshake(
        HandshakeId=invited["Handshake"]["Id"]
    )
    queues = cloud.client("sqs", account=OTHER)
    url = queues.create_queue(QueueName="locked")["QueueUrl"]
    sts = cloud.client("sts", credentials=user(cloud, ALLOW))
    task = {"arn": "arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy"}
    wanted = {"TargetPrincipal": OTHER, "TaskPolicyArn": task}
    assert refusal(sts.assume_root, **wanted)[0] == "AccessDenied"
    management.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    cloud.client("iam", account=ACCOUNT).enable_organizations_root_sessions()
    made = sts.assume_root(**wanted)["Credentials"]
    assert made["Expiration"].timestamp() - cloud.world.clock.now() <= 900
    root = cloud.client("sqs", credentials=made)
    root.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert refusal(root.send_message, QueueUrl=url, MessageBody="x")[0].endswith("AccessDenied")
    assert refusal(sts.assume_root, **{**wanted, "TargetPrincipal": ACCOUNT})[0] == "AccessDenied"
    assert (
        refusal(
            sts.assume_root,
            TargetPrincipal=OTHER,
            TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        )[0]
        == "ValidationError"
    )
    limited = cloud.client("sts", credentials=user(cloud, account=OTHER))
    assert refusal(limited.assume_root, **wanted)[0] == "AccessDenied"


# -- GetWebIdentityToken -----------------------------------------------------------------------


def test_a_token_tells_others_who_the_caller_is(cloud: LocalCloud) -> None:
    keys = user(cloud, ALLOW)
    sts = cloud.client("sts", credentials=keys)
    asked: dict[str, Any] = {"Audience": ["shop"], "SigningAlgorithm": "ES384"}
    assert refusal(sts.get_web_identity_token, **asked)[0] == (
        "OutboundWebIdentityFederationDisabledException"
    )
    iam = cloud.client("iam", account=ACCOUNT)
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    for algorithm in ("ES384", "RS256"):
        asked["SigningAlgorithm"] = algorithm
        found = sts.get_web_identity_token(**asked, Tags=[{"Key": "a", "Value": "b"}])
        token = jwt.read(found["WebIdentityToken"])
        row = cloud.world.rows(signing_keys, ACCOUNT, "aws-global")[algorithm]
        key: Any = serialization.load_pem_private_key(row.pem, None).public_key()
        assert (token.key_id, token.algorithm) == (row.id, algorithm)
        assert jwt.verified(token, key)
        assert not jwt.verified(token._replace(signed=token.signed + b"x"), key)
        assert token.claims["iss"] == issuer
        assert token.claims["aud"] == "shop"
        assert token.claims["sub"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
        assert token.claims["exp"] - token.claims["iat"] == 300
        own = token.claims["https://sts.amazonaws.com/"]
        assert own["request_tags"] == {"a": "b"}
        assert own["principal_tags"] == {"team": "blue"}
    assert json.dumps(token.claims)
    short = sts.get_session_token(DurationSeconds=900)["Credentials"]
    made = sts.assume_role(
        RoleArn=role(cloud, trusting(), ALLOW), RoleSessionName="work", DurationSeconds=900
    )["Credentials"]
    assert (
        refusal(
            cloud.client("sts", credentials=made).get_web_identity_token,
            **asked,
            DurationSeconds=3_600,
        )[0]
        == "SessionDurationEscalationException"
    )
    assert (
        refusal(cloud.client("sts", credentials=short).get_web_identity_token, **asked)[0]
        == "AccessDenied"
    )
