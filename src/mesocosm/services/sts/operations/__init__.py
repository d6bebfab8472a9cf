"""The operations of STS (AWS Security Token Service API reference)."""

from __future__ import annotations

from mesocosm.services.sts.operations import federation, issuer, roles, root, saml, tokens, users

__all__ = ["federation", "issuer", "roles", "root", "saml", "tokens", "users"]
