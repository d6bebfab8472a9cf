"""Object Lock: what a retention must be, and which changes of one are allowed.

Source: "Using S3 Object Lock", "How S3 Object Lock works", Amazon S3 User Guide.
"""

from __future__ import annotations

from typing import Any

from mesocosm.services.s3.resources.rows import Lock
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.wire.errors import AwsError

DAY = 86_400.0
DAYS_MAX = 36_500
YEARS_MAX = 100


def check_default(document: Any) -> None:
    """A bucket's ObjectLockConfiguration. Raises MalformedXML, InvalidArgument,
    InvalidRetentionPeriod.
    """
    if document.object_lock_enabled != "Enabled":
        raise malformed_xml()
    if document.rule is None:
        return
    default = document.rule.default_retention
    if default is None or default.mode is None or (default.days is None) == (default.years is None):
        raise malformed_xml()
    period = default.days if default.days is not None else default.years
    if period <= 0:
        raise argument(
            "Default retention period must be a positive integer value.",
            "Days" if default.days is not None else "Years",
            str(period),
        )
    if period > (DAYS_MAX if default.days is not None else YEARS_MAX):
        raise AwsError(
            "InvalidRetentionPeriod",
            "The retention period specified is too large: at most "
            f"{DAYS_MAX} days or {YEARS_MAX} years",
            status=400,
        )


def default_lock(document: Any, now: float) -> Lock | None:
    """The retention of a new object by the bucket's default."""
    if document is None or document.rule is None:
        return None
    default = document.rule.default_retention
    days = default.days if default.days is not None else default.years * 365
    return Lock(default.mode, now + days * DAY)


def check_change(lock: Lock, mode: str, until: float, now: float, bypass: bool) -> None:
    """Whether a retention may be replaced by another (mode "": removed). Raises AccessDenied."""
    if not lock.mode or lock.until <= now:
        return
    weaker = until < lock.until or (lock.mode == "COMPLIANCE" and mode != "COMPLIANCE")
    weaker = weaker or not mode
    if weaker and not (lock.mode == "GOVERNANCE" and bypass):
        raise AwsError(
            "AccessDenied", "Access Denied because object protected by object lock.", status=403
        )
