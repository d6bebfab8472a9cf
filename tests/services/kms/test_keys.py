"""Keys, aliases, tags, states and deletion."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from tests.services.kms.support import DAY, key, refusal, state

from mesocosm.services.kms.engine import pairs
from mesocosm.testing.local import LocalCloud

CONTEXT = {"app": "x"}


def test_a_key_is_described(kms: Any) -> None:
    made = kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
    assert made == kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]
    assert made["Arn"] == f"arn:aws:kms:us-east-1:000000000000:key/{made['KeyId']}"
    known = {name: made[name] for name in made if name not in ("KeyId", "Arn", "CreationDate")}
    known.pop("CurrentKeyMaterialId")
    assert known == {
        "AWSAccountId": "000000000000",
        "Enabled": True,
        "Description": "d",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert [one["KeyArn"] for one in kms.list_keys()["Keys"]] == [made["Arn"]]
    assert kms.list_keys(ResourceOwners=["SELF"])["Keys"]
    assert kms.list_keys(ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"])["Keys"] == []
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == [{"TagKey": "a", "TagValue": "b"}]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            {"KeySpec": "RSA_2048"},
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        ),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
            "ValidationException",
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        ),
        (
            {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"},
            "UnsupportedOperationException",
            "KeySpec SM2 is not supported in this Region.",
        ),
        (
            {"Origin": "AWS_CLOUDHSM"},
            "NotImplemented",
            "kms:CreateKey: Origin AWS_CLOUDHSM (custom key stores) is not implemented.",
        ),
        (
            {"Tags": [{"TagKey": "aws:x", "TagValue": ""}]},
            "TagException",
            "Tags beginning with aws: are reserved",
        ),
        (
            {"Policy": "{"},
            "MalformedPolicyDocumentException",
            None,
        ),
    ],
)
def test_keys_that_are_not_made(
    kms: Any, options: dict[str, Any], code: str, message: str | None
) -> None:
    found = refusal(kms.create_key, **options)
    assert found[0] == code
    assert message is None or found[1] == message
    assert kms.list_keys()["Keys"] == []


def test_what_names_a_key(client: Callable[..., Any], kms: Any) -> None:
    arn = key(kms)
    key_id = arn.rpartition("/")[2]
    kms.create_alias(AliasName="alias/a/b", TargetKeyId=key_id)
    alias = "arn:aws:kms:us-east-1:000000000000:alias/a/b"
    for name in (key_id, arn, "alias/a/b", alias):
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == arn
    gone = "1234abcd-12ab-34cd-56ef-1234567890ab"
    assert refusal(kms.describe_key, KeyId=gone) == (
        "NotFoundException",
        f"Key 'arn:aws:kms:us-east-1:000000000000:key/{gone}' does not exist",
    )
    assert refusal(kms.describe_key, KeyId="nonsense") == (
        "NotFoundException",
        "Invalid keyId 'nonsense'",
    )
    assert refusal(kms.encrypt, KeyId="alias/none", Plaintext=b"x") == (
        "NotFoundException",
        "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.",
    )
    there = client("kms", region="eu-west-1")
    assert refusal(there.describe_key, KeyId=arn)[0] == "NotFoundException"
    assert refusal(kms.disable_key, KeyId="alias/a/b")[0] == "NotFoundException"


def test_aliases(kms: Any) -> None:
    one, two, pair = key(kms), key(kms), key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.create_alias(AliasName="alias/x", TargetKeyId=one)
    assert refusal(kms.create_alias, AliasName="alias/x", TargetKeyId=two) == (
        "AlreadyExistsException",
        "An alias with the name arn:aws:kms:us-east-1:000000000000:alias/x already exists",
    )
    assert refusal(kms.create_alias, AliasName="x", TargetKeyId=two)[0] == "ValidationException"
    assert refusal(kms.create_alias, AliasName="alias/a.b", TargetKeyId=two)[0] in (
        "InvalidAliasNameException",
        "ValidationException",
    )
    assert refusal(kms.create_alias, AliasName="alias/aws/x", TargetKeyId=two)[0] == (
        "NotAuthorizedException"
    )
    assert refusal(kms.update_alias, AliasName="alias/x", TargetKeyId=pair)[0] == (
        "ValidationException"
    )
    kms.update_alias(AliasName="alias/x", TargetKeyId=two)
    assert kms.describe_key(KeyId="alias/x")["KeyMetadata"]["Arn"] == two
    listed = kms.list_aliases(KeyId=two)["Aliases"]
    assert [(one["AliasName"], one["TargetKeyId"]) for one in listed] == [
        ("alias/x", two.rpartition("/")[2])
    ]
    assert kms.list_aliases(KeyId=one)["Aliases"] == []
    kms.delete_alias(AliasName="alias/x")
    assert refusal(kms.delete_alias, AliasName="alias/x")[0] == "NotFoundException"
    assert state(kms, two) == "Enabled"


def test_lists_come_in_pages(kms: Any) -> None:
    made = sorted(key(kms) for _ in range(3))
    first = kms.list_keys(Limit=2)
    assert first["Truncated"]
    last = kms.list_keys(Limit=2, Marker=first["NextMarker"])
    assert not last["Truncated"]
    assert [one["KeyArn"] for one in first["Keys"] + last["Keys"]] == made
    assert refusal(kms.list_keys, Marker="bad")[0] == "InvalidMarkerException"


def test_a_disabled_key_does_nothing(kms: Any) -> None:
    arn = key(kms)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=arn)
    wanted = ("DisabledException", f"{arn} is disabled.")
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x") == wanted
    assert refusal(kms.decrypt, CiphertextBlob=blob) == wanted
    assert refusal(kms.generate_data_key, KeyId=arn, KeySpec="AES_256") == wanted
    assert refusal(kms.enable_key_rotation, KeyId=arn) == wanted
    kms.enable_key(KeyId=arn)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_deletion_waits_and_can_be_taken_back(kms: Any, cloud: LocalCloud) -> None:
    arn = key(kms)
    kms.create_alias(AliasName="alias/x", TargetKeyId=arn)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert refusal(kms.schedule_key_deletion, KeyId=arn, PendingWindowInDays=6)[0] == (
        "ValidationException"
    )
    asked = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert asked["KeyState"] == "PendingDeletion"
    due = datetime.fromtimestamp(cloud.now() + 7 * DAY, UTC)
    assert abs((asked["DeletionDate"] - due).total_seconds()) < 60
    wanted = ("KMSInvalidStateException", f"{arn} is pending deletion.")
    assert refusal(kms.decrypt, CiphertextBlob=blob) == wanted
    assert refusal(kms.enable_key, KeyId=arn) == wanted
    assert refusal(kms.schedule_key_deletion, KeyId=arn) == wanted
    kms.cancel_key_deletion(KeyId=arn)
    assert state(kms, arn) == "Disabled"
    assert refusal(kms.cancel_key_deletion, KeyId=arn)[0] == "KMSInvalidStateException"
    cloud.advance(8 * DAY)
    kms.enable_key(KeyId=arn)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    cloud.advance(7 * DAY - 60)
    assert state(kms, arn) == "PendingDeletion"
    cloud.advance(120)
    assert refusal(kms.describe_key, KeyId=arn)[0] == "NotFoundException"
    assert kms.list_aliases()["Aliases"] == []
    code, message = refusal(kms.decrypt, CiphertextBlob=blob)
    assert code == "AccessDeniedException"
    assert message.startswith("The ciphertext refers to a customer master key that does not exist")


def test_tags(kms: Any) -> None:
    arn = key(kms)
    kms.tag_resource(KeyId=arn, Tags=[{"TagKey": "a", "TagValue": "1"}])
    kms.tag_resource(
        KeyId=arn, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}]
    )
    kms.untag_resource(KeyId=arn, TagKeys=["b", "none"])
    assert kms.list_resource_tags(KeyId=arn)["Tags"] == [{"TagKey": "a", "TagValue": "2"}]
    many = [{"TagKey": str(number), "TagValue": ""} for number in range(50)]
    assert refusal(kms.tag_resource, KeyId=arn, Tags=many)[0] == "LimitExceededException"
    kms.update_key_description(KeyId=arn, Description="new")
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["Description"] == "new"


def test_an_aws_managed_key_is_made_when_it_is_asked_for(kms: Any) -> None:
    made = kms.describe_key(KeyId="alias/aws/sqs")["KeyMetadata"]
    assert made["KeyManager"] == "AWS"
    assert kms.describe_key(KeyId="alias/aws/sqs")["KeyMetadata"]["Arn"] == made["Arn"]
    assert [one["AliasName"] for one in kms.list_aliases()["Aliases"]] == ["alias/aws/sqs"]
    assert refusal(kms.describe_key, KeyId="alias/aws/none")[0] == "NotFoundException"
    code, message = refusal(kms.encrypt, KeyId="alias/aws/sqs", Plaintext=b"x")
    assert code == "AccessDeniedException"
    assert "no resource-based policy allows the kms:Encrypt action" in message
    assert refusal(kms.disable_key, KeyId=made["Arn"])[0] == "AccessDeniedException"
    assert kms.get_key_rotation_status(KeyId=made["Arn"])["KeyRotationEnabled"] is True


def test_the_last_use_is_known(kms: Any, cloud: LocalCloud) -> None:
    arn = key(kms)
    assert kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"] == {}
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    answer = kms.generate_data_key(KeyId=arn, KeySpec="AES_128")
    used = kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]
    assert used["Operation"] == "GenerateDataKey"
    assert used["KmsRequestId"] == answer["ResponseMetadata"]["RequestId"]
    refusal(kms.decrypt, CiphertextBlob=b"nonsense")
    assert kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"] == used


def test_custom_key_stores_are_refused(kms: Any) -> None:
    assert refusal(kms.describe_custom_key_stores) == (
        "NotImplemented",
        "kms:DescribeCustomKeyStores is not implemented.",
    )


def test_others_are_answered_while_an_rsa_key_is_made(
    client: Callable[..., Any], kms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered = Event(), Event()
    generate = pairs.generate

    def slowly(ids: Any, spec: str) -> bytes | None:
        if spec.startswith("RSA_"):
            begun.set()
            assert answered.wait(30)
        return generate(ids, spec)

    monkeypatch.setattr(pairs, "generate", slowly)
    other = client("kms")
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(key, kms, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
        assert begun.wait(30)
        assert other.list_keys()["Keys"] == []
        answered.set()
        arn = made.result()
    assert state(kms, arn) == "Enabled"


def test_a_rewind_takes_keys_and_rotations_back(kms: Any, cloud: LocalCloud) -> None:
    old = key(kms)
    cloud.snapshot("before")
    blob = kms.encrypt(KeyId=old, Plaintext=b"x")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=old)
    rotated = kms.encrypt(KeyId=old, Plaintext=b"y")["CiphertextBlob"]
    new = key(kms)
    kms.schedule_key_deletion(KeyId=old, PendingWindowInDays=7)
    cloud.rewind("before")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert refusal(kms.decrypt, CiphertextBlob=rotated)[0] == "InvalidCiphertextException"
    assert refusal(kms.describe_key, KeyId=new)[0] == "NotFoundException"
    cloud.advance(30 * DAY)
    assert state(kms, old) == "Enabled"
