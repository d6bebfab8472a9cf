"""Work that was asked for: deletions of service-linked roles, reports of last access."""

from __future__ import annotations

import msgspec

from mesocosm.world import Table


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """The deletion of a service-linked role: done when it is asked for."""

    role: str
    at: float
    status: str


class ServiceReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report of service last accessed details: the services that `arn` may reach, as of `at`.

    `owner` is the ARN of the user or role that asked for it.
    """

    arn: str
    granularity: str
    owner: str
    at: float
    services: tuple[str, ...]
    entities: dict[str, tuple[str, str]]
    """The users and roles it is about: unique id to kind and key."""


class OrganizationReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report on an entity of an organization; `accounts` are those below it, with their paths."""

    path: str
    at: float
    services: tuple[str, ...]
    accounts: dict[str, str]


deletions = Table("iam.deletions", Deletion)
service_reports = Table("iam.service_reports", ServiceReport)
organization_reports = Table("iam.organization_reports", OrganizationReport)
