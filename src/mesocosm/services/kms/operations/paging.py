"""Pages of KMS's lists: `Limit`, `Marker`, `NextMarker`, `Truncated`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mesocosm.call.paging import page
from mesocosm.wire.errors import AwsError

T = TypeVar("T")
LIMIT = 100


def bad_marker() -> AwsError:
    """AWS's error of a marker that was not given."""
    return AwsError("InvalidMarkerException", "Could not deserialize the marker.")


def paged(
    items: Iterable[T], key: Callable[[T], str], request: Any, default: int, most: int = 1_000
) -> tuple[list[T], str | None]:
    """One page; `default` and `most` are the sizes AWS has for it."""
    limit = request.limit if request.limit is not None else default
    return page(items, key, request.marker, min(limit, most), bad_marker)
