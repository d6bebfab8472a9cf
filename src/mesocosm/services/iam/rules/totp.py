"""Time-based one-time passwords of virtual MFA devices (RFC 6238: HMAC-SHA-1, steps of 30 s, 6
digits)."""

from __future__ import annotations

import hashlib
import hmac

STEP = 30
DIGITS = 6
SEED_BYTES = 40  # 64 characters of base32, as AWS gives


def step_at(time: float) -> int:
    """The number of the step at an instant in epoch seconds."""
    return int(time // STEP)


def code(seed: bytes, step: int) -> str:
    """The six digits of a step (RFC 4226, section 5.3)."""
    digest = hmac.new(seed, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def find(seed: bytes, codes: tuple[str, ...], around: int, window: int) -> int | None:
    """The step of the last of some consecutive codes, nearest to `around`; None if they do not
    occur there."""
    for distance in range(window + 1):
        for first in {around - distance, around + distance}:
            steps = range(first, first + len(codes))
            if all(
                hmac.compare_digest(code(seed, step), given)
                for step, given in zip(steps, codes, strict=True)
            ):
                return steps[-1]
    return None
