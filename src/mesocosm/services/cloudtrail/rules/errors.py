"""`errorCode`: the name of an error, as CloudTrail spells it."""

from __future__ import annotations

from functools import cache

from mesocosm import wire

DENIALS = frozenset({"AccessDenied", "AccessDeniedException"})


def error_code(service: str, code: str, status: int) -> str:
    """EC2's carry who is at fault, denials are `AccessDenied`, others have their shape's name."""
    if not code:
        return ""
    if service == "ec2":
        return f"{'Server' if status >= 500 else 'Client'}.{code}"
    if code in DENIALS:
        return "AccessDenied"
    return _shapes(service).get(code, code)


@cache
def _shapes(service: str) -> dict[str, str]:
    """The error codes of a service that differ from the names of their shapes, but for S3's."""
    found: dict[str, str] = {}
    model = wire.service(service)
    if model.name == "s3":
        return found
    for name, shape in model.shapes.items():
        code = shape.get("error", {}).get("code")
        if code and shape.get("exception") and code != name and name == f"{code}Exception":
            found[code] = name
    return found
