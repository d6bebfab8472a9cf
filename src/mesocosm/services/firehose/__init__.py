"""Amazon Data Firehose: records gathered and delivered to Amazon S3 (API version 2015-08-04)."""

from __future__ import annotations

from mesocosm.call.service import Service

firehose = Service("firehose")

from mesocosm.services.firehose import control, operations, resources  # noqa: E402

__all__ = ["control", "firehose", "operations", "resources"]
