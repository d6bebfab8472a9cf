"""Dashboards: kept, and looked over when they are saved."""

from __future__ import annotations

import re

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.kept import GLOBAL, Dashboard, dashboards
from mesocosm.services.cloudwatch.rules.alarms import check_tags
from mesocosm.services.cloudwatch.rules.dashboards import problems
from mesocosm.services.cloudwatch.rules.errors import invalid
from mesocosm.wire.errors import AwsError

PAGE = 1_000
BODY_MAX_BYTES = 5 * 1024**2
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def dashboard_arn(account: str, name: str) -> str:
    """The ARN of a dashboard: it has no Region."""
    return f"arn:aws:cloudwatch::{account}:dashboard/{name}"


@cloudwatch.operation(
    "PutDashboard",
    resource=lambda call, request: dashboard_arn(call.account, request.dashboard_name),
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=lambda call, request: (
        [Need("cloudwatch:TagResource", dashboard_arn(call.account, request.dashboard_name))]
        if request.tags
        else []
    ),
)
def put_dashboard(call: Call, request: api.PutDashboardInput) -> api.PutDashboardOutput:
    """Keep a dashboard under a name. Raises DashboardInvalidInputError for a body that is none."""
    if not _NAME.fullmatch(request.dashboard_name):
        raise invalid(
            f"The value {request.dashboard_name} for field DashboardName contains invalid "
            "characters. It can only contain alphanumerics, dash (-) and underscore (_)."
        )
    found = problems(request.dashboard_body)
    if len(request.dashboard_body.encode()) > BODY_MAX_BYTES:
        raise invalid("The field DashboardBody must not be larger than 5 MB.")
    if found:
        shown = [{"dataPath": one.path, "message": one.message} for one in found]
        raise AwsError(
            "DashboardInvalidInputError",
            f"The dashboard body is invalid, there are {len(found)} validation errors: "
            f"{msgspec.json.encode(shown).decode()}",
            dashboardValidationMessages=[
                api.DashboardValidationMessage(data_path=one.path, message=one.message)
                for one in found
            ],
        )
    rows = call.rows(dashboards, region=GLOBAL)
    known = rows.get(request.dashboard_name)
    rows[request.dashboard_name] = Dashboard(
        name=request.dashboard_name,
        body=request.dashboard_body,
        modified=call.now,
        tags=known.tags if known is not None else check_tags(request.tags),
    )
    return api.PutDashboardOutput(dashboard_validation_messages=[])


@cloudwatch.operation(
    "GetDashboard",
    resource=lambda call, request: dashboard_arn(call.account, request.dashboard_name),
)
def get_dashboard(call: Call, request: api.GetDashboardInput) -> api.GetDashboardOutput:
    """A dashboard as it was put."""
    row = call.rows(dashboards, region=GLOBAL).get(request.dashboard_name)
    if row is None:
        raise _no_dashboard(request.dashboard_name)
    return api.GetDashboardOutput(
        dashboard_arn=dashboard_arn(call.account, row.name),
        dashboard_body=row.body,
        dashboard_name=row.name,
    )


@cloudwatch.operation("ListDashboards")
def list_dashboards(call: Call, request: api.ListDashboardsInput) -> api.ListDashboardsOutput:
    """Dashboards by the beginning of their name."""
    prefix = request.dashboard_name_prefix or ""
    found, token = page(
        (
            row
            for row in call.rows(dashboards, region=GLOBAL).values()
            if row.name.startswith(prefix)
        ),
        lambda row: row.name,
        request.next_token,
        PAGE,
        lambda: invalid("Invalid NextToken"),
    )
    return api.ListDashboardsOutput(
        dashboard_entries=[
            api.DashboardEntry(
                dashboard_name=row.name,
                dashboard_arn=dashboard_arn(call.account, row.name),
                last_modified=row.modified,
                size=len(row.body.encode()),
            )
            for row in found
        ],
        next_token=token,
    )


@cloudwatch.operation(
    "DeleteDashboards",
    resource=lambda call, request: [
        dashboard_arn(call.account, name) for name in request.dashboard_names
    ],
)
def delete_dashboards(call: Call, request: api.DeleteDashboardsInput) -> api.DeleteDashboardsOutput:
    """Delete dashboards: all of them, or none when one does not exist."""
    rows = call.rows(dashboards, region=GLOBAL)
    for name in request.dashboard_names:
        if name not in rows:
            raise _no_dashboard(name)
        del rows[name]
    return api.DeleteDashboardsOutput()


def _no_dashboard(name: str) -> AwsError:
    return AwsError("DashboardNotFoundError", f"Dashboard {name} does not exist")
