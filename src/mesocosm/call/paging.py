"""Pages of a list: AWS's opaque tokens over an ordered list of keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from mesocosm.wire.errors import AwsError

T = TypeVar("T")


def encode_token(position: str) -> str:
    """An opaque token for the position after which the next page begins."""
    return base64.urlsafe_b64encode(b"1:" + position.encode()).decode()


def decode_token(token: str, refuse: Callable[[], AwsError]) -> str:
    """The position in a token; `refuse` makes the service's own error for one we did not give."""
    try:
        data = base64.urlsafe_b64decode(token.encode())
        if not data.startswith(b"1:"):
            raise refuse()
        return data[2:].decode()
    except (binascii.Error, ValueError):
        raise refuse() from None


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    token: str | None,
    limit: int,
    refuse: Callable[[], AwsError],
) -> tuple[list[T], str | None]:
    """At most `limit` items after the token's position, in order of their keys, and the token of
    what follows.

    The token names the last item given, so items that come or go between two pages shift nothing.
    """
    after = decode_token(token, refuse) if token else None
    found: list[T] = []
    for item in sorted(items, key=key):
        if after is not None and key(item) <= after:
            continue
        if len(found) == limit:
            return found, encode_token(key(found[-1]))
        found.append(item)
    return found, None
