"""The operations of STS (AWS Security Token Service API reference)."""

from __future__ import annotations

from mesocosm.services.sts.operations import federation, roles, root, saml, tokens, users

__all__ = ["federation", "roles", "root", "saml", "tokens", "users"]
