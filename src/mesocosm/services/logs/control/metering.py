"""The default values of metric filters, at the end of each minute."""

from __future__ import annotations

from mesocosm.call.authority import Metric
from mesocosm.call.call import Call
from mesocosm.call.metering import Meter
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.measuring import MINUTE, Quiet
from mesocosm.services.logs.resources.rows import metric_filters


@logs.gauge(MINUTE)
def defaults(call: Call, meter: Meter) -> bool:
    """The default value, for a minute in which events came and none matched."""
    seen = call.world.derived(Quiet).seen
    ended = call.world.clock.now() // MINUTE * MINUTE - MINUTE
    for key, (minute, matched) in list(seen.items()):
        if minute > ended:
            continue
        del seen[key]
        account, region, group, name = key
        row = call.rows(metric_filters, account, region).get((group, name))
        if not matched and row is not None and row.default is not None:
            metric = Metric(row.namespace, row.metric, row.unit)
            meter.sample(account, region, metric, (), row.default, minute)
    return bool(seen)
