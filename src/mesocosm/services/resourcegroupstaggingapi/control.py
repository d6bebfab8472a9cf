"""The report of compliance, written to its bucket."""

from __future__ import annotations

import csv
import io

from msgspec.structs import replace

from mesocosm.api import s3
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.services.resourcegroupstaggingapi import resourcegroupstaggingapi as tagging
from mesocosm.services.resourcegroupstaggingapi.operations.compliance import TRUSTED, judged
from mesocosm.services.resourcegroupstaggingapi.resources import Report, reports
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError

COLUMNS = (
    "AccountId",
    "Region",
    "ResourceARN",
    "ComplianceStatus",
    "NoncompliantKeys",
    "KeysWithNoncompliantValues",
    "MissingTagKeys",
    "Tags",
)


@tagging.timer("report")
def report(call: Call, key: str) -> None:
    """Write the report, or note why it cannot be written."""
    held = call.rows(reports).get(key)
    if held is None or held.status != "RUNNING":
        return
    try:
        _write(call, held)
    except AwsError as error:
        call.rows(reports)[key] = replace(held, status="FAILED", error=error.message)
    else:
        call.rows(reports)[key] = replace(held, status="SUCCEEDED")


def _write(call: Call, held: Report) -> None:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for one in judged(call, call.cloud.provider("organization")):
        state = one.compliance
        lines.writerow(
            [
                one.account,
                one.region,
                one.found.arn,
                "COMPLIANT" if state.complete else "NONCOMPLIANT",
                ";".join(state.keys),
                ";".join(state.values),
                ";".join(state.missing),
                ";".join(f"{key}={value}" for key, value in sorted(one.found.tags.items())),
            ]
        )
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{held.bucket}")
    call.invoke(
        "s3",
        "PutObject",
        s3.PutObjectRequest(
            bucket=held.bucket,
            key=held.key,
            body=MemoryBody(text.getvalue().encode(), call.world.blobs),
            content_type="text/csv",
        ),
        principal=service_principal(TRUSTED, call.account),
        account=target.account,
        region=target.region or call.region,
    )
