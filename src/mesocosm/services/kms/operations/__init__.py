"""The operations, by what they are about."""

from __future__ import annotations

from mesocosm.services.kms.operations import (
    aliases,
    encrypting,
    keys,
    policies,
    providing,
    tagging,
)

__all__ = ["aliases", "encrypting", "keys", "policies", "providing", "tagging"]
