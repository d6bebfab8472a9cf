"""AssumeRole: who may take a role on, for how long, under which tags and policies."""

from __future__ import annotations

from typing import Any

import pytest
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

from mesocosm.testing.local import LocalCloud

ASSUME = {"Effect": "Allow", "Action": ["sts:*"], "Resource": "*"}


@pytest.fixture
def ann(cloud: LocalCloud) -> Any:
    """The STS client of a user who may take roles on."""
    return cloud.client("sts", credentials=user(cloud, ASSUME))


def assume(sts: Any, arn: str, **options: Any) -> Any:
    """A session of a role."""
    return sts.assume_role(RoleArn=arn, RoleSessionName="work", **options)


def client(cloud: LocalCloud, service: str, assumed: Any) -> Any:
    """A client with the credentials of an answer."""
    return cloud.client(service, credentials=assumed["Credentials"])


def test_a_session_acts_as_the_role(cloud: LocalCloud, ann: Any) -> None:
    made = assume(ann, role(cloud, trusting(), ALLOW))
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/work"
    assert made["AssumedRoleUser"]["Arn"] == arn
    me = client(cloud, "sts", made).get_caller_identity()
    assert me["Arn"] == arn
    assert me["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]
    client(cloud, "iam", made).list_users()


def test_a_session_ends_when_its_time_is_up(cloud: LocalCloud, ann: Any) -> None:
    made = assume(ann, role(cloud, trusting(), ALLOW), DurationSeconds=900)
    session = client(cloud, "iam", made)
    cloud.advance(890)
    session.list_users()
    cloud.advance(20)
    assert refusal(session.list_users) == (
        "ExpiredToken",
        "The security token included in the request is expired",
    )


def test_a_wrong_token_is_refused(cloud: LocalCloud, ann: Any) -> None:
    keys = assume(ann, role(cloud, trusting(), ALLOW))["Credentials"]
    session = cloud.client("iam", credentials={**keys, "SessionToken": "wrong"})
    assert refusal(session.list_users)[0] == "InvalidClientTokenId"


def test_the_trust_policy_must_allow(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(OTHER), ALLOW)
    code, message = refusal(ann.assume_role, RoleArn=arn, RoleSessionName="work")
    assert code == "AccessDenied"
    assert message.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sts:AssumeRole"
    )
    missing = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert refusal(ann.assume_role, RoleArn=missing, RoleSessionName="work")[0] == "AccessDenied"


def test_another_account_needs_both_sides(cloud: LocalCloud) -> None:
    arn = role(cloud, trusting(OTHER), ALLOW)
    keys = user(cloud, account=OTHER)
    sts = cloud.client("sts", credentials=keys)
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="work")[0] == "AccessDenied"
    cloud.client("iam", account=OTHER).put_user_policy(
        UserName="ann", PolicyName="own", PolicyDocument=document({**ASSUME, "Resource": arn})
    )
    made = assume(sts, arn)
    assert client(cloud, "sts", made).get_caller_identity()["Account"] == ACCOUNT


def test_an_external_id_is_asked_for(cloud: LocalCloud, ann: Any) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    arn = role(cloud, trusting(Condition=condition), ALLOW)
    named = {"RoleArn": arn, "RoleSessionName": "work"}
    assert refusal(ann.assume_role, **named)[0] == "AccessDenied"
    assert refusal(ann.assume_role, **named, ExternalId="guess")[0] == "AccessDenied"
    ann.assume_role(**named, ExternalId="secret")


def test_durations(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(), ALLOW, ASSUME, MaxSessionDuration=7_200)
    assert refusal(ann.assume_role, RoleArn=arn, RoleSessionName="work", DurationSeconds=7_201) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    first = client(cloud, "sts", assume(ann, arn, DurationSeconds=7_200))
    assert refusal(
        first.assume_role, RoleArn=arn, RoleSessionName="work", DurationSeconds=3_601
    ) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining",
    )


def test_a_session_policy_narrows_the_role(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(), ALLOW)
    only = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    made = assume(ann, arn, Policy=only)
    assert made["PackedPolicySize"] > 0
    client(cloud, "iam", made).list_users()
    code, message = refusal(client(cloud, "iam", made).list_roles)
    assert code == "AccessDenied"
    assert "because no session policy allows the iam:ListRoles action" in message
    read = assume(ann, arn, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}])
    client(cloud, "iam", read).list_roles()
    assert refusal(client(cloud, "iam", read).create_user, UserName="x")[0] == "AccessDenied"
    assert (
        refusal(ann.assume_role, RoleArn=arn, RoleSessionName="work", Policy="{")[0]
        == "MalformedPolicyDocument"
    )


def test_session_tags_decide_and_need_a_permission(cloud: LocalCloud, ann: Any) -> None:
    team = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    arn = role(
        cloud,
        trusting(ACCOUNT, "sts:AssumeRole", "sts:TagSession"),
        {**ALLOW, "Condition": team},
        Tags=[{"Key": "Team", "Value": "blue"}],
    )
    plain = client(cloud, "iam", assume(ann, arn))
    assert refusal(plain.list_users)[0] == "AccessDenied"
    client(cloud, "iam", assume(ann, arn, Tags=[{"Key": "team", "Value": "red"}])).list_users()
    untrusted = role(cloud, trusting(), ALLOW, name="untagged")
    code, message = refusal(
        ann.assume_role,
        RoleArn=untrusted,
        RoleSessionName="work",
        Tags=[{"Key": "team", "Value": "red"}],
    )
    assert code == "AccessDenied"
    assert "sts:TagSession" in message


