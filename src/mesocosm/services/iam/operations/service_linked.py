"""Service-linked roles: made for a service, deleted by a task."""

from __future__ import annotations

import re

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, roles
from mesocosm.services.iam.operations.common import on
from mesocosm.services.iam.resources import jobs, managed, rows
from mesocosm.services.iam.rules import linked_roles
from mesocosm.wire.errors import AwsError

_TASK = re.compile(r"task/aws-service-role/[\w.-]+/[\w+=,.@-]+/[0-9a-f-]{36}")


def _name(request: api.CreateServiceLinkedRoleRequest) -> str:
    known = linked_roles.SERVICES.get(request.aws_service_name)
    suffix = f"_{request.custom_suffix}" if request.custom_suffix else ""
    return linked_roles.PREFIX + (known.name if known else "") + suffix


@iam.operation(
    "CreateServiceLinkedRole",
    resource=lambda call, request: call.arn(
        f"role/aws-service-role/{request.aws_service_name}/{_name(request)}"
    ),
    conditions={"iam:AWSServiceName": lambda _, request: request.aws_service_name},
)
def create_service_linked_role(
    call: Call, request: api.CreateServiceLinkedRoleRequest
) -> api.CreateServiceLinkedRoleResponse:
    """Make the role of a service, with the trust and the policy that the service prescribes."""
    service, cell = request.aws_service_name, call.rows(rows.roles)
    known = linked_roles.SERVICES.get(service)
    if known is None:
        raise AwsError(
            "InvalidInput", f"{service} is not a valid service principal for a service-linked role."
        )
    if request.custom_suffix and not known.suffix:
        raise AwsError("InvalidInput", f"Custom suffix is not allowed for {service}")
    name = _name(request)
    if name.lower() in cell:
        raise AwsError(
            "InvalidInput",
            f"Service role name {name} has been taken in this account, "
            "please try a different suffix.",
        )
    path = f"/aws-service-role/{service}/"
    row = rows.Role(
        name=name,
        id=common.unique(call, "AROA"),
        path=path,
        created=common.instant(call),
        trust=linked_roles.trust(service),
        description=request.description,
        attached=(f"{managed.PREFIX}/aws-service-role/{known.policy}",),
        service=service,
    )
    cell[name.lower()] = row
    return api.CreateServiceLinkedRoleResponse(role=roles.shape(call, row, full=False))


@on("role", "DeleteServiceLinkedRole")
def delete_service_linked_role(
    call: Call, request: api.DeleteServiceLinkedRoleRequest
) -> api.DeleteServiceLinkedRoleResponse:
    """Delete the role of a service. The task is done when the call is."""
    row = common.role(call, request.role_name)
    if not row.service:
        raise common.missing(f"The role with name {row.name} cannot be found.")
    task = f"task{row.path}{row.name}/{call.ids.uuid()}"
    del call.rows(rows.roles)[row.name.lower()]
    call.rows(jobs.deletions)[task] = jobs.Deletion(role=row.name, at=call.now, status="SUCCEEDED")
    return api.DeleteServiceLinkedRoleResponse(deletion_task_id=task)


@iam.operation(
    "GetServiceLinkedRoleDeletionStatus",
    resource=lambda call, request: call.arn(
        "role/" + request.deletion_task_id.removeprefix("task/").rpartition("/")[0]
    ),
)
def get_service_linked_role_deletion_status(
    call: Call, request: api.GetServiceLinkedRoleDeletionStatusRequest
) -> api.GetServiceLinkedRoleDeletionStatusResponse:
    """How a deletion went."""
    task = request.deletion_task_id
    if not _TASK.fullmatch(task):
        raise AwsError("InvalidInput", f"The deletion task id {task} is not valid.")
    found = call.rows(jobs.deletions).get(task)
    if found is None:
        raise common.missing(f"The deletion task {task} cannot be found.")
    return api.GetServiceLinkedRoleDeletionStatusResponse(status=found.status)
