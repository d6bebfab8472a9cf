"""The public keys that digests are verified with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.api import cloudtrail as api
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


@cloudtrail.operation("ListPublicKeys")
def list_public_keys(call: Call, request: api.ListPublicKeysRequest) -> api.ListPublicKeysResponse:
    """The keys of this account and Region that were valid at some time of a range (now, if none
    is given).
    """
    start = call.now if request.start_time is None else request.start_time
    end = call.now if request.end_time is None else request.end_time
    if request.start_time is not None and request.end_time is None:
        end = max(end, start)
    if start > end:
        raise AwsError(
            "InvalidTimeRangeException",
            "The start time must not be after the end time.",
        )
    valid = [
        (fingerprint, row)
        for fingerprint, row in call.rows(rows.keys).items()
        if row.since <= end and row.until >= start
    ]
    return api.ListPublicKeysResponse(
        public_key_list=[
            api.PublicKey(
                value=row.public,
                validity_start_time=row.since,
                validity_end_time=row.until,
                fingerprint=fingerprint,
            )
            for fingerprint, row in sorted(valid, key=lambda pair: pair[1].since)
        ]
    )
