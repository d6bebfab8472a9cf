"""Export tasks: the events of a group as objects in a bucket."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.api import s3
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.call.paging import page
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.groups import invalid_token
from mesocosm.services.logs.operations.metrics import limit_exceeded
from mesocosm.services.logs.resources.rows import Export, exports
from mesocosm.services.logs.resources.targets import bad, find, group_arn, standard_only
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError

ACTIVE = ("PENDING", "RUNNING", "PENDING_CANCEL")
DEFAULT_PREFIX = "exportedlogs"
BEGINS_AFTER = 1.0
OWNER_CONTROL = "bucket-owner-full-control"


def conditions(call: Call, task: Export) -> dict[str, str]:
    """The condition keys of what logs do in a bucket for a task."""
    return {
        "aws:SourceAccount": call.account,
        "aws:SourceArn": call.arn(f"log-group:{task.group}:*"),
        "s3:x-amz-acl": OWNER_CONTROL,
    }


def write(call: Call, task: Export, key: str, data: bytes) -> None:
    """Put an object into the task's bucket, as the service. Raises what S3 answers."""
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{task.bucket}")
    call.invoke(
        "s3",
        "PutObject",
        s3.PutObjectRequest(bucket=task.bucket, key=key, body=MemoryBody(data, call.world.blobs)),
        principal=service_principal(f"logs.{call.region}.amazonaws.com"),
        account=target.account,
        region=target.region or call.region,
        conditions=conditions(call, task),
    )


def _check_bucket(call: Call, task: Export) -> None:
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{task.bucket}")
    if target.region and target.region != call.region:
        raise bad("The destination bucket must be in the same Region as the log group.")
    try:
        call.invoke(
            "s3",
            "GetBucketAcl",
            s3.GetBucketAclRequest(bucket=task.bucket),
            principal=service_principal(f"logs.{call.region}.amazonaws.com"),
            account=target.account,
            region=call.region,
            conditions=conditions(call, task),
        )
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise bad("The specified bucket does not exist.") from None
        raise _failed("GetBucketAcl") from None
    try:
        write(call, task, f"{task.prefix}/aws-logs-write-test", b"Permission Check Successful")
    except AwsError:
        raise _failed("PutObject") from None


def _failed(operation: str) -> AwsError:
    return bad(
        f"{operation} call on the given bucket failed. Please check if CloudWatch Logs has been "
        "granted permission to perform this operation."
    )


@logs.operation("CreateExportTask", resource=group_arn)
def create_export_task(
    call: Call, request: api.CreateExportTaskRequest
) -> api.CreateExportTaskResponse:
    """Export the events of a group between two instants."""
    found = find(call, request.log_group_name)
    standard_only(found, "CreateExportTask")
    if request.from_ > request.to:
        raise bad("The start time must be before the end time.")
    if any(row.status in ACTIVE for row in call.rows(exports).values()):
        raise limit_exceeded()
    task = Export(
        id=call.ids.uuid(),
        group=found.group.name,
        since=request.from_,
        until=request.to,
        bucket=request.destination,
        prefix=request.destination_prefix or DEFAULT_PREFIX,
        created=call.now,
        name=request.task_name or "",
        streams=request.log_stream_name_prefix or "",
    )
    _check_bucket(call, task)
    call.rows(exports)[task.id] = task
    call.at(call.now + BEGINS_AFTER, "export", task.id)
    return api.CreateExportTaskResponse(task_id=task.id)


@logs.operation("CancelExportTask")
def cancel_export_task(call: Call, request: api.CancelExportTaskRequest) -> None:
    """Stop a task that is not done; what was written stays."""
    rows = call.rows(exports)
    task = rows.get(request.task_id)
    if task is None:
        raise AwsError("ResourceNotFoundException", "The specified export task does not exist.")
    if task.status not in ("PENDING", "RUNNING"):
        raise AwsError(
            "InvalidOperationException",
            "The specified export task has already finished.",
        )
    call.cancel("export", task.id)
    rows[task.id] = replace(
        task, status="CANCELLED", message="Cancelled by user", completed=call.now
    )


@logs.operation("DescribeExportTasks")
def describe_export_tasks(
    call: Call, request: api.DescribeExportTasksRequest
) -> api.DescribeExportTasksResponse:
    """The export tasks, newest first."""
    rows = call.rows(exports)
    if request.task_id:
        if request.task_id not in rows:
            raise AwsError("ResourceNotFoundException", "The specified export task does not exist.")
        chosen = [rows[request.task_id]]
    else:
        chosen = [
            row
            for row in rows.values()
            if not request.status_code or row.status == request.status_code
        ]
    shown, token = page(
        chosen,
        lambda row: f"{2e10 - row.created:020.6f} {row.id}",
        request.next_token,
        request.limit or 50,
        invalid_token,
    )
    return api.DescribeExportTasksResponse(
        export_tasks=[_shown(row) for row in shown], next_token=token
    )


def _shown(row: Export) -> api.ExportTask:
    return api.ExportTask(
        task_id=row.id,
        task_name=row.name or None,
        log_group_name=row.group,
        from_=row.since,
        to=row.until,
        destination=row.bucket,
        destination_prefix=row.prefix,
        status=api.ExportTaskStatus(code=row.status, message=row.message or None),
        execution_info=api.ExportTaskExecutionInfo(
            creation_time=int(row.created * 1000),
            completion_time=int(row.completed * 1000) if row.completed else None,
        ),
    )
