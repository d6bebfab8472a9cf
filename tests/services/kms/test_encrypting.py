"""Encrypt, Decrypt, ReEncrypt and data keys: what is sealed opens under its context only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.kms.support import key, refusal

from mesocosm.services.kms.engine import symmetric
from mesocosm.services.kms.rules import ciphertexts

CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
MULTI = "mrk-1234abcd12ab34cd56ef1234567890ab"
MATERIAL = bytes(range(32))


@given(
    st.binary(max_size=200),
    CONTEXTS,
    st.sampled_from([KEY, MULTI]),
    st.integers(0, 10**12 - 1).map(lambda number: f"{number:012d}"),
)
def test_a_blob_says_where_it_is_from_and_opens_again(
    plain: bytes, context: dict[str, str], name: str, account: str
) -> None:
    origin = (account, name, "ab" * 32)
    data = symmetric.encrypt(MATERIAL, origin, bytes(12), plain, context)
    blob = ciphertexts.parse(data)
    assert blob is not None
    assert (blob.account, blob.key, blob.material) == origin
    shuffled = dict(reversed(context.items()))
    assert symmetric.decrypt(MATERIAL, blob, shuffled) == plain


@given(st.binary(max_size=50), CONTEXTS, CONTEXTS)
def test_another_context_does_not_open_it(
    plain: bytes, context: dict[str, str], other: dict[str, str]
) -> None:
    data = symmetric.encrypt(MATERIAL, ("1" * 12, KEY, "ab" * 32), bytes(12), plain, context)
    blob = ciphertexts.parse(data)
    assert blob is not None
    opened = symmetric.decrypt(MATERIAL, blob, other)
    assert opened == (plain if other == context else None)


@given(CONTEXTS, CONTEXTS)
def test_contexts_have_one_form_each(one: dict[str, str], other: dict[str, str]) -> None:
    same = ciphertexts.canonical(one) == ciphertexts.canonical(other)
    assert same == (one == other)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_changed_blob_does_not_open(plain: bytes, data: st.DataObject) -> None:
    made = symmetric.encrypt(MATERIAL, ("1" * 12, KEY, "ab" * 32), bytes(12), plain, {"a": "b"})
    at = data.draw(st.integers(0, len(made) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = made[:at] + bytes([made[at] ^ bit]) + made[at + 1 :]
    blob = ciphertexts.parse(changed)
    assert blob is None or symmetric.decrypt(MATERIAL, blob, {"a": "b"}) is None


@given(st.binary(max_size=300))
def test_anything_is_parsed_or_refused(data: bytes) -> None:
    ciphertexts.parse(data)
    ciphertexts.parse(ciphertexts.MAGIC + data)


def test_encrypt_and_decrypt(kms: Any) -> None:
    arn = key(kms)
    made = kms.encrypt(KeyId=arn, Plaintext=b"hello", EncryptionContext={"a": "1", "b": "2"})
    assert made["KeyId"] == arn
    assert made["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    blob = made["CiphertextBlob"]
    again = kms.encrypt(KeyId=arn, Plaintext=b"hello", EncryptionContext={"a": "1", "b": "2"})
    assert again["CiphertextBlob"] != blob
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"b": "2", "a": "1"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"hello", arn)
    for context in ({}, {"a": "1"}, {"a": "1", "b": "3"}, {"A": "1", "b": "2"}):
        refused = refusal(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        assert refused == ("InvalidCiphertextException", "")
    tampered = blob[:-1] + bytes([blob[-1] ^ 1])
    code = refusal(kms.decrypt, CiphertextBlob=tampered, EncryptionContext={"a": "1", "b": "2"})[0]
    assert code == "InvalidCiphertextException"
    assert refusal(kms.decrypt, CiphertextBlob=b"x")[0] == "InvalidCiphertextException"
    other = key(kms)
    assert refusal(
        kms.decrypt, CiphertextBlob=blob, KeyId=other, EncryptionContext={"a": "1", "b": "2"}
    ) == (
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def test_data_keys(kms: Any) -> None:
    arn = key(kms)
    made = kms.generate_data_key(KeyId=arn, KeySpec="AES_128", EncryptionContext={"a": "b"})
    assert len(made["Plaintext"]) == 16
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened["Plaintext"] == made["Plaintext"]
    assert len(kms.generate_data_key(KeyId=arn, NumberOfBytes=77)["Plaintext"]) == 77
    hidden = kms.generate_data_key_without_plaintext(KeyId=arn, KeySpec="AES_256")
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == 32
    wanted = ("ValidationException", "Please specify either number of bytes or key spec.")
    assert refusal(kms.generate_data_key, KeyId=arn) == wanted
    both = refusal(kms.generate_data_key, KeyId=arn, KeySpec="AES_256", NumberOfBytes=3)
    assert both == wanted
    assert len(kms.generate_random(NumberOfBytes=33)["Plaintext"]) == 33
    assert refusal(kms.generate_random)[0] == "ValidationException"


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1"])
def test_data_key_pairs(kms: Any, spec: str) -> None:
    from cryptography.hazmat.primitives import serialization as form

    arn = key(kms)
    made = kms.generate_data_key_pair(KeyId=arn, KeyPairSpec=spec)
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    private = form.load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(
        form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == made["PublicKey"]
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=arn, KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in hidden


def test_re_encrypt(kms: Any) -> None:
    one, two = key(kms), key(kms)
    blob = kms.encrypt(KeyId=one, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    made = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=two,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (made["SourceKeyId"], made["KeyId"]) == (one, two)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", two)
    assert refusal(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=two)[0] == (
        "InvalidCiphertextException"
    )


def test_rsa_encryption(kms: Any) -> None:
    arn = key(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    algorithm = "RSAES_OAEP_SHA_256"
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x" * 190, EncryptionAlgorithm=algorithm)[
        "CiphertextBlob"
    ]
    opened = kms.decrypt(CiphertextBlob=blob, KeyId=arn, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == b"x" * 190
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x" * 191, EncryptionAlgorithm=algorithm) == (
        "ValidationException",
        "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 "
        "bytes.",
    )
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x")[0] == "InvalidKeyUsageException"
    assert refusal(kms.generate_data_key, KeyId=arn, KeySpec="AES_256")[0] == (
        "InvalidKeyUsageException"
    )
    assert refusal(
        kms.decrypt, CiphertextBlob=blob[::-1], KeyId=arn, EncryptionAlgorithm=algorithm
    ) == ("InvalidCiphertextException", "")


def test_the_wrong_usage_is_refused(kms: Any) -> None:
    arn = key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x") == (
        "InvalidKeyUsageException",
        f"{arn} key usage is SIGN_VERIFY which is not valid for Encrypt.",
    )


def test_a_dry_run_does_nothing(kms: Any) -> None:
    arn = key(kms)
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x", DryRun=True) == (
        "DryRunOperationException",
        "The request would have succeeded, but the DryRun option is set.",
    )
    blind = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    assert refusal(kms.decrypt, KeyId=arn, **blind)[0] == "DryRunOperationException"
    assert refusal(kms.decrypt, **blind)[0] in ("InvalidCiphertextException", "ValidationException")
    both = {"SourceKeyId": arn, "DestinationKeyId": arn}
    assert refusal(kms.re_encrypt, **both, **blind)[0] == "DryRunOperationException"
    kms.disable_key(KeyId=arn)
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x", DryRun=True)[0] == "DisabledException"
    assert refusal(kms.decrypt, KeyId=arn, **blind)[0] == "DisabledException"


def test_attestation_is_refused(kms: Any) -> None:
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"x"}
    code, message = refusal(kms.generate_random, NumberOfBytes=1, Recipient=recipient)
    assert code == "NotImplemented"
    assert "attested Recipient" in message


def test_a_single_region_key_is_of_no_use_elsewhere(client: Callable[..., Any], kms: Any) -> None:
    blob = kms.encrypt(KeyId=key(kms), Plaintext=b"x")["CiphertextBlob"]
    code, message = refusal(client("kms", region="eu-west-1").decrypt, CiphertextBlob=blob)
    assert code == "AccessDeniedException"
    assert "does not exist in this region" in message
