"""AWS Key Management Service (API version 2014-11-01): keys, and what is done with them."""

from __future__ import annotations

from mesocosm.call.service import Service

kms = Service("kms")

from mesocosm.services.kms import control, engine, operations, resources  # noqa: E402

__all__ = ["control", "engine", "kms", "operations", "resources"]
