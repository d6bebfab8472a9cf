"""Saved queries, and the dataset every account has."""

from __future__ import annotations

from typing import Any

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.kept import Definition, by_path, definitions
from mesocosm.services.cloudwatch.rules.alarms import check_tags
from mesocosm.services.cloudwatch.rules.errors import bad_token, no_resource
from mesocosm.wire.errors import AwsError

DEFINITIONS_MAX = 1_000
PAGE = 100


def definition_arn(call: Call, name: str) -> str:
    """The ARN of a saved query."""
    return call.arn(f"metric-query-definition/{name}")


def _needs(call: Call, request: Any) -> list[Need]:
    arn = definition_arn(call, request.id or "*")
    return [Need("cloudwatch:TagResource", arn)] if request.tags else []


@cloudwatch.operation(
    "PutMetricDataQueryDefinition",
    resource=lambda call, request: definition_arn(call, request.id or "*"),
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=_needs,
)
def put_definition(
    call: Call, request: api.PutMetricDataQueryDefinitionInput
) -> api.PutMetricDataQueryDefinitionOutput:
    """Save a query. Its expression is neither checked nor run."""
    rows = call.rows(definitions)
    known = rows.get(request.id) if request.id is not None else None
    if request.id is not None and known is None:
        raise no_resource("metric-query-definition", request.id)
    if any(key != request.id for key in rows.find(by_path, request.path)):
        raise AwsError("ConflictException", f"Another definition uses the path {request.path}")
    if known is None and len(rows) >= DEFINITIONS_MAX:
        raise AwsError("LimitExceededException", f"There are {DEFINITIONS_MAX} definitions already")
    row = Definition(
        id=known.id if known else call.ids.uuid(),
        path=request.path,
        expression=request.expression,
        kind=request.type,
        created=known.created if known else call.now,
        updated=call.now,
        tags=known.tags if known else check_tags(request.tags),
    )
    rows[row.id] = row
    return api.PutMetricDataQueryDefinitionOutput(**_shown(call, row))


@cloudwatch.operation(
    "GetMetricDataQueryDefinition",
    resource=lambda call, request: definition_arn(call, request.id),
)
def get_definition(
    call: Call, request: api.GetMetricDataQueryDefinitionInput
) -> api.GetMetricDataQueryDefinitionOutput:
    """A saved query."""
    row = call.rows(definitions).get(request.id)
    if row is None:
        raise no_resource("metric-query-definition", request.id)
    return api.GetMetricDataQueryDefinitionOutput(**_shown(call, row))


@cloudwatch.operation(
    "DeleteMetricDataQueryDefinition",
    resource=lambda call, request: definition_arn(call, request.id),
)
def delete_definition(
    call: Call, request: api.DeleteMetricDataQueryDefinitionInput
) -> api.DeleteMetricDataQueryDefinitionOutput:
    """Delete a saved query, if it is there."""
    call.rows(definitions).pop(request.id, None)
    return api.DeleteMetricDataQueryDefinitionOutput()


@cloudwatch.operation("ListMetricDataQueryDefinitions")
def list_definitions(
    call: Call, request: api.ListMetricDataQueryDefinitionsInput
) -> api.ListMetricDataQueryDefinitionsOutput:
    """Saved queries in the order of their paths."""
    found, token = page(
        call.rows(definitions).values(),
        lambda row: row.path,
        request.next_token,
        request.max_results or PAGE,
        bad_token,
    )
    return api.ListMetricDataQueryDefinitionsOutput(
        items=[
            api.MetricDataQueryDefinitionSummary(
                id=row.id, path=row.path, type=row.kind, updated_at=row.updated
            )
            for row in found
        ],
        next_token=token,
    )


def _shown(call: Call, row: Definition) -> dict[str, Any]:
    return {
        "id": row.id,
        "arn": definition_arn(call, row.id),
        "path": row.path,
        "expression": row.expression,
        "type": row.kind,
        "created_at": row.created,
        "updated_at": row.updated,
    }


@cloudwatch.operation(
    "GetDataset",
    resource=lambda call, request: call.arn(f"dataset/{request.dataset_identifier}"),
)
def get_dataset(call: Call, request: api.GetDatasetInput) -> api.GetDatasetOutput:
    """The dataset `default`, which every account has; no key can be associated with it."""
    arn = call.arn("dataset/default")
    if request.dataset_identifier not in ("default", arn):
        raise no_resource("dataset", request.dataset_identifier)
    return api.GetDatasetOutput(dataset_id="default", arn=arn)
