"""Saved queries. Running them is CloudWatch Logs Insights, which is not here."""

from __future__ import annotations

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.groups import invalid_token
from mesocosm.services.logs.resources.rows import QueryDefinition, query_definitions
from mesocosm.wire.errors import AwsError


def _missing() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified query definition does not exist.")


@logs.operation("PutQueryDefinition")
def put_query_definition(
    call: Call, request: api.PutQueryDefinitionRequest
) -> api.PutQueryDefinitionResponse:
    """Save a query, or change one."""
    rows = call.rows(query_definitions)
    if request.query_definition_id and request.query_definition_id not in rows:
        raise _missing()
    if request.parameters:
        raise call.not_implemented("query parameters")
    row = QueryDefinition(
        id=request.query_definition_id or call.ids.uuid(),
        name=request.name,
        query=request.query_string,
        modified=call.now,
        language=request.query_language or "CWLI",
        groups=tuple(request.log_group_names or ()),
    )
    rows[row.id] = row
    return api.PutQueryDefinitionResponse(query_definition_id=row.id)


@logs.operation("DescribeQueryDefinitions")
def describe_query_definitions(
    call: Call, request: api.DescribeQueryDefinitionsRequest
) -> api.DescribeQueryDefinitionsResponse:
    """The saved queries, by the beginning of their names."""
    prefix = request.query_definition_name_prefix or ""
    chosen = [
        row
        for row in call.rows(query_definitions).values()
        if row.name.startswith(prefix)
        and (not request.query_language or row.language == request.query_language)
    ]
    shown, token = page(
        chosen,
        lambda row: f"{row.name}\n{row.id}",
        request.next_token,
        request.max_results or 1000,
        invalid_token,
    )
    return api.DescribeQueryDefinitionsResponse(
        query_definitions=[
            api.QueryDefinition(
                query_language=row.language,
                query_definition_id=row.id,
                name=row.name,
                query_string=row.query,
                last_modified=int(row.modified * 1000),
                log_group_names=list(row.groups) or None,
            )
            for row in shown
        ],
        next_token=token,
    )


@logs.operation("DeleteQueryDefinition")
def delete_query_definition(
    call: Call, request: api.DeleteQueryDefinitionRequest
) -> api.DeleteQueryDefinitionResponse:
    """Delete a saved query."""
    rows = call.rows(query_definitions)
    if request.query_definition_id not in rows:
        raise _missing()
    del rows[request.query_definition_id]
    return api.DeleteQueryDefinitionResponse(success=True)
