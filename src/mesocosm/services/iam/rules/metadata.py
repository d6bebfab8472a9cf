"""SAML metadata documents, as far as IAM reads them.

Source: SAML V2.0 metadata (OASIS), EntityDescriptor and IDPSSODescriptor.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from mesocosm.wire.errors import AwsError

_MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
CENTURY = 100 * 365 * 86_400.0


def valid_until(document: str, now: float) -> float:
    """When the metadata end (epoch seconds), a hundred years from now if it does not say;
    InvalidInput if unreadable."""
    # An identity provider's metadata needs no document type; with one come entities that grow
    # without bound.
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise unreadable()
    try:
        root = ElementTree.fromstring(document)
    except (ElementTree.ParseError, ValueError):
        raise unreadable() from None
    entity = root if root.tag == f"{_MD}EntityDescriptor" else root.find(f"{_MD}EntityDescriptor")
    if entity is None or entity.find(f"{_MD}IDPSSODescriptor") is None:
        raise unreadable()
    if not entity.get("entityID"):
        raise unreadable()
    text = entity.get("validUntil") or root.get("validUntil")
    if not text:
        return now + CENTURY
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise unreadable() from None
    end = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if end <= now:
        raise AwsError("InvalidInput", "The SAML metadata document has expired.")
    return end


def unreadable() -> AwsError:
    """InvalidInput."""
    return AwsError("InvalidInput", "Could not parse metadata")
