"""Key pairs: RSA, elliptic curves, Ed25519, ML-DSA and ML-KEM. Private keys are PKCS #8 (DER)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mesocosm.world import Ids

CURVES = {
    "ECC_NIST_P256": ("SECP256R1", 32),
    "ECC_NIST_P384": ("SECP384R1", 48),
    "ECC_NIST_P521": ("SECP521R1", 66),
    "ECC_SECG_P256K1": ("SECP256K1", 32),
}
HASHES = {"1": "SHA1", "256": "SHA256", "384": "SHA384", "512": "SHA512"}


def generate(ids: Ids, spec: str) -> bytes | None:
    """A new private key; None for what the library cannot make (SM2, ML_KEM_512).

    What is made from a seed takes it from `ids`; RSA keys come from OpenSSL's own generator.
    """
    made = _generate(ids, spec)
    return None if made is None else _private_bytes(made)


def _generate(ids: Ids, spec: str) -> Any:
    if spec.startswith("RSA_"):
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(65_537, int(spec[4:]))
    if spec in CURVES:
        from cryptography.hazmat.primitives.asymmetric import ec

        name, size = CURVES[spec]
        curve: ec.EllipticCurve = getattr(ec, name)()
        # Half of the curve's order and more is left out: one bit of some hundreds.
        number = int.from_bytes(ids.bytes(size + 16), "big") % ((1 << (curve.key_size - 1)) - 1)
        return ec.derive_private_key(number + 1, curve)
    if spec == "ECC_NIST_EDWARDS25519":
        from cryptography.hazmat.primitives.asymmetric import ed25519

        return ed25519.Ed25519PrivateKey.from_private_bytes(ids.bytes(32))
    return _lattice(ids, spec)


def _lattice(ids: Ids, spec: str) -> Any:
    """ML-DSA (FIPS 204) and ML-KEM (FIPS 203), as far as the library has them."""
    try:
        if spec.startswith("ML_DSA_"):
            from cryptography.hazmat.primitives.asymmetric import mldsa as module

            kind, seed = getattr(module, f"MLDSA{spec[7:]}PrivateKey", None), 32
        elif spec.startswith("ML_KEM_"):
            from cryptography.hazmat.primitives.asymmetric import mlkem

            kind, seed = getattr(mlkem, f"MLKEM{spec[7:]}PrivateKey", None), 64
        else:
            return None
    except ImportError:
        return None
    return None if kind is None else kind.from_seed_bytes(ids.bytes(seed))


def _private_bytes(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    data: bytes = key.private_bytes(
        form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    return data


@lru_cache(maxsize=256)
def load(private: bytes) -> Any:
    """The library's object for a private key; raises ValueError for what is none."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(private, None)


def public(private: bytes) -> bytes:
    """The public key of a private one: SubjectPublicKeyInfo (DER)."""
    from cryptography.hazmat.primitives import serialization as form

    data: bytes = (
        load(private)
        .public_key()
        .public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    )
    return data


def hashing(algorithm: str) -> Any:
    """The library's hash for an algorithm's name, which ends in it."""
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, HASHES[algorithm.rpartition("_")[2]])()


def oaep(algorithm: str) -> Any:
    """RSAES-OAEP (RFC 8017) with one hash for data and mask."""
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.OAEP(padding.MGF1(hashing(algorithm)), hashing(algorithm), None)


def encrypt(private: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """RSA encryption under the public key."""
    data: bytes = load(private).public_key().encrypt(plaintext, oaep(algorithm))
    return data


def decrypt(private: bytes, algorithm: str, data: bytes) -> bytes | None:
    """RSA decryption; None for what was not encrypted under this key."""
    try:
        plain: bytes = load(private).decrypt(data, oaep(algorithm))
    except ValueError:
        return None
    return plain
