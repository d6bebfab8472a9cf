"""Which host names mean what: the name in the Host header as bucket, website, service or resource
endpoint.

Sources: "Virtual hosting of buckets", "Website endpoints", "Dual-stack endpoints" (Amazon S3 User
Guide), "AWS service endpoints" (AWS General Reference). The same names exist under `localhost`,
which resolves to the loopback address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from mesocosm.wire import models

SUFFIXES = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "localhost")
"""Domains under which AWS's names are understood."""

Kind = Literal["plain", "service", "bucket", "website", "access-point", "resource"]


class Host(Struct, frozen=True):
    """What a host name says. `plain` names (`localhost`, an address, a container's name) say
    nothing."""

    kind: Kind
    service: str = ""
    """The endpoint's name as it stands in the host: `s3`, `sqs`, `execute-api`."""
    region: str = ""
    """Empty for global endpoints."""
    name: str = ""
    """The bucket, or the id before `execute-api`, `lambda-url` and the like."""
    account: str = ""
    """Of `<account>.s3-control` and access points."""


PLAIN = Host("plain")

_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d)"
_S3 = re.compile(
    rf"(?:(?P<name>.+?)\.)?s3(?:-fips|-accelerate|-external-1)?(?:[.-]dualstack)?(?:[.-]{_REGION})?"
)
_WEBSITE = re.compile(rf"(?P<name>.+?)\.s3-website(?:[.-]{_REGION})?")
_ACCESS_POINT = re.compile(
    rf"(?P<name>.+)-(?P<account>\d{{12}})\.s3-accesspoint(?:-fips)?(?:\.dualstack)?\.{_REGION}"
)
_CONTROL = re.compile(
    rf"(?P<account>\d{{12}})\.s3-control(?:-fips)?(?:\.dualstack)?(?:\.{_REGION})?"
)
_RESOURCE = re.compile(
    rf"(?P<name>[a-z0-9-]+)\.(?P<service>execute-api|lambda-url|appsync-api)\.{_REGION}"
)
_SERVICE = re.compile(rf"(?P<service>[a-z0-9][a-z0-9.-]*?)(?:-fips)?(?:\.{_REGION})?")
_ACCOUNT = re.compile(r"\d{12}")  # before an endpoint of S3 Control's; as a bucket it is rare


@lru_cache(maxsize=4096)
def parse(host: str, suffixes: tuple[str, ...] = SUFFIXES) -> Host:
    """The meaning of a Host header (a port is ignored). Never fails: what is not known is
    `plain`."""
    name = host.lower().rstrip(".")
    if ":" in name and not name.endswith("]"):
        name = name.rpartition(":")[0].rstrip(".")
    for suffix in suffixes:
        if name.endswith("." + suffix):
            rest = name[: -len(suffix) - 1]
            meaning = _meaning(rest)
            return _below_localhost(rest, meaning) if suffix == "localhost" else meaning
    return PLAIN


def _below_localhost(rest: str, meaning: Host) -> Host:
    """SDKs told that S3 is at `http://localhost` put the bucket right before it: what is no
    service's name is a bucket's.
    """
    if meaning.kind != "service" or meaning.service in ("s3", "s3-control") or meaning.region:
        return meaning
    if any(one.endpoint_prefix == meaning.service for one in models.summaries().values()):
        return meaning
    return PLAIN if _ACCOUNT.fullmatch(rest) else Host("bucket", "s3", "", rest)


def _meaning(rest: str) -> Host:
    if match := _WEBSITE.fullmatch(rest):
        return Host("website", "s3", match["region"] or "", match["name"])
    if match := _ACCESS_POINT.fullmatch(rest):
        return Host("access-point", "s3", match["region"], match["name"], match["account"])
    if match := _CONTROL.fullmatch(rest):
        return Host("service", "s3-control", match["region"] or "", "", match["account"])
    if match := _RESOURCE.fullmatch(rest):
        return Host("resource", match["service"], match["region"], match["name"])
    if match := _S3.fullmatch(rest):
        kind: Kind = "bucket" if match["name"] else "service"
        return Host(kind, "s3", match["region"] or "", match["name"] or "")
    if match := _SERVICE.fullmatch(rest):
        return Host("service", match["service"], match["region"] or "")
    return PLAIN
