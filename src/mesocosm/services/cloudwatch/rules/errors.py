"""The errors several operations raise, in CloudWatch's words."""

from __future__ import annotations

from mesocosm.wire.errors import AwsError


def invalid(message: str) -> AwsError:
    """A parameter has a value it must not have."""
    return AwsError("InvalidParameterValueException", message)


def combination(message: str) -> AwsError:
    """Parameters that do not go together."""
    return AwsError("InvalidParameterCombinationException", message)


def missing(message: str) -> AwsError:
    """A parameter that must be given."""
    return AwsError("MissingRequiredParameterException", message)


def validation(message: str) -> AwsError:
    """What the operations of alarms and GetMetricData say of any invalid input."""
    return AwsError("ValidationError", message, status=400)


def not_found(name: str) -> AwsError:
    """No such alarm."""
    return AwsError("ResourceNotFound", f"Unknown: {name}" if name else "Unknown")


def no_resource(kind: str, name: str) -> AwsError:
    """What the newer operations say of what is not there."""
    return AwsError(
        "ResourceNotFoundException",
        f"Unknown {kind}: {name}",
        status=404,
        ResourceType=kind,
        ResourceId=name,
    )


def bad_token() -> AwsError:
    """A token this operation did not give."""
    return AwsError("InvalidNextToken", "Invalid NextToken")
