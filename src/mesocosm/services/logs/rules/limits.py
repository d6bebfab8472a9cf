"""Limits and what log classes leave out (CloudWatch Logs user guide, "CloudWatch Logs quotas", "Log
classes")."""

from __future__ import annotations

DAY_MS = 86_400_000
BATCH_BYTES = 1_048_576
EVENT_OVERHEAD = 26
TOO_NEW_MS = 2 * 3_600_000
TOO_OLD_MS = 14 * DAY_MS
RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
PAGE_BYTES = 1_048_576
METRIC_FILTERS = 100
SUBSCRIPTIONS = 2
REGEX_PATTERNS = 5
RESOURCE_POLICIES = 10
TAGS = 50
