"""Key material of the owner's: imported, deleted, expired, imported again, rotated to."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from tests.services.kms.support import DAY, key, refusal, state

from mesocosm.testing.local import LocalCloud

NEVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
AES = "RSA_AES_KEY_WRAP_SHA_256"


def wrapped(public: bytes, algorithm: str, material: bytes) -> bytes:
    """Key material as a client encrypts it."""
    wrapping: Any = form.load_der_public_key(public)
    digest = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    if algorithm.startswith("RSAES"):
        sealed: bytes = wrapping.encrypt(material, oaep)
        return sealed
    once = b"e" * 32
    head: bytes = wrapping.encrypt(once, oaep)
    return head + aes_key_wrap_with_padding(once, material)


def parameters(kms: Any, arn: str, material: bytes, algorithm: str) -> dict[str, Any]:
    """What ImportKeyMaterial takes."""
    given = kms.get_parameters_for_import(
        KeyId=arn, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    sealed = wrapped(given["PublicKey"], algorithm, material)
    return {"KeyId": arn, "ImportToken": given["ImportToken"], "EncryptedKeyMaterial": sealed}


def give(
    kms: Any, arn: str, material: bytes, algorithm: str = "RSAES_OAEP_SHA_256", **options: Any
) -> Any:
    """Import material."""
    given = parameters(kms, arn, material, algorithm)
    return kms.import_key_material(**given, **(options or NEVER))


def imported(kms: Any, material: bytes, algorithm: str = AES, **options: Any) -> str:
    """A new key with imported material."""
    arn = key(kms, Origin="EXTERNAL", **options)
    give(kms, arn, material, algorithm)
    return arn


@pytest.mark.parametrize(
    "algorithm",
    ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", AES, "RSA_AES_KEY_WRAP_SHA_1"],
)
def test_a_key_waits_for_its_material(kms: Any, algorithm: str) -> None:
    arn = key(kms, Origin="EXTERNAL")
    assert state(kms, arn) == "PendingImport"
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x") == (
        "KMSInvalidStateException",
        f"{arn} is pending import.",
    )
    give(kms, arn, b"m" * 32, algorithm)
    shown = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert shown["KeyState"] == "Enabled"
    assert shown["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_deleted_material_must_be_the_same_again(kms: Any) -> None:
    arn = imported(kms, b"m" * 32)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=arn)
    assert state(kms, arn) == "PendingImport"
    assert refusal(kms.decrypt, CiphertextBlob=blob)[0] == "KMSInvalidStateException"
    other = parameters(kms, arn, b"n" * 32, AES)
    assert refusal(kms.import_key_material, **other, **NEVER)[0] == (
        "IncorrectKeyMaterialException"
    )
    give(kms, arn, b"m" * 32)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_expires_by_the_clock(kms: Any, cloud: LocalCloud) -> None:
    arn = key(kms, Origin="EXTERNAL")
    due = cloud.now() + 2 * DAY
    give(kms, arn, b"m" * 32, ValidTo=due)
    shown = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert shown["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert abs(shown["ValidTo"].timestamp() - due) < 1
    cloud.advance(DAY)
    assert state(kms, arn) == "Enabled"
    give(kms, arn, b"m" * 32, ValidTo=due + DAY)
    cloud.advance(1.5 * DAY)
    assert state(kms, arn) == "Enabled"
    cloud.advance(DAY)
    assert state(kms, arn) == "PendingImport"
    give(kms, arn, b"m" * 32)
    cloud.advance(100 * DAY)
    assert state(kms, arn) == "Enabled"


def test_what_is_not_imported(kms: Any, cloud: LocalCloud) -> None:
    arn, own = key(kms, Origin="EXTERNAL"), key(kms)
    assert refusal(
        kms.get_parameters_for_import,
        KeyId=own,
        WrappingAlgorithm=AES,
        WrappingKeySpec="RSA_2048",
    ) == (
        "UnsupportedOperationException",
        f"{own} origin is AWS_KMS which is not valid for this operation.",
    )
    given = parameters(kms, arn, b"short", AES)
    assert refusal(kms.import_key_material, **given, **NEVER)[0] == "IncorrectKeyMaterialException"
    assert refusal(kms.import_key_material, **given) == (
        "ValidationException",
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    )
    past = refusal(kms.import_key_material, **given, ValidTo=cloud.now() - 1)
    assert past[0] == "ValidationException"
    bad = {**given, "EncryptedKeyMaterial": b"x" * 300}
    assert refusal(kms.import_key_material, **bad, **NEVER)[0] == "InvalidCiphertextException"
    bad = {**given, "ImportToken": b"x"}
    assert refusal(kms.import_key_material, **bad, **NEVER)[0] == "InvalidImportTokenException"
    another = {**given, "KeyId": key(kms, Origin="EXTERNAL")}
    assert refusal(kms.import_key_material, **another, **NEVER)[0] == (
        "InvalidImportTokenException"
    )
    cloud.advance(DAY + 1)
    assert refusal(kms.import_key_material, **given, **NEVER)[0] == "ExpiredImportTokenException"


def test_pairs_are_imported(kms: Any) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    rsa = rsa_keys.generate_private_key(65_537, 2048)
    for private, spec, algorithm in (
        (curve, "ECC_NIST_P256", "ECDSA_SHA_256"),
        (rsa, "RSA_2048", "RSASSA_PSS_SHA_256"),
    ):
        der = private.private_bytes(
            form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption()
        )
        public = private.public_key().public_bytes(
            form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
        )
        arn = imported(kms, der, KeySpec=spec, KeyUsage="SIGN_VERIFY")
        assert kms.get_public_key(KeyId=arn)["PublicKey"] == public
        options = {"KeyId": arn, "Message": b"m", "SigningAlgorithm": algorithm}
        signature = kms.sign(**options)["Signature"]
        assert kms.verify(Signature=signature, **options)["SignatureValid"]
        wrong = key(kms, KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY", Origin="EXTERNAL")
        given = parameters(kms, wrong, der, AES)
        assert refusal(kms.import_key_material, **given, **NEVER)[0] == (
            "IncorrectKeyMaterialException"
        )


def test_new_material_is_rotated_to(kms: Any) -> None:
    arn = imported(kms, b"1" * 32)
    old = kms.encrypt(KeyId=arn, Plaintext=b"old")["CiphertextBlob"]
    assert refusal(kms.rotate_key_on_demand, KeyId=arn)[0] == "KMSInvalidStateException"
    made = give(kms, arn, b"2" * 32, ImportType="NEW_KEY_MATERIAL", **NEVER)
    listed = kms.list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one["KeyMaterialState"] for one in listed] == ["CURRENT", "PENDING_ROTATION"]
    assert listed[1]["KeyMaterialId"] == made["KeyMaterialId"]
    kms.rotate_key_on_demand(KeyId=arn)
    new = kms.encrypt(KeyId=arn, Plaintext=b"new")["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=new)
    assert opened["KeyMaterialId"] == made["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
    first = listed[0]["KeyMaterialId"]
    kms.delete_imported_key_material(KeyId=arn, KeyMaterialId=first)
    assert state(kms, arn) == "PendingImport"
    give(kms, arn, b"1" * 32)
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
