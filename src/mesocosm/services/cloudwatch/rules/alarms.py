"""What PutMetricAlarm and PutCompositeAlarm accept, in CloudWatch's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mesocosm.api import cloudwatch as api
from mesocosm.services.cloudwatch.rules import statistics
from mesocosm.services.cloudwatch.rules.data import named
from mesocosm.services.cloudwatch.rules.errors import validation
from mesocosm.services.cloudwatch.rules.evaluation import BANDS
from mesocosm.services.cloudwatch.rules.windows import PERIODS, BadZone, zone_of
from mesocosm.wire.errors import AwsError

MISSING = ("breaching", "notBreaching", "ignore", "missing")
ALONE = ("namespace", "metric_name", "dimensions", "period", "unit", "statistic")
DAY, WEEK = 86_400, 604_800
TAGS_MAX = 50
_ARN = re.compile(r"arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:\w*:.+", re.DOTALL)
_AUTOMATE = re.compile(r"arn:[a-z0-9-]+:automate:[a-z0-9-]+:ec2:(?:stop|terminate|reboot|recover)")


def check_actions(actions: Sequence[str] | None, region: str) -> None:
    """Actions are ARNs, of topics in the Region of the alarm."""
    for action in actions or ():
        if _AUTOMATE.fullmatch(action):
            continue
        if not _ARN.fullmatch(action):
            raise validation(f"Invalid arn syntax: {action}")
        place = action.split(":")[3]
        if action.split(":")[2] == "sns" and place != region:
            raise validation(f"Invalid region {place} specified. Only {region} is supported.")


def check_tags(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """Tags as a mapping; at most fifty, each key once."""
    found = {tag.key: tag.value for tag in tags or ()}
    if len(found) != len(tags or ()):
        raise AwsError("InvalidParameterValueException", "Duplicate tag keys are not allowed.")
    if len(found) > TAGS_MAX:
        raise AwsError(
            "InvalidParameterValueException", f"The number of tags exceeds the limit of {TAGS_MAX}."
        )
    for key in found:
        if key.lower().startswith("aws:"):
            raise AwsError(
                "InvalidParameterValueException",
                "Tag keys starting with aws: are reserved for system use.",
            )
    return found


def check_metric_alarm(asked: api.PutMetricAlarmInput) -> None:
    """Everything but the queries of `Metrics` and what other rows are needed for."""
    if asked.metric_name is None and asked.metrics is None:
        raise validation("Either MetricName or Metrics must be specified.")
    if asked.evaluation_interval is not None:
        raise validation("EvaluationInterval can only be specified with EvaluationCriteria.")
    if asked.evaluation_periods is None:
        raise validation("The parameter EvaluationPeriods is required.")
    if asked.comparison_operator is None:
        raise validation("The parameter ComparisonOperator is required.")
    if asked.datapoints_to_alarm is not None and (
        asked.datapoints_to_alarm > asked.evaluation_periods
    ):
        raise validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    if asked.treat_missing_data not in (None, *MISSING):
        raise validation(
            f"Invalid value {asked.treat_missing_data} for TreatMissingData. "
            "Valid values are: breaching, notBreaching, ignore, missing."
        )
    if asked.evaluate_low_sample_count_percentile not in (None, "evaluate", "ignore"):
        raise validation(
            f"Option {asked.evaluate_low_sample_count_percentile} is not supported. Supported "
            "options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore."
        )
    _check_threshold(asked)
    if asked.metric_name is not None:
        _check_single(asked)
    else:
        _check_several(asked)


def _check_threshold(asked: api.PutMetricAlarmInput) -> None:
    on_band = asked.comparison_operator in BANDS
    if on_band != (asked.threshold_metric_id is not None):
        raise validation(
            "ThresholdMetricId must be specified if and only if the comparison operator is one of "
            f"{', '.join(sorted(BANDS))}."
        )
    if asked.threshold is None and not on_band:
        raise validation("The parameter Threshold is required.")
    if asked.threshold is not None and on_band:
        raise validation("Threshold cannot be specified together with ThresholdMetricId.")


def _check_single(asked: api.PutMetricAlarmInput) -> None:
    if asked.metrics is not None:
        raise validation("The parameters MetricName and Metrics are mutually exclusive.")
    if asked.namespace is None:
        raise validation("The parameter Namespace is required.")
    if (asked.statistic is None) == (asked.extended_statistic is None):
        raise validation("Exactly one of Statistic and ExtendedStatistic must be specified.")
    if asked.extended_statistic is not None:
        statistic = statistics.parse(asked.extended_statistic)
        if statistic is None or not statistic.extended:
            raise validation(
                f"The value {asked.extended_statistic} for parameter ExtendedStatistic is not "
                "supported."
            )
    if asked.period is None:
        raise validation("The parameter Period is required.")
    check_period(asked.period)
    check_length(asked.period, asked.evaluation_periods or 1)
    named(asked.dimensions, "Dimensions")


def check_period(period: int) -> None:
    """10, 20, 30 or a multiple of 60 seconds."""
    if period not in (10, 20, 30) and period % 60:
        raise validation("Period must be 10, 20, 30 or a multiple of 60.")


def check_length(period: int, periods: int) -> None:
    """An alarm looks back at most a day, or a week with periods of an hour or more."""
    most, shown = (WEEK, "a week") if period >= 3_600 else (DAY, "a day")
    if period * periods > most:
        raise validation(
            f"Metrics cannot be checked across more than {shown} "
            f"(EvaluationPeriods * Period must be <= {most})."
        )


def _check_several(asked: api.PutMetricAlarmInput) -> None:
    if any(getattr(asked, member) is not None for member in (*ALONE, "extended_statistic")):
        raise validation("Metrics list cannot be specified together with a single metric.")
    queries = asked.metrics or []
    given = [query for query in queries if query.return_data is not False]
    wanted = 1 if asked.threshold_metric_id is None else 2
    if len(given) != wanted:
        count = "one element" if wanted == 1 else "two elements"
        raise validation(f"Exactly {count} of the metrics list should return data.")
    if wanted == 2 and asked.threshold_metric_id not in {query.id for query in given}:
        raise validation("ThresholdMetricId must be the id of an element that returns data.")
    for query in queries:
        for period in (query.period, query.metric_stat.period if query.metric_stat else None):
            if period is not None:
                check_period(period)
                check_length(period, asked.evaluation_periods or 1)


def check_window(asked: api.PutMetricAlarmInput, period: int) -> None:
    """A window by the clock on the wall has a period of the clock, and a time zone there is."""
    window = asked.evaluation_window
    if window is None:
        return
    if (window.wall_clock_window is None) == (window.sliding_window is None):
        raise validation("Exactly one of WallClockWindow and SlidingWindow must be specified.")
    if window.wall_clock_window is not None:
        if period not in PERIODS:
            raise validation(
                "With a WallClockWindow the period must be 60, 300, 3600, 86400 or 604800."
            )
        try:
            zone_of(window.wall_clock_window.timezone)
        except BadZone:
            raise validation(f"Invalid timezone: {window.wall_clock_window.timezone}") from None


def check_propagation(configuration: api.ActionConfiguration | None) -> bool:
    """Whether tags go with the notifications."""
    wanted = configuration.alarm_tags_propagation if configuration else None
    if wanted is None:
        return False
    if wanted.included_tag_keys is not None and wanted.excluded_tag_keys is not None:
        raise validation("IncludedTagKeys and ExcludedTagKeys cannot both be specified.")
    return wanted.enabled
