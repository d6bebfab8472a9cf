"""Signatures, MACs and shared secrets, checked with the public key alone."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.kms.support import key, refusal

from mesocosm.services.kms.engine import ed25519ph

LATTICE = "cryptography.hazmat.primitives.asymmetric."
RSA = [
    f"RSASSA_{kind}_SHA_{size}" for kind in ("PSS", "PKCS1_V1_5") for size in ("256", "384", "512")
]
PAIRS = [
    *(("RSA_2048", algorithm) for algorithm in RSA),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
]


def public(kms: Any, arn: str) -> Any:
    """The public key of a key, as the library reads it."""
    return form.load_der_public_key(kms.get_public_key(KeyId=arn)["PublicKey"])


@pytest.fixture
def rsa(kms: Any) -> str:
    """A signing key."""
    return key(kms, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")


def test_every_rsa_and_curve_algorithm(kms: Any, rsa: str) -> None:
    made = {"RSA_2048": rsa}
    message = b"message"
    for spec, algorithm in PAIRS:
        arn = made.get(spec) or key(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")
        options = {"KeyId": arn, "SigningAlgorithm": algorithm}
        signature = kms.sign(Message=message, **options)["Signature"]
        digest = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
        checked = kms.verify(Message=digest, MessageType="DIGEST", Signature=signature, **options)
        assert checked["SignatureValid"] is True
        _check(public(kms, arn), algorithm, message, signature)
        assert refusal(kms.verify, Message=b"other", Signature=signature, **options) == (
            "KMSInvalidSignatureException",
            "",
        )
        short = refusal(kms.sign, Message=b"short", MessageType="DIGEST", **options)
        assert short == (
            "ValidationException",
            f"Digest is invalid length for algorithm {algorithm}.",
        )


def _check(public_key: Any, algorithm: str, message: bytes, signature: bytes) -> None:
    """Verify with the library; raises when the signature is not valid."""
    digest = getattr(hashes, f"SHA{algorithm[-3:]}")()
    if algorithm.startswith("ECDSA"):
        public_key.verify(signature, message, ec.ECDSA(digest))
    elif "PSS" in algorithm:
        pad = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public_key.verify(signature, message, pad, digest)
    else:
        public_key.verify(signature, message, padding.PKCS1v15(), digest)


def test_edwards_signatures(kms: Any) -> None:
    arn = key(kms, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    options = {"KeyId": arn, "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(Message=b"m", **options)["Signature"]
    public(kms, arn).verify(signature, b"m")
    assert kms.verify(Message=b"m", Signature=signature, **options)["SignatureValid"]
    assert refusal(kms.sign, Message=b"m" * 64, MessageType="DIGEST", **options)[0] == (
        "ValidationException"
    )
    options["SigningAlgorithm"] = "ED25519_PH_SHA_512"
    assert refusal(kms.sign, Message=b"m", **options)[0] == "ValidationException"
    digest = hashlib.sha512(b"m").digest()
    options["MessageType"] = "DIGEST"
    signature = kms.sign(Message=digest, **options)["Signature"]
    assert kms.verify(Message=digest, Signature=signature, **options)["SignatureValid"]
    wrong = refusal(kms.verify, Message=digest[::-1], Signature=signature, **options)
    assert wrong[0] == "KMSInvalidSignatureException"
    assert refusal(kms.sign, Message=b"short", **options) == (
        "ValidationException",
        "Digest is invalid length for algorithm ED25519_PH_SHA_512.",
    )


def test_prehashed_signatures_are_those_of_rfc_8032() -> None:
    """The example of section 7.3."""
    seed = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
    signature = bytes.fromhex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    )
    assert ed25519ph.sign(seed, hashlib.sha512(b"abc").digest()) == signature


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.data())
def test_a_prehashed_signature_is_of_one_key_and_one_digest(
    seed: bytes, digest: bytes, data: st.DataObject
) -> None:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    signature = ed25519ph.sign(seed, digest)
    assert ed25519ph.verify(public, digest, signature)
    at = data.draw(st.integers(0, 63))
    changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
    assert not ed25519ph.verify(public, digest, changed)


def test_lattice_signatures(kms: Any) -> None:
    pytest.importorskip(LATTICE + "mldsa")
    arn = key(kms, KeySpec="ML_DSA_44", KeyUsage="SIGN_VERIFY")
    options = {"KeyId": arn, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signature = kms.sign(Message=b"m", **options)["Signature"]
    assert len(signature) == 2420
    assert len(kms.get_public_key(KeyId=arn)["PublicKey"]) == 1334
    public(kms, arn).verify(signature, b"m")
    assert refusal(kms.sign, Message=b"m" * 64, MessageType="DIGEST", **options) == (
        "ValidationException",
        "Message type DIGEST is incompatible with key spec ML_DSA_44.",
    )
    mu = hashlib.shake_256(b"mu").digest(64)
    signature = kms.sign(Message=mu, MessageType="EXTERNAL_MU", **options)["Signature"]
    checked = kms.verify(Message=mu, MessageType="EXTERNAL_MU", Signature=signature, **options)
    assert checked["SignatureValid"]


def test_an_algorithm_of_another_kind_of_key_is_refused(kms: Any, rsa: str) -> None:
    code, message = refusal(kms.sign, KeyId=rsa, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    assert code == "InvalidKeyUsageException"
    assert "ECDSA_SHA_256" in message
    code, message = refusal(kms.generate_mac, KeyId=rsa, Message=b"m", MacAlgorithm="HMAC_SHA_256")
    assert message == f"{rsa} key usage is SIGN_VERIFY which is not valid for GenerateMac."


def test_what_a_public_key_is_for(kms: Any) -> None:
    arn = key(kms, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    shown = kms.get_public_key(KeyId=arn)
    assert shown["KeyAgreementAlgorithms"] == ["ECDH"]
    assert "SigningAlgorithms" not in shown
    assert refusal(kms.get_public_key, KeyId=key(kms))[0] == "UnsupportedOperationException"
    kms.disable_key(KeyId=arn)
    assert refusal(kms.get_public_key, KeyId=arn)[0] == "DisabledException"


@pytest.mark.parametrize("size", ["224", "256", "384", "512"])
def test_macs(kms: Any, size: str) -> None:
    arn = key(kms, KeySpec=f"HMAC_{size}", KeyUsage="GENERATE_VERIFY_MAC")
    options = {"KeyId": arn, "MacAlgorithm": f"HMAC_SHA_{size}"}
    made = kms.generate_mac(Message=b"m", **options)["Mac"]
    assert len(made) == int(size) // 8
    assert kms.verify_mac(Message=b"m", Mac=made, **options)["MacValid"] is True
    assert refusal(kms.verify_mac, Message=b"n", Mac=made, **options) == (
        "KMSInvalidMacException",
        "",
    )
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["MacAlgorithms"] == [f"HMAC_SHA_{size}"]


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_both_sides_derive_one_secret(kms: Any, spec: str) -> None:
    arn = key(kms, KeySpec=spec, KeyUsage="KEY_AGREEMENT")
    ours = public(kms, arn)
    mine = ec.generate_private_key(ours.curve)
    der = mine.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    options = {"KeyId": arn, "KeyAgreementAlgorithm": "ECDH"}
    made = kms.derive_shared_secret(PublicKey=der, **options)
    assert made["SharedSecret"] == mine.exchange(ec.ECDH(), ours)
    assert made["KeyOrigin"] == "AWS_KMS"
    assert refusal(kms.derive_shared_secret, PublicKey=b"nonsense", **options)[0] == (
        "ValidationException"
    )


def test_encapsulated_secrets(kms: Any) -> None:
    pytest.importorskip(LATTICE + "mlkem")
    arn = key(kms, KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
    options = {"KeyId": arn, "EncapsulationAlgorithm": "ML_KEM"}
    made = kms.encapsulate(**options)
    sealed = made["SharedSecretCiphertextBlob"]
    assert (len(made["SharedSecret"]), len(sealed)) == (32, 1088)
    opened = kms.decapsulate(SharedSecretCiphertextBlob=sealed, **options)
    assert opened["SharedSecret"] == made["SharedSecret"]
    other = kms.decapsulate(SharedSecretCiphertextBlob=sealed[::-1], **options)
    assert other["SharedSecret"] != made["SharedSecret"]
    assert refusal(kms.decapsulate, SharedSecretCiphertextBlob=b"x", **options)[0] == (
        "InvalidCiphertextException"
    )


def test_a_mac_is_what_the_imported_key_makes(kms: Any) -> None:
    """The HMAC is that of RFC 2104, checked with a key we know."""
    from tests.services.kms.test_importing import imported

    material = b"k" * 32
    options = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
    arn = imported(kms, material, **options)
    made = kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert made == hmac.digest(material, b"m", "sha256")
