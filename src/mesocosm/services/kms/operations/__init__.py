"""The operations, by what they are about."""

from __future__ import annotations

from mesocosm.services.kms.operations import (
    aliases,
    encrypting,
    granting,
    importing,
    keys,
    multi_region,
    policies,
    providing,
    rotating,
    signing,
    tagged,
    tagging,
)

__all__ = [
    "aliases",
    "encrypting",
    "granting",
    "importing",
    "keys",
    "multi_region",
    "policies",
    "providing",
    "rotating",
    "signing",
    "tagged",
    "tagging",
]
