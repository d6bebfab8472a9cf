"""Key pairs: RSA, elliptic curves, Ed25519, ML-DSA and ML-KEM. Private keys are PKCS #8 (DER)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mesocosm.services.kms.engine import ed25519ph
from mesocosm.world import Ids

CURVES = {
    "ECC_NIST_P256": ("SECP256R1", 32),
    "ECC_NIST_P384": ("SECP384R1", 48),
    "ECC_NIST_P521": ("SECP521R1", 66),
    "ECC_SECG_P256K1": ("SECP256K1", 32),
}
PREHASHED = "ED25519_PH_SHA_512"
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


class Mismatch(Exception):
    """A message, a digest or a public key that does not fit the key."""


def sign(private: bytes, algorithm: str, message: bytes, kind: str) -> bytes:
    """A signature. `kind`: RAW, DIGEST or EXTERNAL_MU, as `message` is. Raises Mismatch."""
    key = load(private)
    if algorithm.startswith("RSASSA_"):
        made: bytes = key.sign(message, _padding(algorithm), _digest(algorithm, message, kind))
    elif algorithm.startswith("ECDSA_"):
        from cryptography.hazmat.primitives.asymmetric import ec

        made = key.sign(message, ec.ECDSA(_digest(algorithm, message, kind)))
    elif algorithm == PREHASHED:
        made = ed25519ph.sign(key.private_bytes_raw(), _sha512(message))
    elif kind == "EXTERNAL_MU":
        made = key.sign_mu(_mu(message))
    else:
        made = key.sign(message)
    return made


def verify(private: bytes, algorithm: str, message: bytes, kind: str, signature: bytes) -> bool:
    """Whether a signature is one of the key's. Raises Mismatch."""
    from cryptography.exceptions import InvalidSignature

    key = load(private).public_key()
    try:
        if algorithm.startswith("RSASSA_"):
            digest = _digest(algorithm, message, kind)
            key.verify(signature, message, _padding(algorithm), digest)
        elif algorithm.startswith("ECDSA_"):
            from cryptography.hazmat.primitives.asymmetric import ec

            key.verify(signature, message, ec.ECDSA(_digest(algorithm, message, kind)))
        elif algorithm == PREHASHED:
            return ed25519ph.verify(key.public_bytes_raw(), _sha512(message), signature)
        elif kind == "EXTERNAL_MU":
            key.verify_mu(signature, _mu(message))
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _padding(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    if "_PSS_" in algorithm:
        digest = hashing(algorithm)
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()


def _digest(algorithm: str, message: bytes, kind: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    digest = hashing(algorithm)
    if kind != "DIGEST":
        return digest
    if len(message) != digest.digest_size:
        raise Mismatch(f"Digest is invalid length for algorithm {algorithm}.")
    return Prehashed(digest)


def _sha512(digest: bytes) -> bytes:
    if len(digest) != 64:
        raise Mismatch(f"Digest is invalid length for algorithm {PREHASHED}.")
    return digest


def _mu(message: bytes) -> bytes:
    if len(message) != 64:
        raise Mismatch("Message is invalid length for message type EXTERNAL_MU.")
    return message


def agree(private: bytes, peer: bytes) -> bytes:
    """The shared secret of ECDH (SP 800-56A): the x-coordinate. Raises Mismatch for a peer's key
    (SubjectPublicKeyInfo) that is not on the same curve."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        secret: bytes = load(private).exchange(ec.ECDH(), load_der_public_key(peer))
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise Mismatch("The public key is not valid for this key.") from None
    return secret


def encapsulate(private: bytes) -> tuple[bytes, bytes]:
    """A shared secret and its encapsulated form (FIPS 203)."""
    secret, sealed = load(private).public_key().encapsulate()
    return secret, sealed


def decapsulate(private: bytes, sealed: bytes) -> bytes | None:
    """The shared secret; None for a form of the wrong length. Any other gives some secret."""
    try:
        secret: bytes = load(private).decapsulate(sealed)
    except ValueError:
        return None
    return secret


def fits(private: bytes, spec: str) -> bool:
    """Whether bytes that were imported are a private key of a spec."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = load(private)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    name = type(key).__name__
    if spec.startswith("RSA_"):
        return "RSA" in name and key.key_size == int(spec[4:])
    if spec in CURVES:
        return bool(getattr(getattr(key, "curve", None), "name", "") == CURVES[spec][0].lower())
    if spec == "ECC_NIST_EDWARDS25519":
        return "Ed25519" in name
    return spec.replace("_", "") in name.upper()
