"""Reports of compliance, one for each organization's management account."""

from __future__ import annotations

import msgspec

from mesocosm.world import Table


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last report asked for. `started` is epoch seconds, `status` RUNNING, SUCCEEDED or
    FAILED.
    """

    bucket: str
    key: str
    started: float
    status: str = "RUNNING"
    error: str = ""


reports: Table[str, Report] = Table("resourcegroupstaggingapi.reports", Report)
LATEST = "latest"
