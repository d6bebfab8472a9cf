"""What PutMetricData accepts, in CloudWatch's words. Pure: times are epoch seconds."""

from __future__ import annotations

import math

from mesocosm.api import cloudwatch as api
from mesocosm.services.cloudwatch.rules.errors import combination, invalid, missing
from mesocosm.services.cloudwatch.rules.points import Weighted

PAST = 14 * 86_400.0
FUTURE = 2 * 3_600.0
DATA_MAX = 1_000
VALUES_MAX = 150
LARGEST = 2.0**360


def check_namespace(namespace: str) -> None:
    """Namespaces of AWS are its own."""
    if namespace.startswith("AWS/"):
        raise invalid(f"The value {namespace} for parameter Namespace is invalid.")


def fits(value: float) -> bool:
    """Whether CloudWatch stores a number: -2^360 to 2^360, no NaN, no infinity."""
    return -LARGEST <= value <= LARGEST  # false of NaN


def check_number(value: float, where: str) -> None:
    """Refuse what `fits` does not accept."""
    if not fits(value):
        shown = "NaN" if math.isnan(value) else value
        raise invalid(f"The value {shown} for parameter {where} is invalid.")


def check_time(at: float, now: float, where: str) -> None:
    """Two weeks back, two hours ahead."""
    if at < now - PAST:
        raise invalid(
            f"The parameter {where}.Timestamp must specify a time no more than two weeks in the "
            "past."
        )
    if at > now + FUTURE:
        raise invalid(
            f"The parameter {where}.Timestamp must specify a time no more than two hours in the "
            "future."
        )


def check_size(data: list[api.MetricDatum], name: str) -> None:
    """At most 1,000 metrics a call."""
    if len(data) > DATA_MAX:
        raise invalid(f"The collection {name} must not have a size greater than {DATA_MAX}.")


def check_resolution(resolution: int | None, where: str) -> int:
    """1 or 60 seconds; 60 without a word."""
    if resolution is None:
        return 60
    if resolution not in (1, 60):
        raise invalid(f"The value {resolution} for parameter {where}.StorageResolution is invalid.")
    return resolution


def named(dimensions: list[api.Dimension] | None, where: str) -> list[tuple[str, str]]:
    """Dimensions as pairs; a name stands once."""
    if not dimensions:
        return []
    pairs = [(one.name, one.value) for one in dimensions]
    if len({name for name, _ in pairs}) != len(pairs):
        raise invalid(f"The parameter {where} must not contain the same dimension name twice.")
    return pairs


def sets_of(datum: api.MetricDatum, where: str) -> list[Weighted]:
    """The statistic sets that a datum with Values or StatisticValues stands for."""
    values, given = datum.values, datum.statistic_values
    if values and given is not None:
        raise _both(where, "Values", "StatisticValues")
    if given is not None:
        return [_set(given, f"{where}.StatisticValues")]
    if not values:
        raise missing(
            f"At least one of the parameters {where}.Value, {where}.Values and "
            f"{where}.StatisticValues must be specified."
        )
    if len(values) > VALUES_MAX:
        raise invalid(
            f"The collection {where}.Values must not have a size greater than {VALUES_MAX}."
        )
    counts = datum.counts or [1.0] * len(values)
    if len(counts) != len(values):
        raise invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    for number, (value, count) in enumerate(zip(values, counts, strict=True), 1):
        check_number(value, f"{where}.Values.member.{number}")
        check_number(count, f"{where}.Counts.member.{number}")
        if count < 0:
            raise invalid(
                f"The value {count} for parameter {where}.Counts.member.{number} is invalid."
            )
    return [
        (count, value * count, value, value)
        for value, count in zip(values, counts, strict=True)
        if count
    ]


def check_alone(datum: api.MetricDatum, where: str) -> None:
    """A Value stands alone."""
    if datum.values:
        raise _both(where, "Value", "Values")
    if datum.statistic_values is not None:
        raise _both(where, "Value", "StatisticValues")


def _both(where: str, one: str, other: str) -> Exception:
    return combination(
        f"The parameters {where}.{one} and {where}.{other} are mutually exclusive options and you "
        "have specified both."
    )


def _set(given: api.StatisticSet, where: str) -> Weighted:
    found = (given.sample_count, given.sum, given.minimum, given.maximum)
    for name, value in zip(("SampleCount", "Sum", "Minimum", "Maximum"), found, strict=True):
        check_number(value, f"{where}.{name}")
    if given.minimum > given.maximum:
        raise invalid(f"The parameter {where}.Maximum must be greater than or equal to Minimum.")
    if given.sample_count < 0:
        raise invalid(
            f"The value {given.sample_count} for parameter {where}.SampleCount is invalid."
        )
    return found
