"""X.509 certificates, private keys and SSH keys as IAM takes them: read, compared, refused."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC
from typing import NamedTuple

from mesocosm.wire.errors import AwsError

RSA_BITS_MIN = 2048


class Certificate(NamedTuple):
    """What IAM keeps of a certificate: fingerprint (SHA-256, hex), end of validity, public key
    (DER)."""

    fingerprint: str
    expires: float
    public_key: bytes


def certificate(pem: str, what: str = "Certificate") -> Certificate:
    """A certificate in PEM; raises MalformedCertificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        key = _der(found.public_key())
    except ValueError:
        raise AwsError("MalformedCertificate", f"Unable to parse {what.lower()}.") from None
    expires = found.not_valid_after_utc.astimezone(UTC).timestamp()
    return Certificate(found.fingerprint(hashes.SHA256()).hex(), expires, key)


def checked_chain(pem: str) -> None:
    """Raise MalformedCertificate unless it holds certificates only."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        found = []
    if not found:
        raise AwsError("MalformedCertificate", "Unable to parse certificate chain.")


def public_key_of(pem: str) -> bytes:
    """The public key (DER) that belongs to an unencrypted private key; raises
    MalformedCertificate."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return _der(load_pem_private_key(pem.encode(), password=None).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AwsError(
            "MalformedCertificate",
            "Unable to parse private key. Please make sure it is in PEM format and not encrypted.",
        ) from None


class SshKey(NamedTuple):
    """An SSH public key: both encodings, and the MD5 of its blob as colon-separated hex."""

    ssh: str
    pem: str
    fingerprint: str


def ssh_key(body: str) -> SshKey:
    """An RSA public key in OpenSSH or PEM encoding; raises InvalidPublicKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        text = body.strip().encode()
        key = (
            serialization.load_pem_public_key(text)
            if text.startswith(b"-----")
            else serialization.load_ssh_public_key(text)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise invalid_key() from None
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise invalid_key()
    ssh = key.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    digest = hashlib.md5(base64.b64decode(ssh.split()[1]), usedforsecurity=False).hexdigest()
    pairs = [digest[place : place + 2] for place in range(0, 32, 2)]
    return SshKey(ssh, pem, ":".join(pairs))


def invalid_key() -> AwsError:
    """InvalidPublicKey."""
    return AwsError(
        "InvalidPublicKey",
        "The public key is not valid: an RSA key of at least 2048 bits in ssh-rsa or PEM format "
        "is needed.",
    )


def _der(key: object) -> bytes:
    from cryptography.hazmat.primitives import serialization

    assert hasattr(key, "public_bytes")
    encoded: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