def test_transitive_tags_and_source_identity_stay_along_the_chain(
    cloud: LocalCloud, ann: Any
) -> None:
    actions = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    first = role(cloud, trusting(ACCOUNT, *actions), ALLOW)
    condition = {
        "StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ann@example.org"}
    }
    second = role(
        cloud, trusting(ACCOUNT, *actions), {**ALLOW, "Condition": condition}, name="second"
    )
    made = assume(
        ann,
        first,
        Tags=[{"Key": "team", "Value": "red"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="ann@example.org",
    )
    assert made["SourceIdentity"] == "ann@example.org"
    chained = client(cloud, "sts", made)
    client(cloud, "iam", assume(chained, second)).list_users()
    assert (
        refusal(
            chained.assume_role,
            RoleArn=second,
            RoleSessionName="work",
            Tags=[{"Key": "Team", "Value": "blue"}],
        )[0]
        == "InvalidParameterValue"
    )
    assert (
        refusal(chained.assume_role, RoleArn=second, RoleSessionName="work", SourceIdentity="bob")[
            0
        ]
        == "AccessDenied"
    )


def test_every_role_along_the_chain_must_allow_the_source_identity(
    cloud: LocalCloud, ann: Any
) -> None:
    first = role(cloud, trusting(ACCOUNT, "sts:AssumeRole", "sts:SetSourceIdentity"), ALLOW)
    second = role(cloud, trusting(), ALLOW, name="second")
    chained = client(cloud, "sts", assume(ann, first, SourceIdentity="ann"))
    code, message = refusal(chained.assume_role, RoleArn=second, RoleSessionName="work")
    assert code == "AccessDenied"
    assert "sts:SetSourceIdentity" in message


def test_a_context_assertion_is_refused_and_not_ignored(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(), ALLOW)
    asserted = [{"ProviderArn": "arn:aws:iam::aws:contextProvider/x", "ContextAssertion": "abcd"}]
    code, _ = refusal(
        ann.assume_role, RoleArn=arn, RoleSessionName="work", ProvidedContexts=asserted
    )
    assert code == "NotImplemented"


def test_the_root_user_takes_no_role_on(cloud: LocalCloud) -> None:
    root = cloud.client("sts", account=ACCOUNT)
    arn = role(cloud, trusting(), ALLOW)
    assert refusal(root.assume_role, RoleArn=arn, RoleSessionName="work") == (
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
    )


def test_tags_and_policies_have_a_limited_space(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(ACCOUNT, "sts:AssumeRole", "sts:TagSession"), ALLOW)
    tags = [{"Key": f"k{n}", "Value": cloud.do(cloud.world.ids.hex, 250)} for n in range(30)]
    assert refusal(ann.assume_role, RoleArn=arn, RoleSessionName="work", Tags=tags)[0] == (
        "PackedPolicyTooLarge"
    )


def test_a_token_is_as_long_as_asked_for(cloud: LocalCloud, ann: Any) -> None:
    arn = role(cloud, trusting(), ALLOW)
    made = assume(ann, arn)
    size = len(made["Credentials"]["SessionToken"])
    assert (made["SessionTokenSize"], made["SessionTokenUtilization"]) == (size, 11)
    made = assume(ann, arn, MinimumSessionTokenSize=4_096)
    assert len(made["Credentials"]["SessionToken"]) == 4_096
    assert (made["SessionTokenSize"], made["SessionTokenUtilization"]) == (4_096, 100)
    client(cloud, "iam", made).list_users()


def test_sessions_of_a_deleted_role_are_refused(cloud: LocalCloud, ann: Any) -> None:
    """Even where a resource policy names the session itself, and though a role of that name is
    there again.
    """
    arn = role(cloud, trusting(), ALLOW)
    made = assume(ann, arn)
    s3, iam = cloud.client("s3", account=ACCOUNT), cloud.client("iam", account=ACCOUNT)
    s3.create_bucket(Bucket="theirs")
    named = {
        "Effect": "Allow",
        "Principal": {"AWS": made["AssumedRoleUser"]["Arn"]},
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::theirs",
    }
    s3.put_bucket_policy(Bucket="theirs", Policy=document(named))
    clients = [client(cloud, name, made) for name in ("s3", "sts", "sqs")]
    clients[0].list_objects_v2(Bucket="theirs")
    for name in iam.list_role_policies(RoleName="worker")["PolicyNames"]:
        iam.delete_role_policy(RoleName="worker", PolicyName=name)
    iam.delete_role(RoleName="worker")

    def refused() -> list[tuple[str, str]]:
        s3, sts, sqs = clients
        return [
            refusal(s3.list_objects_v2, Bucket="theirs"),
            refusal(sts.get_caller_identity),
            refusal(sqs.list_queues),
        ]

    invalid = "The security token included in the request is invalid."
    expected = [
        (
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        ("InvalidClientTokenId", invalid),
        ("UnrecognizedClientException", invalid),
    ]
    assert refused() == expected
    role(cloud, trusting(), ALLOW)
    assert refused() == expected


def test_sessions_of_a_deleted_user_are_refused(cloud: LocalCloud) -> None:
    sts = cloud.client("sts", credentials=user(cloud, ALLOW))
    made = [sts.get_session_token(), sts.get_federation_token(Name="joe")]
    sessions = [client(cloud, "sts", one) for one in made]
    iam = cloud.client("iam", account=ACCOUNT)
    iam.update_user(UserName="ann", NewUserName="anna")
    for one in sessions:
        one.get_caller_identity()
    for key in iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName="anna")["PolicyNames"]:
        iam.delete_user_policy(UserName="anna", PolicyName=name)
    iam.delete_user(UserName="anna")
    for one in sessions:
        assert refusal(one.get_caller_identity)[0] == "InvalidClientTokenId"
