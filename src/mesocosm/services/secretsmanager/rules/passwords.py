"""Random passwords (GetRandomPassword)."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

from mesocosm.wire.errors import AwsError

PUNCTUATION = string.punctuation
LENGTH = 32


def alphabets(
    *,
    exclude: str = "",
    numbers: bool = True,
    punctuation: bool = True,
    uppercase: bool = True,
    lowercase: bool = True,
    space: bool = False,
) -> list[str]:
    """The kinds of characters a password may have, without those excluded; empty kinds are left
    out.
    """
    kinds = (
        (lowercase, string.ascii_lowercase),
        (uppercase, string.ascii_uppercase),
        (numbers, string.digits),
        (punctuation, PUNCTUATION),
        (space, " "),
    )
    found = ["".join(c for c in letters if c not in exclude) for wanted, letters in kinds if wanted]
    return [letters for letters in found if letters]


def password(length: int, kinds: Sequence[str], each: bool, draw: Callable[[int], bytes]) -> str:
    """A password of that length; with `each`, at least one character of every kind.

    `draw(n)` gives n random bytes. Raises InvalidParameterException.
    """
    if not kinds:
        raise AwsError(
            "InvalidParameterException",
            "You must not exclude all the characters a password could be made of.",
        )
    if each and length < len(kinds):
        raise AwsError(
            "InvalidParameterException",
            "Password length must be long enough to include every required character type.",
        )
    every = "".join(kinds)
    drawn = [kind[_below(len(kind), draw)] for kind in kinds] if each else []
    drawn += [every[_below(len(every), draw)] for _ in range(length - len(drawn))]
    for place in range(len(drawn) - 1, 0, -1):
        other = _below(place + 1, draw)
        drawn[place], drawn[other] = drawn[other], drawn[place]
    return "".join(drawn)


def _below(limit: int, draw: Callable[[int], bytes]) -> int:
    """A number from 0 to below `limit` (at most 65,536), none favoured."""
    fair = 65_536 - 65_536 % limit
    while True:
        number = int.from_bytes(draw(2), "big")
        if number < fair:
            return number % limit
