"""XML signatures as SAML uses them: one enveloped signature over the element it stands in.

Source: W3C XML Signature Syntax and Processing 1.1; SAML V2.0 core, section 5.4 (which allows
nothing but the enveloped-signature and exclusive canonicalisation transforms, and one reference).
Only what has been verified is given back, so that nothing beside it can be taken for signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import Certificate

DS = "{http://www.w3.org/2000/09/xmldsig#}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
DIGESTS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SIGNATURES: dict[str, tuple[str, type[hashes.HashAlgorithm]]] = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": ("rsa", hashes.SHA1),
    f"{MORE}rsa-sha256": ("rsa", hashes.SHA256),
    f"{MORE}rsa-sha384": ("rsa", hashes.SHA384),
    f"{MORE}rsa-sha512": ("rsa", hashes.SHA512),
    f"{MORE}ecdsa-sha256": ("ecdsa", hashes.SHA256),
    f"{MORE}ecdsa-sha384": ("ecdsa", hashes.SHA384),
    f"{MORE}ecdsa-sha512": ("ecdsa", hashes.SHA512),
}


class Unsigned(Exception):
    """There is no signature that holds."""


def parse(document: bytes) -> Any:
    """The root element of a document without a document type; comments are left out."""
    from lxml import etree  # 20 ms, and only for SAML

    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise Unsigned
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unsigned from None


def verified(element: Any, certificates: Iterable[Certificate]) -> Any:
    """The element, if the signature right below it is of one of the certificates' keys."""
    found = element.findall(f"{DS}Signature")
    if len(found) != 1:
        raise Unsigned
    signature = found[0]
    info, value = signature.find(f"{DS}SignedInfo"), signature.find(f"{DS}SignatureValue")
    if info is None or value is None:
        raise Unsigned
    method = info.find(f"{DS}CanonicalizationMethod")
    algorithm = info.find(f"{DS}SignatureMethod")
    if method is None or algorithm is None:
        raise Unsigned
    signed = _canonical(info, method.get("Algorithm"), _prefixes(method))
    raw = _bytes(value)
    if not any(_holds(one, algorithm.get("Algorithm"), raw, signed) for one in certificates):
        raise Unsigned
    _check_reference(element, signature, info)
    return element


def _check_reference(element: Any, signature: Any, info: Any) -> None:
    references = info.findall(f"{DS}Reference")
    name = element.get("ID")
    if len(references) != 1 or not name or references[0].get("URI") != f"#{name}":
        raise Unsigned
    root = element.getroottree().getroot()
    if sum(other.get("ID") == name for other in root.iter()) != 1:
        raise Unsigned
    reference = references[0]
    kind, prefixes = INCLUSIVE, []
    for transform in reference.iterfind(f"{DS}Transforms/{DS}Transform"):
        algorithm = transform.get("Algorithm")
        if algorithm == EXCLUSIVE:
            kind, prefixes = EXCLUSIVE, _prefixes(transform)
        elif algorithm != ENVELOPED:
            raise Unsigned
    digest = reference.find(f"{DS}DigestMethod")
    hashed = DIGESTS.get(digest.get("Algorithm")) if digest is not None else None
    value = reference.find(f"{DS}DigestValue")
    if hashed is None or value is None:
        raise Unsigned
    parent, place = signature.getparent(), element.index(signature)
    tail = signature.tail
    parent.remove(signature)
    if tail:
        _append_text(parent, place, tail)
    content = _canonical(element, kind, prefixes)
    if not hmac.compare_digest(hashlib.new(hashed, content).digest(), _bytes(value)):
        raise Unsigned


def _append_text(parent: Any, place: int, text: str) -> None:
    """Text after a removed element stays where it was."""
    if place == 0:
        parent.text = (parent.text or "") + text
    else:
        before = parent[place - 1]
        before.tail = (before.tail or "") + text


def _prefixes(transform: Any) -> list[str]:
    found = transform.find(f"{{{EXCLUSIVE}}}InclusiveNamespaces")
    return (found.get("PrefixList") or "").split() if found is not None else []


def _canonical(element: Any, kind: str | None, prefixes: list[str]) -> bytes:
    from lxml import etree

    if kind not in (EXCLUSIVE, INCLUSIVE):
        raise Unsigned
    exclusive = kind == EXCLUSIVE
    found = etree.tostring(
        element,
        method="c14n",
        exclusive=exclusive,
        with_comments=False,
        inclusive_ns_prefixes=prefixes if exclusive and prefixes else None,
    )
    assert isinstance(found, bytes)
    return found


def _bytes(element: Any) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except ValueError:
        raise Unsigned from None


def _holds(certificate: Certificate, name: str | None, signature: bytes, data: bytes) -> bool:
    kind, hashed = SIGNATURES.get(name or "", ("", hashes.SHA256))
    key = certificate.public_key()
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashed())
            return True
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashed()))
            return True
    except InvalidSignature:
        return False
    return False
