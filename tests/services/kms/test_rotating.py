"""Rotation, by the clock and on demand; multi-Region keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.services.kms.support import DAY, key, refusal, state
from tests.services.kms.test_importing import AES, NEVER, give, imported, parameters

from mesocosm.testing.local import LocalCloud


def rotations(kms: Any, arn: str) -> list[str]:
    """How a key was rotated, in order."""
    return [one["RotationType"] for one in kms.list_key_rotations(KeyId=arn)["Rotations"]]


def test_a_key_is_rotated_by_the_clock_and_old_ciphertexts_stay_readable(
    kms: Any, cloud: LocalCloud
) -> None:
    arn = key(kms)
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is False
    blobs = [kms.encrypt(KeyId=arn, Plaintext=b"0")["CiphertextBlob"]]
    kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=100)
    status = kms.get_key_rotation_status(KeyId=arn)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 100)
    assert abs(status["NextRotationDate"].timestamp() - cloud.now() - 100 * DAY) < 60
    cloud.advance(99 * DAY)
    assert rotations(kms, arn) == []
    for number in (1, 2):
        cloud.advance(101 * DAY if number == 2 else 2 * DAY)
        assert rotations(kms, arn) == ["AUTOMATIC"] * number
        plain = str(number).encode()
        blobs.append(kms.encrypt(KeyId=arn, Plaintext=plain)["CiphertextBlob"])
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [one["Plaintext"] for one in opened] == [b"0", b"1", b"2"]
    assert len({one["KeyMaterialId"] for one in opened}) == 3
    current = kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert current == opened[-1]["KeyMaterialId"]
    kms.disable_key_rotation(KeyId=arn)
    cloud.advance(300 * DAY)
    assert len(rotations(kms, arn)) == 2


def test_a_disabled_key_is_rotated_once_it_is_enabled(kms: Any, cloud: LocalCloud) -> None:
    arn = key(kms)
    kms.enable_key_rotation(KeyId=arn)
    kms.disable_key(KeyId=arn)
    cloud.advance(400 * DAY)
    assert rotations(kms, arn) == []
    kms.enable_key(KeyId=arn)
    cloud.advance(1)
    assert rotations(kms, arn) == ["AUTOMATIC"]


def test_rotation_on_demand(kms: Any) -> None:
    arn = key(kms)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=arn)
    assert refusal(kms.rotate_key_on_demand, KeyId=arn)[0] == "LimitExceededException"
    assert rotations(kms, arn) == ["ON_DEMAND"] * 25
    first = kms.list_key_rotations(KeyId=arn, Limit=20)
    rest = kms.list_key_rotations(KeyId=arn, Marker=first["NextMarker"])
    assert len(first["Rotations"]) + len(rest["Rotations"]) == 25
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    every = kms.list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert len(every) == 26
    assert every[-1]["KeyMaterialState"] == "CURRENT"


def test_what_is_not_rotated(kms: Any) -> None:
    pair = key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    brought = imported(kms, b"m" * 32)
    for function, arn in (
        (kms.enable_key_rotation, pair),
        (kms.rotate_key_on_demand, pair),
        (kms.list_key_rotations, pair),
        (kms.enable_key_rotation, brought),
    ):
        assert refusal(function, KeyId=arn)[0] == "UnsupportedOperationException"
    assert kms.get_key_rotation_status(KeyId=pair)["KeyRotationEnabled"] is False


# -- multi-Region keys ------------------------------------------------------------------------


def test_replicas_decrypt_what_the_primary_encrypted(
    client: Callable[..., Any], kms: Any, cloud: LocalCloud
) -> None:
    there = client("kms", region="eu-west-1")
    arn = key(kms, MultiRegion=True, Tags=[{"TagKey": "a", "TagValue": "b"}])
    key_id = arn.rpartition("/")[2]
    assert key_id.startswith("mrk-")
    made = kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1", Description="copy")
    replica = made["ReplicaKeyMetadata"]
    assert replica["Arn"] == arn.replace("us-east-1", "eu-west-1")
    family = kms.describe_key(KeyId=arn)["KeyMetadata"]["MultiRegionConfiguration"]
    assert family == {
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": {"Arn": arn, "Region": "us-east-1"},
        "ReplicaKeys": [{"Arn": replica["Arn"], "Region": "eu-west-1"}],
    }
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", replica["Arn"])
    assert there.list_resource_tags(KeyId=key_id)["Tags"] == []
    assert refusal(kms.replicate_key, KeyId=arn, ReplicaRegion="eu-west-1")[0] == (
        "AlreadyExistsException"
    )
    assert refusal(there.replicate_key, KeyId=key_id, ReplicaRegion="us-west-2")[0] == (
        "UnsupportedOperationException"
    )
    assert refusal(there.enable_key_rotation, KeyId=key_id)[0] == "UnsupportedOperationException"
    kms.enable_key_rotation(KeyId=arn)
    cloud.advance(366 * DAY)
    blob = there.encrypt(KeyId=key_id, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"new"
    assert rotations(there, key_id) == rotations(kms, key_id) == ["AUTOMATIC"]


def test_a_replica_becomes_the_primary(client: Callable[..., Any], kms: Any) -> None:
    there = client("kms", region="eu-west-1")
    arn = key(kms, MultiRegion=True)
    assert refusal(kms.update_primary_region, KeyId=arn, PrimaryRegion="eu-west-1")[0] == (
        "NotFoundException"
    )
    kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    kms.update_primary_region(KeyId=arn, PrimaryRegion="eu-west-1")
    key_id = arn.rpartition("/")[2]
    for one, kind in ((kms, "REPLICA"), (there, "PRIMARY")):
        family = one.describe_key(KeyId=key_id)["KeyMetadata"]["MultiRegionConfiguration"]
        assert family["MultiRegionKeyType"] == kind
        assert family["PrimaryKey"]["Region"] == "eu-west-1"
        assert [each["Region"] for each in family["ReplicaKeys"]] == ["us-east-1"]


def test_a_primary_waits_for_its_replicas_to_be_deleted(
    client: Callable[..., Any], kms: Any, cloud: LocalCloud
) -> None:
    there = client("kms", region="eu-west-1")
    arn = key(kms, MultiRegion=True)
    copy = kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")["ReplicaKeyMetadata"]["Arn"]
    asked = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert asked["KeyState"] == "PendingReplicaDeletion"
    assert "DeletionDate" not in asked
    cloud.advance(10 * DAY)
    assert state(kms, arn) == "PendingReplicaDeletion"
    there.schedule_key_deletion(KeyId=copy, PendingWindowInDays=7)
    cloud.advance(7 * DAY + 60)
    assert refusal(there.describe_key, KeyId=copy)[0] == "NotFoundException"
    assert state(kms, arn) == "PendingDeletion"
    cloud.advance(7 * DAY + 60)
    assert refusal(kms.describe_key, KeyId=arn)[0] == "NotFoundException"


def test_imported_material_is_imported_in_every_region(
    client: Callable[..., Any], kms: Any
) -> None:
    there = client("kms", region="eu-west-1")
    arn = imported(kms, b"1" * 32, MultiRegion=True)
    copy = kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")["ReplicaKeyMetadata"]["Arn"]
    assert state(there, copy) == "PendingImport"
    other = parameters(there, copy, b"2" * 32, AES)
    assert refusal(there.import_key_material, **other, **NEVER)[0] == (
        "IncorrectKeyMaterialException"
    )
    give(there, copy, b"1" * 32)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    give(kms, arn, b"2" * 32, ImportType="NEW_KEY_MATERIAL", **NEVER)
    assert refusal(kms.rotate_key_on_demand, KeyId=arn)[0] == "KMSInvalidStateException"
    give(there, copy, b"2" * 32)
    kms.rotate_key_on_demand(KeyId=arn)
    blob = there.encrypt(KeyId=copy, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"new"
