"""What analytics, metrics, Intelligent-Tiering and inventory configurations must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import filter_parts
from mesocosm.wire.errors import AwsError

_ID = re.compile(r"[a-zA-Z0-9\-_.]{1,64}")
_BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

TIERS = {"ARCHIVE_ACCESS": 90, "DEEP_ARCHIVE_ACCESS": 180}
"""The least days without access before an object moves to a tier (at most 730)."""


def check_id(name: str) -> None:
    """Raises InvalidConfigurationId."""
    if _ID.fullmatch(name) is None:
        raise AwsError(
            "InvalidConfigurationId", "The specified configuration id is invalid.", status=400
        )


def analytics(document: Any) -> None:
    """Raises MalformedXML, InvalidRequest."""
    filter_parts(document.filter)


def metrics(document: Any) -> None:
    """Raises MalformedXML, InvalidRequest."""
    filter_parts(document.filter)


def tiering(document: Any) -> None:
    """Raises MalformedXML, InvalidArgument."""
    filter_parts(document.filter)
    tiers = [tier.access_tier for tier in document.tierings]
    if not tiers or len(set(tiers)) != len(tiers):
        raise malformed_xml()
    for tier in document.tierings:
        least = TIERS[tier.access_tier]
        if not least <= tier.days <= 730:
            raise argument(
                f"The number of days for {tier.access_tier} must be between {least} and 730",
                "Days",
                str(tier.days),
            )


def inventory(document: Any) -> None:
    """Raises InvalidS3DestinationBucket, MalformedXML."""
    to = document.destination.s3_bucket_destination
    if _BUCKET.fullmatch(to.bucket) is None:
        raise AwsError("InvalidS3DestinationBucket", "Invalid bucket ARN.", status=400)
    if to.account_id is not None and re.fullmatch(r"\d{12}", to.account_id) is None:
        raise malformed_xml()


CHECKS: dict[str, Callable[[Any], None]] = {
    "analytics": analytics,
    "metrics": metrics,
    "intelligent-tiering": tiering,
    "inventory": inventory,
}
