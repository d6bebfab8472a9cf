"""Insights: not offered, so no trail has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.api import cloudtrail as api
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import trails as found
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


@cloudtrail.operation(
    "GetInsightSelectors", resource=lambda call, request: found.arn_of(call, request.trail_name)
)
def get_insight_selectors(
    call: Call, request: api.GetInsightSelectorsRequest
) -> api.GetInsightSelectorsResponse:
    """No trail has Insights enabled."""
    if request.event_data_store is not None:
        raise call.not_implemented("event data stores")
    row = found.find(call, request.trail_name)
    raise AwsError(
        "InsightNotEnabledException",
        f"Trail {row.arn} does not have Insights enabled. Edit the trail settings to enable "
        "Insights, and then try the operation again.",
    )
