"""Whether the body of a dashboard is one (user guide, "Dashboard body structure and syntax")."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

TYPES = frozenset(("metric", "text", "log", "alarm", "explorer", "custom"))
WIDGETS_MAX = 500
COLUMNS = 24
HEIGHT_MAX = 1_000


class Problem(NamedTuple):
    """Something wrong: where (a JSON pointer) and what."""

    path: str
    message: str


def problems(body: str) -> list[Problem]:
    """What is wrong with a body; nothing when it is good."""
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return [Problem("", "The field DashboardBody must be a valid JSON object")]
    if not isinstance(decoded, dict):
        return [Problem("", "The field DashboardBody must be a valid JSON object")]
    widgets = decoded.get("widgets")
    if widgets is None:
        return [Problem("", "Should have required property 'widgets'")]
    if not isinstance(widgets, list):
        return [Problem("/widgets", "Should be array")]
    if len(widgets) > WIDGETS_MAX:
        return [Problem("/widgets", f"Should NOT have more than {WIDGETS_MAX} items")]
    return [
        problem
        for number, widget in enumerate(widgets)
        for problem in _widget(widget, f"/widgets/{number}")
    ]


def _widget(widget: Any, path: str) -> list[Problem]:
    if not isinstance(widget, dict):
        return [Problem(path, "Should be object")]
    found = [
        Problem(path, f"Should have required property '{name}'")
        for name in ("type", "properties")
        if name not in widget
    ]
    if "type" in widget and widget["type"] not in TYPES:
        found.append(Problem(f"{path}/type", "Should be equal to one of the allowed values"))
    for name, low, high in (
        ("x", 0, COLUMNS - 1),
        ("y", 0, None),
        ("width", 1, COLUMNS),
        ("height", 1, HEIGHT_MAX),
    ):
        value = widget.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            found.append(Problem(f"{path}/{name}", "Should be integer"))
        elif value < low:
            found.append(Problem(f"{path}/{name}", f"Should be >= {low}"))
        elif high is not None and value > high:
            found.append(Problem(f"{path}/{name}", f"Should be <= {high}"))
    properties = widget.get("properties", {})
    if not isinstance(properties, dict):
        return [*found, Problem(f"{path}/properties", "Should be object")]
    if widget.get("type") == "text" and not isinstance(properties.get("markdown"), str):
        found.append(Problem(f"{path}/properties", "Should have required property 'markdown'"))
    if widget.get("type") == "metric":
        found += _metric(properties, f"{path}/properties")
    return found


def _metric(properties: dict[str, Any], path: str) -> list[Problem]:
    found = []
    metrics = properties.get("metrics")
    if metrics is None and "annotations" not in properties:
        found.append(Problem(path, "Should have required property 'metrics'"))
    elif metrics is not None and not isinstance(metrics, list):
        found.append(Problem(f"{path}/metrics", "Should be array"))
    else:
        for number, one in enumerate(metrics or ()):
            if not isinstance(one, list) or not one:
                found.append(Problem(f"{path}/metrics/{number}", "Should be array"))
    return found
