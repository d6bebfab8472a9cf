"""The refusals that many operations of SNS share, in AWS's words."""

from __future__ import annotations

from mesocosm.wire.errors import AwsError


def invalid(reason: str) -> AwsError:
    """InvalidParameter, as SNS words it."""
    return AwsError("InvalidParameter", f"Invalid parameter: {reason}")


def bad_value(message: str) -> AwsError:
    """ParameterValueInvalid: what is wrong with a message attribute."""
    return AwsError("ParameterValueInvalid", message)


def no_topic() -> AwsError:
    """NotFound, for a topic."""
    return AwsError("NotFound", "Topic does not exist")


def no_subscription() -> AwsError:
    """NotFound, for a subscription."""
    return AwsError("NotFound", "Subscription does not exist")


def denied(message: str) -> AwsError:
    """AuthorizationError: what only an owner may do."""
    return AwsError("AuthorizationError", message)
