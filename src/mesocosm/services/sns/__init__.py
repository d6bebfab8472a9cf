"""Amazon SNS: topics, subscriptions and what is delivered (API version 2010-03-31)."""

from __future__ import annotations

from mesocosm.call.service import Service

sns = Service("sns", denied="AuthorizationError", spoken="SNS")

from mesocosm.services.sns import control, operations, resources  # noqa: E402

__all__ = ["control", "operations", "resources", "sns"]
