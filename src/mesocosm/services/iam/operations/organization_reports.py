"""Reports on which services the accounts of an organization may reach by its SCPs, and when they
last did.
"""

from __future__ import annotations

from mesocosm.api import iam as api
from mesocosm.api import organizations as organizations_api
from mesocosm.call.authority import Membership
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import in_order
from mesocosm.services.iam.operations.last_accessed import service_names
from mesocosm.services.iam.resources import jobs, rows
from mesocosm.services.iam.rules import scan
from mesocosm.wire.errors import AwsError

KEPT_FOR = 24 * 3600.0
SORTS = {
    None: ("namespace", False),
    "SERVICE_NAMESPACE_ASCENDING": ("namespace", False),
    "SERVICE_NAMESPACE_DESCENDING": ("namespace", True),
    "LAST_AUTHENTICATED_TIME_ASCENDING": ("time", False),
    "LAST_AUTHENTICATED_TIME_DESCENDING": ("time", True),
}


def _membership(call: Call, account: str) -> Membership | None:
    provider = call.cloud.provider("organization")
    found: Membership | None = provider.membership(account) if provider else None
    return found


def _places(call: Call) -> dict[str, Membership]:
    """The accounts of the caller's organization with their places."""
    listed = call.invoke("organizations", "ListAccounts", organizations_api.ListAccountsRequest())
    found = {}
    while True:
        for row in listed.accounts:
            place = _membership(call, row.id)
            if place is not None:
                found[row.id] = place
        if not listed.next_token:
            return found
        listed = call.invoke(
            "organizations",
            "ListAccounts",
            organizations_api.ListAccountsRequest(next_token=listed.next_token),
        )


def _path(account: str, place: Membership) -> str:
    return (place.paths[0] if place.paths else "") + account


def _reachable(place: Membership) -> set[str]:
    """The services that every level of SCPs allows; all in the management account."""
    allowed = set(service_names())
    if place.exempt:
        return allowed
    for _, level in place.scps:
        allowed &= set[str]().union(*(scan.granted_services(text) for _, text in level))
    return allowed


@iam.operation(
    "GenerateOrganizationsAccessReport",
    resource=lambda call, request: call.arn(f"access-report/{request.entity_path}"),
    conditions={"iam:OrganizationsPolicyId": lambda _, request: request.organizations_policy_id},
    read_only=True,
)
def generate_organizations_access_report(
    call: Call, request: api.GenerateOrganizationsAccessReportRequest
) -> api.GenerateOrganizationsAccessReportResponse:
    """Make a report on the root, a unit or an account; it is ready at once and kept for a day."""
    place = _membership(call, call.account)
    if place is None or not place.exempt:
        raise AwsError(
            "AccessDenied",
            "Only the management account of an organization may ask for its access reports.",
            status=403,
        )
    path = request.entity_path
    below = {
        account: found
        for account, found in _places(call).items()
        if (_path(account, found) + "/").startswith(path.rstrip("/") + "/")
    }
    if not below:
        raise common.missing(f"The entity path {path} cannot be found.")
    services: set[str] = set().union(*(_reachable(found) for found in below.values()))
    if request.organizations_policy_id is not None:
        policy = call.invoke(
            "organizations",
            "DescribePolicy",
            organizations_api.DescribePolicyRequest(policy_id=request.organizations_policy_id),
        ).policy
        services &= scan.granted_services(policy.content)
    job = call.ids.uuid()
    call.rows(jobs.organization_reports)[job] = jobs.OrganizationReport(
        path=path,
        at=common.instant(call),
        services=tuple(sorted(services)),
        accounts={account: _path(account, found) for account, found in below.items()},
    )
    return api.GenerateOrganizationsAccessReportResponse(job_id=job)


def _detail(
    call: Call, report: jobs.OrganizationReport, service: str
) -> tuple[float, api.AccessDetail]:
    """The last access of any of a report's accounts to a service."""
    times: dict[str, tuple[float, str]] = {}
    for account in report.accounts:
        for (_, namespace), access in call.rows(rows.accesses, account=account).items():
            if namespace == service and access.time > times.get(account, (0.0, ""))[0]:
                times[account] = (access.time, access.region)
    shape = api.AccessDetail(
        service_name=service_names()[service],
        service_namespace=service,
        total_authenticated_entities=len(times),
    )
    if not times:
        return 0.0, shape
    newest = max(times, key=lambda account: times[account][0])
    time, shape.region = times[newest]
    shape.last_authenticated_time = float(int(time))
    shape.entity_path = report.accounts[newest]
    return time, shape


@iam.operation("GetOrganizationsAccessReport")
def get_organizations_access_report(
    call: Call, request: api.GetOrganizationsAccessReportRequest
) -> api.GetOrganizationsAccessReportResponse:
    """The services of a report, each with its last access."""
    report = call.rows(jobs.organization_reports).get(request.job_id)
    if report is None or call.now - report.at > KEPT_FOR:
        raise common.missing(f"No job with id {request.job_id} found")
    details = [_detail(call, report, service) for service in report.services]
    by, reverse = SORTS[request.sort_key]
    details.sort(
        key=lambda entry: (entry[0] if by == "time" else 0, entry[1].service_namespace or ""),
        reverse=reverse,
    )
    chosen, marker = in_order(request, details)
    return api.GetOrganizationsAccessReportResponse(
        job_status="COMPLETED",
        job_creation_date=report.at,
        job_completion_date=report.at,
        number_of_services_accessible=len(details),
        number_of_services_not_accessed=sum(not time for time, _ in details),
        access_details=[shape for _, shape in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )
