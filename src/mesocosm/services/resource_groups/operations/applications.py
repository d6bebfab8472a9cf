"""Applications: groups whose resources carry the application's tag, put there by hand or by tasks
that keep it in step with another tag.
"""

from __future__ import annotations

from typing import Any

from mesocosm.api import resource_groups as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.call.tagged import kind_of
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.operations.groups import (
    ID_LENGTH,
    PAGE_MAX,
    bad_token,
    end_task,
    group_arn,
    named,
    query_text,
)
from mesocosm.services.resource_groups.resources import (
    APPLICATION_TAG,
    Group,
    Grouping,
    SyncTask,
    arn_of,
    groupings,
    groups,
    is_application,
    name_of,
    tasks,
)
from mesocosm.services.resource_groups.rules import bad_request
from mesocosm.wire.errors import AwsError


def _application(call: Call, request: Any) -> Group:
    row = named(call, request)
    if not is_application(row):
        raise bad_request(
            f"Group {row.name} is not an application group: resources cannot be added or removed."
        )
    return row


def _change(call: Call, row: Group, arn: str, add: bool) -> None:
    """Put the application's tag on a resource, or take it away, as the caller."""
    found = kind_of(call.cloud, arn)
    if found is None:
        raise bad_request(f"The resource type of {arn} is not supported.")
    service, kind = found
    if add:
        tags = {APPLICATION_TAG: arn_of(call.account, call.region, row)}
        call.invoke(service.name, kind.tag, kind.add(call, arn, tags))
    else:
        call.invoke(service.name, kind.untag, kind.remove(call, arn, [APPLICATION_TAG]))


def _each(
    call: Call, row: Group, arns: list[str], add: bool
) -> tuple[list[str], list[api.FailedResource]]:
    succeeded, failed = [], []
    statuses, action = call.rows(groupings), "GROUP" if add else "UNGROUP"
    for arn in dict.fromkeys(arns):
        try:
            _change(call, row, arn, add)
        except AwsError as error:
            failed.append(
                api.FailedResource(
                    resource_arn=arn, error_code=error.code, error_message=error.message
                )
            )
            done = Grouping(action, "FAILED", call.now, error.code, error.message)
        else:
            succeeded.append(arn)
            done = Grouping(action, "SUCCESS", call.now)
        statuses[row.name, arn] = done
    return succeeded, failed


@resource_groups.operation("GroupResources", resource=group_arn)
def group_resources(call: Call, request: api.GroupResourcesInput) -> api.GroupResourcesOutput:
    """Add resources to an application: they get its tag."""
    row = _application(call, request)
    succeeded, failed = _each(call, row, request.resource_arns, True)
    return api.GroupResourcesOutput(succeeded=succeeded, failed=failed, pending=[])


@resource_groups.operation("UngroupResources", resource=group_arn)
def ungroup_resources(call: Call, request: api.UngroupResourcesInput) -> api.UngroupResourcesOutput:
    """Take resources from an application: its tag goes."""
    row = _application(call, request)
    succeeded, failed = _each(call, row, request.resource_arns, False)
    return api.UngroupResourcesOutput(succeeded=succeeded, failed=failed, pending=[])


@resource_groups.operation("ListGroupingStatuses", resource=group_arn)
def list_grouping_statuses(
    call: Call, request: api.ListGroupingStatusesInput
) -> api.ListGroupingStatusesOutput:
    """How the last adding or removing of each resource went."""
    row = _application(call, request)
    wanted = {one.name: one.values for one in request.filters or ()}
    kept = [
        (arn, done)
        for (group, arn), done in call.rows(groupings).items()
        if group == row.name
        and done.status in wanted.get("status", [done.status])
        and arn in wanted.get("resource-arn", [arn])
    ]
    listed, token = page(
        kept, lambda one: one[0], request.next_token, request.max_results or PAGE_MAX, bad_token
    )
    return api.ListGroupingStatusesOutput(
        group=request.group,
        grouping_statuses=[
            api.GroupingStatusesItem(
                resource_arn=arn,
                action=done.action,
                status=done.status,
                error_code=done.code or None,
                error_message=done.message or None,
                updated_at=done.at,
            )
            for arn, done in listed
        ],
        next_token=token,
    )


# -- tasks -----------------------------------------------------------------------------------------


def _task_arn(call: Call, task: SyncTask) -> str:
    row = call.rows(groups)[task.group]
    return f"{arn_of(call.account, call.region, row)}/tag-sync-task/{task.id}"


def _of_task(call: Call, request: Any) -> str:
    return str(request.task_arn).partition("/tag-sync-task/")[0]


def _task(call: Call, arn: str) -> SyncTask:
    found = call.rows(tasks).get(arn.rpartition("/")[2])
    if found is None or _task_arn(call, found) != arn:
        raise AwsError("NotFoundException", f"Cannot find tag-sync task: {arn}")
    return found


def _passing(call: Call, request: api.StartTagSyncTaskInput) -> list[Need]:
    service = {"iam:PassedToService": resource_groups.source}
    return [
        Need("iam:PassRole", request.role_arn, service),
        Need("resource-groups:CreateGroup", group_arn(call, request)),
    ]


def _members(call: Call, task: SyncTask) -> dict[str, Any]:
    row = call.rows(groups)[task.group]
    query = api.ResourceQuery(type="TAG_FILTERS_1_0", query=task.query) if task.query else None
    return {
        "group_arn": arn_of(call.account, call.region, row),
        "group_name": row.name,
        "task_arn": _task_arn(call, task),
        "tag_key": task.key or None,
        "tag_value": task.value if task.key else None,
        "resource_query": query,
        "role_arn": task.role,
    }


def _state(task: SyncTask) -> dict[str, Any]:
    return {
        "status": task.status,
        "error_message": task.error or None,
        "created_at": task.created,
    }


@resource_groups.operation("StartTagSyncTask", resource=group_arn, needs=_passing)
def start_tag_sync_task(
    call: Call, request: api.StartTagSyncTaskInput
) -> api.StartTagSyncTaskOutput:
    """Begin to keep the application's tag on what has a tag, or on what a query finds."""
    row = _application(call, request)
    by_tag = request.tag_key is not None and request.tag_value is not None
    if by_tag == (request.resource_query is not None):
        raise bad_request("Specify either TagKey with TagValue, or ResourceQuery.")
    task = SyncTask(
        id=call.ids.alphanumeric(ID_LENGTH).lower(),
        group=row.name,
        role=request.role_arn,
        created=call.now,
        key=request.tag_key or "",
        value=request.tag_value or "",
        query=query_text(call, request.resource_query),
    )
    call.rows(tasks)[task.id] = task
    call.at(call.now, "sync", task.id)
    return api.StartTagSyncTaskOutput(**_members(call, task))


@resource_groups.operation("GetTagSyncTask", resource=_of_task)
def get_tag_sync_task(call: Call, request: api.GetTagSyncTaskInput) -> api.GetTagSyncTaskOutput:
    """A task."""
    task = _task(call, request.task_arn)
    return api.GetTagSyncTaskOutput(**_members(call, task), **_state(task))


@resource_groups.operation("CancelTagSyncTask", resource=_of_task)
def cancel_tag_sync_task(call: Call, request: api.CancelTagSyncTaskInput) -> None:
    """End a task; the tags it has put stay."""
    end_task(call, _task(call, request.task_arn))


def _listed_groups(call: Call, request: api.ListTagSyncTasksInput) -> list[str]:
    wanted = [one.group_arn or one.group_name or "" for one in request.filters or ()]
    return [group_arn(call, api.GetGroupInput(group=given)) for given in wanted if given] or ["*"]


@resource_groups.operation("ListTagSyncTasks", resource=_listed_groups)
def list_tag_sync_tasks(
    call: Call, request: api.ListTagSyncTasksInput
) -> api.ListTagSyncTasksOutput:
    """The tasks of the Region, or of some applications."""
    wanted = {name_of(one.group_arn or one.group_name or "") for one in request.filters or ()}
    kept = [task for task in call.rows(tasks).values() if not wanted or task.group in wanted]
    listed, token = page(
        kept, lambda task: task.id, request.next_token, request.max_results or PAGE_MAX, bad_token
    )
    return api.ListTagSyncTasksOutput(
        tag_sync_tasks=[
            api.TagSyncTaskItem(**_members(call, task), **_state(task)) for task in listed
        ],
        next_token=token,
    )
