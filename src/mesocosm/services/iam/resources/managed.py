"""AWS's own managed policies, `arn:aws:iam::aws:policy/...`: real documents, loaded when one is
first touched.

The data (`managed_policies.json.gz`) is written by `tools/managed_policies.py`. It has the newest
version of each
policy. Descriptions and AWS's real policy ids are not published with the documents, so the id is
derived from the name.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from importlib.resources import files

import msgspec

PREFIX = "arn:aws:iam::aws:policy"


class AwsPolicy(msgspec.Struct, frozen=True):
    """One of AWS's policies: its newest version, times in epoch seconds, the document as compact
    JSON."""

    path: str
    version: str
    created: float
    updated: float
    document: msgspec.Raw


@cache
def _policies() -> dict[str, AwsPolicy]:
    data = files(__package__).joinpath("managed_policies.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(data), type=dict[str, AwsPolicy])


def policy(arn: str) -> AwsPolicy | None:
    """AWS's policy of that ARN, or None."""
    if not arn.startswith(PREFIX):
        return None
    found = _policies().get(arn.rpartition("/")[2])
    return found if found is not None and arn_of(found, arn.rpartition("/")[2]) == arn else None


def named() -> dict[str, AwsPolicy]:
    """All of AWS's policies by name."""
    return _policies()


def arn_of(found: AwsPolicy, name: str) -> str:
    """The ARN of one of AWS's policies."""
    return f"{PREFIX}{found.path}{name}"


def text(found: AwsPolicy) -> str:
    """The document, laid out as AWS shows its own policies."""
    return msgspec.json.format(bytes(found.document), indent=4).decode()


@cache
def decisive_text(arn: str) -> str | None:
    """The document as compact JSON, one string object per policy: what decisions are made from."""
    found = policy(arn)
    return bytes(found.document).decode() if found else None


def id_of(name: str) -> str:
    """A policy id of AWS's form, always the same for one name."""
    return "ANPA" + base64.b32encode(hashlib.sha256(name.encode()).digest())[:17].decode()
