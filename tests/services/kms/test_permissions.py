"""Who may use a key: key policies, IAM, other accounts, condition keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.services.kms.support import ACCOUNT, OTHER, allow, key, policy, refusal, user
from tests.services.organizations.support import Org

from mesocosm.testing.local import LocalCloud

ANY = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}


def test_the_default_policy_lets_iam_decide(client: Callable[..., Any], kms: Any) -> None:
    arn = key(kms)
    alice, bob = user(client, "alice", ANY), user(client, "bob")
    blob = alice.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert refusal(bob.decrypt, CiphertextBlob=blob) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to perform: kms:Decrypt on "
        f"resource: {arn} because no identity-based policy allows the kms:Decrypt action",
    )
    text = kms.get_key_policy(KeyId=arn)["Policy"]
    assert json.loads(text)["Statement"][0]["Sid"] == "Enable IAM User Permissions"
    assert kms.list_key_policies(KeyId=arn)["PolicyNames"] == ["default"]


def test_a_key_policy_must_allow_even_the_root_user(client: Callable[..., Any], kms: Any) -> None:
    alice = user(client, "alice")
    name = f"arn:aws:iam::{ACCOUNT}:user/alice"
    only = json.dumps({"Version": "2012-10-17", "Statement": [allow(name, "kms:*")]})
    assert refusal(kms.create_key, Policy=only) == (
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )
    arn = key(kms, Policy=only, BypassPolicyLockoutSafetyCheck=True)
    blob = alice.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    code, message = refusal(kms.decrypt, CiphertextBlob=blob)
    assert code == "AccessDeniedException"
    assert "no resource-based policy allows the kms:Decrypt action" in message
    alice.put_key_policy(KeyId=arn, Policy=policy(allow(name, "kms:PutKeyPolicy")))
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert refusal(alice.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"


def test_a_user_made_anew_is_not_who_the_policy_named(client: Callable[..., Any], kms: Any) -> None:
    iam, alice = client("iam"), user(client, "alice")
    name = f"arn:aws:iam::{ACCOUNT}:user/alice"
    arn = key(kms, Policy=policy(allow(name, "kms:Encrypt")))
    alice.encrypt(KeyId=arn, Plaintext=b"x")
    for one in iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="alice", AccessKeyId=one["AccessKeyId"])
    iam.delete_user(UserName="alice")
    again = user(client, "alice")
    assert refusal(again.encrypt, KeyId=arn, Plaintext=b"x")[0] == "AccessDeniedException"
    assert name not in kms.get_key_policy(KeyId=arn)["Policy"]
    unknown = policy(allow(f"arn:aws:iam::{ACCOUNT}:user/nobody", "kms:Encrypt"))
    assert refusal(kms.put_key_policy, KeyId=arn, Policy=unknown) == (
        "MalformedPolicyDocumentException",
        "Policy contains a statement with one or more invalid principals.",
    )


def test_another_account_needs_the_policy_and_the_arn(client: Callable[..., Any], kms: Any) -> None:
    other = client("kms", account=OTHER)
    arn = key(kms)
    kms.create_alias(AliasName="alias/shared", TargetKeyId=arn)
    assert refusal(other.encrypt, KeyId=arn, Plaintext=b"x")[0] == "AccessDeniedException"
    uses = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:DisableKey"]
    kms.put_key_policy(KeyId=arn, Policy=policy(allow(f"arn:aws:iam::{OTHER}:root", uses)))
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/shared"
    blob = other.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert other.decrypt(CiphertextBlob=blob)["KeyId"] == arn
    assert other.describe_key(KeyId=arn)["KeyMetadata"]["AWSAccountId"] == ACCOUNT
    name = arn.rpartition("/")[2]
    assert refusal(other.encrypt, KeyId=name, Plaintext=b"x")[0] == "NotFoundException"
    assert refusal(other.disable_key, KeyId=arn)[0] == "NotFoundException"
    assert other.list_keys()["Keys"] == []
    gone = arn[:-4] + "0000"
    assert refusal(other.encrypt, KeyId=gone, Plaintext=b"x")[0] == "AccessDeniedException"


def test_the_encryption_context_decides(client: Callable[..., Any], kms: Any) -> None:
    alice = user(client, "alice")
    name = f"arn:aws:iam::{ACCOUNT}:user/alice"
    only = {
        "StringEquals": {"kms:EncryptionContext:app": "x"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["app"]},
    }
    arn = key(kms, Policy=policy(allow(name, "kms:Encrypt", Condition=only)))
    alice.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"app": "x"})
    for context in ({}, {"app": "y"}, {"app": "x", "more": "z"}):
        code = refusal(alice.encrypt, KeyId=arn, Plaintext=b"x", EncryptionContext=context)[0]
        assert code == "AccessDeniedException"


def test_condition_keys(client: Callable[..., Any], kms: Any) -> None:
    arn = key(kms)
    kms.create_alias(AliasName="alias/app", TargetKeyId=arn)
    pair = key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    people = iter(range(100))

    def may(condition: dict[str, Any], call: Callable[[Any], Any]) -> bool:
        who = user(client, f"u{next(people)}", {**ANY, "Condition": condition})
        try:
            call(who)
        except who.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        return True

    def encrypt(name: str) -> Callable[[Any], Any]:
        return lambda who: who.encrypt(KeyId=name, Plaintext=b"x")

    def sign(kind: str) -> Callable[[Any], Any]:
        options = {"KeyId": pair, "SigningAlgorithm": "ECDSA_SHA_256", "MessageType": kind}
        return lambda who: who.sign(Message=b"x" * 32, **options)

    def equals(**wanted: str) -> dict[str, Any]:
        return {"StringEquals": {f"kms:{name}": value for name, value in wanted.items()}}

    assert may(equals(RequestAlias="alias/app"), encrypt("alias/app"))
    assert not may(equals(RequestAlias="alias/app"), encrypt(arn))
    aliases = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}
    assert may(aliases, encrypt(arn))
    assert not may(aliases, encrypt(key(kms)))
    assert may(equals(CallerAccount=ACCOUNT, KeySpec="SYMMETRIC_DEFAULT"), encrypt(arn))
    assert may(equals(KeyUsage="ENCRYPT_DECRYPT", KeyOrigin="AWS_KMS"), encrypt(arn))
    assert may(equals(EncryptionAlgorithm="SYMMETRIC_DEFAULT"), encrypt(arn))
    assert not may(equals(KeyUsage="SIGN_VERIFY"), encrypt(arn))
    assert not may(equals(ViaService="s3.us-east-1.amazonaws.com"), encrypt(arn))
    assert may(equals(MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"), sign("DIGEST"))
    assert not may(equals(MessageType="DIGEST"), sign("RAW"))
    single = {"Bool": {"kms:MultiRegion": "false"}}
    assert may(single, lambda who: who.create_key())
    assert not may(single, lambda who: who.create_key(MultiRegion=True))
    weeks = {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "14"}}
    doomed = key(kms)
    delete = {"KeyId": doomed, "PendingWindowInDays": 7}
    assert not may(weeks, lambda who: who.schedule_key_deletion(**delete))
    assert may(weeks, lambda who: who.schedule_key_deletion(KeyId=doomed))
    idle = {"NumericGreaterThan": {"kms:TrailingDaysWithoutKeyUsage": "1"}}
    assert not may(idle, lambda who: who.disable_key(KeyId=arn))


def test_tags_decide(client: Callable[..., Any], kms: Any) -> None:
    team = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    alice = user(client, "alice", {**ANY, "Condition": team})
    ours = key(kms, Tags=[{"TagKey": "team", "TagValue": "a"}])
    alice.encrypt(KeyId=ours, Plaintext=b"x")
    assert refusal(alice.encrypt, KeyId=key(kms), Plaintext=b"x")[0] == "AccessDeniedException"
    creating = {**ANY, "Action": "kms:CreateKey"}
    bob = user(client, "bob", creating)
    bob.create_key()
    message = refusal(bob.create_key, Tags=[{"TagKey": "a", "TagValue": "b"}])[1]
    assert "kms:TagResource" in message


def test_re_encryption_asks_on_both_keys(client: Callable[..., Any], kms: Any) -> None:
    one, two = key(kms), key(kms)
    blob = kms.encrypt(KeyId=one, Plaintext=b"x")["CiphertextBlob"]
    source = {**ANY, "Action": "kms:ReEncryptFrom", "Resource": one}
    to = {**ANY, "Action": "kms:ReEncryptTo", "Resource": two}
    alice, bob = user(client, "alice", source), user(client, "bob", source, to)
    message = refusal(alice.re_encrypt, CiphertextBlob=blob, DestinationKeyId=two)[1]
    assert f"kms:ReEncryptTo on resource: {two}" in message
    bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=two)
    message = refusal(bob.re_encrypt, CiphertextBlob=blob, DestinationKeyId=one)[1]
    assert f"kms:ReEncryptTo on resource: {one}" in message


def test_an_alias_is_made_with_permission_on_both(client: Callable[..., Any], kms: Any) -> None:
    arn = key(kms)
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/x"
    action = {**ANY, "Action": "kms:CreateAlias"}
    alice = user(client, "alice", {**action, "Resource": arn})
    assert (
        f"on resource: {alias}"
        in refusal(alice.create_alias, AliasName="alias/x", TargetKeyId=arn)[1]
    )
    bob = user(client, "bob", {**action, "Resource": [arn, alias]})
    bob.create_alias(AliasName="alias/x", TargetKeyId=arn)


def test_an_rcp_reaches_keys_but_not_aws_managed_ones(cloud: LocalCloud) -> None:
    org, kind = Org(cloud), "RESOURCE_CONTROL_POLICY"
    org.enable(kind)
    member = org.account()
    kms, s3 = cloud.client("kms", account=member), cloud.client("s3", account=member)
    arn = key(kms)
    s3.create_bucket(Bucket="data")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    org.attach(json.dumps({"Version": "2012-10-17", "Statement": [deny]}), member, kind)
    put = {"Bucket": "data", "Key": "k", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    s3.put_object(**put)
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"x"
    code, message = refusal(s3.put_object, SSEKMSKeyId=arn, **put)
    assert code == "AccessDenied"
    assert "with an explicit deny in a resource control policy" in message
    s3.close()
    kms.close()
