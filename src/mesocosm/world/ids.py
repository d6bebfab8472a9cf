"""Identifiers and secrets: from the operating system, or repeatable from a seed."""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Sieve = tuple[bytes, bytes]
UPPER = string.ascii_uppercase + "234567"
ALPHANUMERIC = string.ascii_letters + string.digits
SECRET = string.ascii_letters + string.digits + "+/"
UUIDS_AT_ONCE = 64
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in string.hexdigits}


def _sieve(alphabet: str) -> Sieve:
    """Translation of random bytes to letters, and the bytes left out so that none is favoured."""
    fair = 256 - 256 % len(alphabet)
    letters = alphabet.encode()
    return bytes(letters[i % len(letters)] for i in range(256)), bytes(range(fair, 256))


_UPPER = _sieve(UPPER)
_ALPHANUMERIC = _sieve(ALPHANUMERIC)
_DIGITS = _sieve(string.digits)
_SECRET = _sieve(SECRET)


Drawn = tuple[Callable[[int], bytes], str, int]
"""A source, and what was drawn from it and is not used yet."""


class Ids:
    """Random identifiers of a world. With a seed, equal worlds draw equal identifiers."""

    def __init__(self, seed: int | str | None, branch: str, position: int) -> None:
        self._seed = seed
        self._source: Callable[[int], bytes] = os.urandom
        self._block = ""
        self._used = 0
        self._streams: dict[str, Drawn] = {}
        self.stream = ""
        """The stream drawn from; "" is that of calls."""
        self.reseed(branch, position)

    @property
    def seeded(self) -> bool:
        """Whether equal worlds draw equal identifiers."""
        return self._seed is not None

    def reseed(self, branch: str, position: int) -> None:
        """Mix in where the world stands, so that reopening or rewinding repeats no identifier."""
        self._block, self._used = "", 0
        if self._seed is not None:
            self._place = f"{self._seed}/{branch}/{position}"
            self._streams.clear()
            self._source = random.Random(self._place).randbytes

    @contextmanager
    def aside(self, stream: str) -> Iterator[None]:
        """Draw from a stream of its own: what happens at some time between two calls (a timer, a
        sample) does not change what later calls draw. Without a seed nothing repeats anyway.
        """
        if self._seed is None or stream == self.stream:
            yield
            return
        held = self._streams.get(stream)
        if held is None:
            held = random.Random(f"{self._place}/{stream}").randbytes, "", 0
        before, self.stream = (self.stream, self._source, self._block, self._used), stream
        self._source, self._block, self._used = held
        try:
            yield
        finally:
            self._streams[stream] = self._source, self._block, self._used
            self.stream, self._source, self._block, self._used = before

    def hex(self, count: int) -> str:
        """`count` characters of 0-9a-f."""
        return self._source((count + 1) // 2).hex()[:count]

    def upper(self, count: int) -> str:
        """`count` characters of A-Z2-7, the alphabet of AWS's access key and unique ids."""
        return self._draw(_UPPER, count)

    def alphanumeric(self, count: int) -> str:
        """`count` characters of A-Za-z0-9."""
        return self._draw(_ALPHANUMERIC, count)

    def digits(self, count: int) -> str:
        return self._draw(_DIGITS, count)

    def secret(self, count: int) -> str:
        """`count` characters of A-Za-z0-9+/, the alphabet of AWS's secret access keys."""
        return self._draw(_SECRET, count)

    def uuid(self) -> str:
        """A version 4 UUID (RFC 9562)."""
        # By hand, and drawn for many at once: every call needs one, and uuid.UUID takes ten times
        # as long.
        used = self._used
        if used == len(self._block):
            self._block, used = self._source(16 * UUIDS_AT_ONCE).hex(), 0
        self._used = used + 32
        drawn = self._block[used : used + 32]
        variant = _VARIANT[drawn[16]]
        return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"

    def _draw(self, sieve: Sieve, count: int) -> str:
        table, unfair = sieve
        drawn = self._source(count).translate(table, unfair)
        while len(drawn) < count:
            drawn += self._source(count).translate(table, unfair)
        return drawn[:count].decode()

    def bytes(self, count: int) -> bytes:
        return self._source(count)
