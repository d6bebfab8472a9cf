"""The credential report: its columns and its CSV.

Source: IAM user guide, "Getting credential reports for your AWS account".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
VALID_FOR = 4 * 3600.0
"""Seconds for which a report stands before another is made."""


def instant(time: float | None, otherwise: str = "N/A") -> str:
    """A time as the report shows it."""
    if time is None:
        return otherwise
    return datetime.fromtimestamp(int(time), UTC).isoformat()


def truth(value: bool) -> str:
    """A yes or no as the report shows it."""
    return "true" if value else "false"


def written(rows: Iterable[dict[str, str]]) -> bytes:
    """The report as CSV; a missing column reads N/A."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="N/A", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
