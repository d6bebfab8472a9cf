"""SAML responses as STS reads them (SAML V2.0 core; IAM guide, "Configure SAML assertions")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

from cryptography import x509

from mesocosm.services.sts.rules import xmlenc, xmlsig

PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


class Unreadable(Exception):
    """No SAML response as it should be."""


class Plain(Exception):
    """The assertion is not encrypted, as it has to be."""


class Assertion(NamedTuple):
    """What a verified assertion says. Times are epoch seconds; None where it is silent."""

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    audiences: tuple[str, ...]
    issued: float
    begins: float | None
    ends: float | None
    confirm_until: float | None
    attributes: dict[str, tuple[str, ...]]


class Issuer(NamedTuple):
    """Who a metadata document is of, and the certificates it signs with."""

    entity: str
    certificates: tuple[x509.Certificate, ...]


def issuer_of(metadata: str) -> Issuer:
    """The identity provider of a metadata document that IAM has accepted."""
    root = ElementTree.fromstring(metadata)
    entity = root if root.tag == f"{METADATA}EntityDescriptor" else None
    entity = entity if entity is not None else root.find(f"{METADATA}EntityDescriptor")
    if entity is None:
        raise Unreadable
    found = []
    for key in entity.iterfind(f"{METADATA}IDPSSODescriptor/{METADATA}KeyDescriptor"):
        if key.get("use", "signing") != "signing":
            continue
        for text in key.iter(f"{xmlsig.DS}X509Certificate"):
            try:
                der = base64.b64decode("".join((text.text or "").split()))
                found.append(x509.load_der_x509_certificate(der))
            except ValueError:
                continue
    return Issuer(entity.get("entityID") or "", tuple(found))


def read(text: str, issuer: Issuer, keys: Iterable[str], encrypted: bool) -> Assertion:
    """The assertion of a response (base64) that the issuer has signed, itself or within.

    `keys`: the private keys (PEM) that read an encrypted one; `encrypted`: it has to be.
    Raises Unreadable, Plain, xmlsig.Unsigned, or xmlenc.Undecipherable.
    """
    try:
        document = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable from None
    root = xmlsig.parse(document)
    if root.tag != f"{PROTOCOL}Response":
        raise Unreadable
    status = root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    if status is None or status.get("Value") != SUCCESS:
        raise Unreadable
    sealed = root.findall(f"{ASSERTION}EncryptedAssertion")
    found = root.findall(f"{ASSERTION}Assertion")
    if len(found) + len(sealed) != 1:
        raise Unreadable
    if encrypted and not sealed:
        raise Plain
    whole = root.find(f"{xmlsig.DS}Signature") is not None
    if whole:
        xmlsig.verified(root, issuer.certificates)
    assertion = found[0] if found else xmlsig.parse(xmlenc.decrypted(sealed[0], keys))
    if assertion.tag != f"{ASSERTION}Assertion":
        raise Unreadable
    if not whole:
        xmlsig.verified(assertion, issuer.certificates)
    return _assertion(assertion)


def _assertion(element: Any) -> Assertion:
    name = element.find(f"{ASSERTION}Subject/{ASSERTION}NameID")
    data = None
    for one in element.iterfind(f"{ASSERTION}Subject/{ASSERTION}SubjectConfirmation"):
        if one.get("Method") == BEARER:
            data = one.find(f"{ASSERTION}SubjectConfirmationData")
    if name is None or data is None:
        raise Unreadable
    conditions = element.find(f"{ASSERTION}Conditions")
    issued = _time(element.get("IssueInstant"))
    if issued is None:
        raise Unreadable
    return Assertion(
        issuer=_text(element.find(f"{ASSERTION}Issuer")),
        subject=_text(name),
        subject_type=(name.get("Format") or "").removeprefix(FORMAT),
        recipient=data.get("Recipient") or "",
        audiences=tuple(_text(one) for one in element.iter(f"{ASSERTION}Audience")),
        issued=issued,
        begins=_time(conditions.get("NotBefore")) if conditions is not None else None,
        ends=_time(conditions.get("NotOnOrAfter")) if conditions is not None else None,
        confirm_until=_time(data.get("NotOnOrAfter")),
        attributes={
            one.get("Name") or "": tuple(
                _text(value) for value in one.iterfind(f"{ASSERTION}AttributeValue")
            )
            for one in element.iterfind(f"{ASSERTION}AttributeStatement/{ASSERTION}Attribute")
        },
    )


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip() if element is not None else ""


def _time(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Unreadable from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
