"""Delivery policies: when a delivery that failed is tried again.

Source: developer guide, "Amazon SNS message delivery retries". The functions between the shortest
and the longest delay are drawn there, not written; these are ours. There is no jitter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from mesocosm.services.sns.rules.errors import invalid

TOTAL_MAX = 3_600
RETRIES_MAX = 100
CONTENT_TYPE = "text/plain; charset=UTF-8"
CONTENT_TYPES = (
    "text/plain",
    "text/plain; charset=UTF-8",
    "application/json",
    "application/json; charset=UTF-8",
    "application/xml",
    "text/xml",
    "text/html",
    "text/css",
    "text/csv",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/atom+xml",
    "application/xhtml+xml",
)
DEFAULT: dict[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}


class Retries(NamedTuple):
    """The phases of a delivery policy; delays in seconds."""

    shortest: float
    longest: float
    total: int
    immediate: int
    before: int
    after: int
    function: str

    def delay(self, attempts: int) -> float | None:
        """Seconds from a failed attempt, the `attempts`th, to the next; None: it was the last."""
        retry = attempts  # the number of the next retry, from 1
        if retry > self.total:
            return None
        if retry <= self.immediate:
            return 0.0
        retry -= self.immediate
        if retry <= self.before:
            return self.shortest
        retry -= self.before
        steps = self.total - self.immediate - self.before - self.after
        if retry <= steps:
            return FUNCTIONS[self.function](self.shortest, self.longest, retry, steps)
        return self.longest


def _linear(low: float, high: float, step: int, steps: int) -> float:
    return low + (high - low) * step / steps


def _arithmetic(low: float, high: float, step: int, steps: int) -> float:
    return low + (high - low) * step * (step + 1) / (steps * (steps + 1))


def _geometric(low: float, high: float, step: int, steps: int) -> float:
    return float(low * (high / low) ** (step / steps))


def _exponential(low: float, high: float, step: int, steps: int) -> float:
    return low + (high - low) * (2.0**step - 1) / (2.0**steps - 1)


FUNCTIONS: dict[str, Callable[[float, float, int, int], float]] = {
    "linear": _linear,
    "arithmetic": _arithmetic,
    "geometric": _geometric,
    "exponential": _exponential,
}

MANAGED = Retries(1, 20, 100_015, 3, 2, 100_000, "exponential")
"""Of queues, delivery streams and functions."""


def retries_of(given: dict[str, Any]) -> Retries:
    """The phases of a (complete) healthyRetryPolicy."""
    return Retries(
        given["minDelayTarget"],
        given["maxDelayTarget"],
        given["numRetries"],
        given["numNoDelayRetries"],
        given["numMinDelayRetries"],
        given["numMaxDelayRetries"],
        given["backoffFunction"],
    )


# -- the documents -------------------------------------------------------------------------


def effective_topic(text: str) -> dict[str, Any]:
    """A topic's delivery policy with what it leaves out."""
    http = json.loads(text).get("http", {}) if text else {}
    found = {
        "defaultHealthyRetryPolicy": DEFAULT | (http.get("defaultHealthyRetryPolicy") or {}),
        "disableSubscriptionOverrides": bool(http.get("disableSubscriptionOverrides", False)),
    }
    if http.get("defaultThrottlePolicy"):
        found["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    request = http.get("defaultRequestPolicy") or {}
    found["defaultRequestPolicy"] = {"headerContentType": CONTENT_TYPE} | request
    return {"http": found}


def effective(text: str, topic: str) -> dict[str, Any]:
    """A subscription's delivery policy with what it leaves to its topic's."""
    above = effective_topic(topic)["http"]
    own = json.loads(text) if text and not above["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": DEFAULT | own["healthyRetryPolicy"]
        if own.get("healthyRetryPolicy")
        else above["defaultHealthyRetryPolicy"],
        "sicklyRetryPolicy": None,
        "throttlePolicy": own.get("throttlePolicy") or above.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or above["defaultRequestPolicy"],
        "guaranteed": False,
    }


def check_topic(text: str) -> str:
    """A topic's delivery policy, as it is kept. Raises InvalidParameter."""
    given = _object(text)
    _only(given, ("http",))
    http = given.get("http", {})
    if not isinstance(http, dict):
        raise _wrong("http must be a JSON object")
    _only(
        http,
        (
            "defaultHealthyRetryPolicy",
            "disableSubscriptionOverrides",
            "defaultThrottlePolicy",
            "defaultRequestPolicy",
            "defaultSicklyRetryPolicy",
        ),
    )
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise _wrong("http.disableSubscriptionOverrides must be a boolean")
    _check(http, of_topic=True)
    return text


def check(text: str) -> str:
    """A subscription's delivery policy, as it is kept. Raises InvalidParameter."""
    given = _object(text)
    _only(
        given,
        (
            "healthyRetryPolicy",
            "sicklyRetryPolicy",
            "throttlePolicy",
            "requestPolicy",
            "guaranteed",
        ),
    )
    _check(given, of_topic=False)
    return text


def _check(given: dict[str, Any], of_topic: bool) -> None:
    def part(name: str) -> tuple[str, dict[str, Any]]:
        key = f"default{name[0].upper()}{name[1:]}" if of_topic else name
        path = f"http.{key}" if of_topic else key
        found = given.get(key)
        if found is not None and not isinstance(found, dict):
            raise _wrong(f"{path} must be a JSON object")
        return path, found or {}

    path, healthy = part("healthyRetryPolicy")
    _only(healthy, tuple(DEFAULT))
    _check_retries(path, DEFAULT | healthy)
    path, throttle = part("throttlePolicy")
    _only(throttle, ("maxReceivesPerSecond",))
    rate = throttle.get("maxReceivesPerSecond", 1)
    if not _whole(rate) or rate < 1:
        raise _wrong(f"{path}.maxReceivesPerSecond must be greater than or equal to 1")
    path, request = part("requestPolicy")
    _only(request, ("headerContentType",))
    if request.get("headerContentType", CONTENT_TYPE) not in CONTENT_TYPES:
        raise _wrong(f"{path}.headerContentType is not a supported content type")


def _check_retries(path: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name == "backoffFunction":
            if value not in FUNCTIONS:
                raise _wrong(
                    f"{path}.backoffFunction must be one of arithmetic, exponential, geometric or "
                    "linear"
                )
        elif not _whole(value) or value < 0:
            raise _wrong(f"{path}.{name} must be greater than or equal to 0")
    if given["numRetries"] > RETRIES_MAX:
        raise _wrong(f"{path}.numRetries must be less than or equal to {RETRIES_MAX}")
    if not 1 <= given["minDelayTarget"] <= TOTAL_MAX:
        raise _wrong(f"{path}.minDelayTarget must be between 1 and {TOTAL_MAX}")
    if not given["minDelayTarget"] <= given["maxDelayTarget"] <= TOTAL_MAX:
        raise _wrong(
            f"{path}.maxDelayTarget must be greater than or equal to minDelayTarget and less than "
            f"or equal to {TOTAL_MAX}"
        )
    phases = ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries")
    if sum(given[name] for name in phases) > given["numRetries"]:
        raise _wrong(
            f"{path}.numRetries must be greater than or equal to total of numMinDelayRetries, "
            "numNoDelayRetries and numMaxDelayRetries"
        )
    found = retries_of(given)
    if sum(found.delay(retry) or 0.0 for retry in range(1, found.total + 1)) > TOTAL_MAX:
        raise _wrong(f"{path}: the total retry time must not exceed {TOTAL_MAX} seconds")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("failed to parse JSON.") from None
    if not isinstance(found, dict):
        raise _wrong("failed to parse JSON.")
    return found


def _only(given: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise _wrong(f"Unexpected JSON member: {name}")


def _wrong(reason: str) -> Exception:
    return invalid(f"DeliveryPolicy: {reason}")
