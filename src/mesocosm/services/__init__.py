"""The catalogue: which services there are, and which of them answers what the call floor asks.

A service's package is imported at its first call, so that a start costs nothing for what is not
used.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.service import Catalogue, Service

if TYPE_CHECKING:
    from mesocosm.world import World

PACKAGES = {
    "account": "account",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "ec2": "ec2",
    "firehose": "firehose",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "organizations": "organizations",
    "resource-groups": "resource_groups",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
    "s3": "s3",
    "s3control": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}
"""botocore's name of a service -> its package here."""

PROVIDERS = {
    "identity": "iam",
    "sessions": "sts",
    "organization": "organizations",
    "keys": "kms",
    "metrics": "cloudwatch",
}
"""A protocol of `call/authority.py` -> the service that answers it."""

OWNERS: dict[str, str] = {}
"""The service segment of an ARN -> the service, where they differ."""


def find(name: str) -> Service | None:
    """Import a service whole; None when there is none."""
    service = begin(name)
    if service is not None and service.rooms is not None:
        service.rooms()
    return service


def begin(name: str) -> Service | None:
    """Import the package of a service, without the rooms that only its own calls need."""
    package = PACKAGES.get(name)
    if package is None or importlib.util.find_spec(f"mesocosm.services.{package}") is None:
        return None
    module = importlib.import_module(f"mesocosm.services.{package}")
    service = getattr(module, name, None) or getattr(module, package)
    assert isinstance(service, Service)
    return service


def catalogue() -> Catalogue:
    """All of Mesocosm's services."""
    return Catalogue(find, tuple(PACKAGES), PROVIDERS, OWNERS, begin)


_catalogue = catalogue()


def assemble(world: World, settings: Settings) -> Cloud:
    """A running cloud over a world: every service there is, those with rows awake."""
    cloud = Cloud(world, _catalogue, settings)
    cloud.start()
    return cloud
