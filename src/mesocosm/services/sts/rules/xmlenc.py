"""Encrypted assertions: the key of the content is wrapped for one of the provider's private keys.

Source: W3C XML Encryption Syntax and Processing 1.1; IAM user guide, "Create a SAML identity
provider in IAM" (private keys for encryption). Key transport is RSA-OAEP; PKCS #1 v1.5 is not
taken, since it tells whoever asks often enough what was encrypted (RFC 8017, section 7.2).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mesocosm.services.sts.rules.xmlsig import DS

ENC = "{http://www.w3.org/2001/04/xmlenc#}"
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
CBC = {f"{XENC}aes{bits}-cbc": bits for bits in (128, 192, 256)}
GCM = {f"{XENC11}aes{bits}-gcm": bits for bits in (128, 192, 256)}
BLOCK_BYTES, NONCE_BYTES = 16, 12
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1,
    f"{XENC}sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
    f"{XENC}sha512": hashes.SHA512,
}
MASKS: dict[str, type[hashes.HashAlgorithm]] = {
    f"{XENC11}mgf1sha1": hashes.SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256,
    f"{XENC11}mgf1sha384": hashes.SHA384,
    f"{XENC11}mgf1sha512": hashes.SHA512,
}


class Undecipherable(Exception):
    """None of the keys reads it, or it is encrypted in another way."""


def decrypted(element: Any, keys: Iterable[str]) -> bytes:
    """What an EncryptedAssertion holds, by the first of the private keys (PEM) that reads it."""
    data = element.find(f"{ENC}EncryptedData")
    wrapped = list(element.iter(f"{ENC}EncryptedKey"))
    if data is None or not wrapped:
        raise Undecipherable
    algorithm, content = _algorithm(data), _value(data)
    for pem in keys:
        private = serialization.load_pem_private_key(pem.encode(), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            continue
        for one in wrapped:
            try:
                return _content(algorithm, private.decrypt(_value(one), _oaep(one)), content)
            except (ValueError, InvalidTag):
                continue  # of another key
    raise Undecipherable


def _algorithm(element: Any) -> str:
    method = element.find(f"{ENC}EncryptionMethod")
    return (method.get("Algorithm") or "") if method is not None else ""


def _value(element: Any) -> bytes:
    value = element.find(f"{ENC}CipherData/{ENC}CipherValue")
    try:
        return base64.b64decode("".join((value.text or "").split()), validate=True)
    except (AttributeError, binascii.Error):
        raise Undecipherable from None


def _oaep(element: Any) -> padding.OAEP:
    named = _algorithm(element)
    method = element.find(f"{ENC}EncryptionMethod")
    if named not in (f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep"):
        raise Undecipherable
    digest = method.find(f"{DS}DigestMethod")
    mask = method.find(f"{{{XENC11}}}MGF") if named.startswith(XENC11) else None
    try:
        hashed = HASHES[digest.get("Algorithm")] if digest is not None else hashes.SHA1
        masked = MASKS[mask.get("Algorithm")] if mask is not None else hashes.SHA1
    except KeyError:
        raise Undecipherable from None
    return padding.OAEP(padding.MGF1(masked()), hashed(), None)


def _content(algorithm: str, key: bytes, data: bytes) -> bytes:
    """Raises ValueError, InvalidTag."""
    if len(key) * 8 != (CBC | GCM).get(algorithm):
        raise ValueError
    if algorithm in GCM:
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None)
    plain = Cipher(algorithms.AES(key), modes.CBC(data[:BLOCK_BYTES])).decryptor()
    text = plain.update(data[BLOCK_BYTES:]) + plain.finalize()
    if not text or not 1 <= text[-1] <= BLOCK_BYTES:
        raise ValueError
    return text[: -text[-1]]
