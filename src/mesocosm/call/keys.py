"""Access key ids: those a cloud has made are known by their form.

A key that was deleted, or made on a line that a rewind left, or by a cloud that was reset, must
not pass for an unknown key (which stands for a root user, unless the cloud is strict). No list of
past keys could say so after a rewind; so the last four characters are a checksum of the others.
"""

from __future__ import annotations

from zlib import crc32

from mesocosm.world.ids import UPPER, Ids

LONG_TERM, TEMPORARY = "AKIA", "ASIA"
_RANDOM = 12
_SIZE = 20


def access_key_id(ids: Ids, prefix: str) -> str:
    """A new access key id: `LONG_TERM` or `TEMPORARY`, and 16 characters of A-Z2-7."""
    drawn = prefix + ids.upper(_RANDOM)
    return drawn + _checksum(drawn)


def made_here(key_id: str) -> bool:
    """Whether an access key id is one that `access_key_id` makes. Of other ids of that shape, one
    in a million looks like it.
    """
    if len(key_id) != _SIZE or not key_id.startswith((LONG_TERM, TEMPORARY)):
        return False
    return key_id[-4:] == _checksum(key_id[:-4])


def _checksum(text: str) -> str:
    number = crc32(text.encode())
    return "".join(UPPER[number >> shift & 31] for shift in (0, 5, 10, 15))
