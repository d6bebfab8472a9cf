"""Digest files: what they hold, and how they are signed.

Source: CloudTrail user guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation".
"""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mesocosm.call.moments import iso

if TYPE_CHECKING:
    from mesocosm.services.cloudtrail.resources.rows import Chain

ALGORITHM = "SHA256withRSA"
KEY_BITS = 2048
KEY_SECONDS = 30 * 86400


class Digest(NamedTuple):
    """A digest file that is ready to be signed: its place and content (JSON)."""

    bucket: str
    key: str
    end: str
    content: bytes


def digest_file(
    chain: Chain, account: str, bucket: str, key: str, end: float, fingerprint: str
) -> Digest:
    """The digest that continues a chain, up to `end`."""
    files = chain.files
    content: dict[str, Any] = {
        "awsAccountId": account,
        "digestStartTime": iso(chain.start),
        "digestEndTime": iso(end),
        "digestS3Bucket": bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": iso(max(one.newest for one in files)) if files else None,
        "oldestEventTime": iso(min(one.oldest for one in files)) if files else None,
        "previousDigestS3Bucket": chain.bucket,
        "previousDigestS3Object": chain.key,
        "previousDigestHashValue": chain.digest,
        "previousDigestHashAlgorithm": "SHA-256" if chain.digest else None,
        "previousDigestSignature": chain.signature,
        "logFiles": [
            {
                "s3Bucket": one.bucket,
                "s3Object": one.key,
                "hashValue": one.digest,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": iso(one.newest),
                "oldestEventTime": iso(one.oldest),
            }
            for one in files
        ],
    }
    return Digest(bucket, key, iso(end), msgspec.json.encode(content))


def string_to_sign(digest: Digest, previous_signature: str | None) -> bytes:
    """What is signed of a digest."""
    return (
        f"{digest.end}\n{digest.bucket}/{digest.key}\n"
        f"{hashlib.sha256(digest.content).hexdigest()}\n{previous_signature or 'null'}"
    ).encode()


def sign(private: bytes, text: bytes) -> str:
    """The signature (RSASSA-PKCS1-v1_5, SHA-256) in hexadecimal; `private` is PKCS#8 in DER."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    # Checking the primes again takes 70 ms; the key is one that `new_key` made.
    key = load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()


def new_key() -> tuple[bytes, bytes]:
    """A key pair: PKCS#8 and PKCS#1 in DER."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private = key.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.PKCS1)
    return private, public


def fingerprint_of(public: bytes) -> str:
    """The fingerprint of a public key: 32 hexadecimal digits."""
    return hashlib.md5(public, usedforsecurity=False).hexdigest()


def packed(content: bytes) -> bytes:
    """Content as it is stored: gzip without a time, so that the same is always the same."""
    return gzip.compress(content, 6, mtime=0)
