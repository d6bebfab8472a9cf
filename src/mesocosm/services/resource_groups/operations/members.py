"""What is in a group, and searching without one."""

from __future__ import annotations

from collections.abc import Iterable

from mesocosm.api import resource_groups as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.call.tagged import Found
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.operations.groups import (
    PAGE_MAX,
    bad_token,
    group_arn,
    named,
    query_text,
)
from mesocosm.services.resource_groups.resources import found_by, members
from mesocosm.services.resource_groups.rules import ALL, Query, bad_request

TAG_NEED = [Need("tag:GetResources")]


def _page(
    found: Iterable[Found], token: str | None, limit: int | None
) -> tuple[list[api.ResourceIdentifier], str | None]:
    listed, following = page(found, lambda one: one.arn, token, limit or PAGE_MAX, bad_token)
    return [
        api.ResourceIdentifier(resource_arn=one.arn, resource_type=one.kind.type) for one in listed
    ], following


@resource_groups.operation(
    "ListGroupResources", resource=group_arn, needs=lambda call, request: TAG_NEED
)
def list_group_resources(
    call: Call, request: api.ListGroupResourcesInput
) -> api.ListGroupResourcesOutput:
    """The resources in a group, by the kinds asked for."""
    row = named(call, request)
    wanted = {kind for one in request.filters or () for kind in one.values}
    if wanted and row.query:
        types = Query.of(row.query).types
        strange = sorted(wanted - set(types)) if ALL not in types else []
        if strange:
            raise bad_request(
                "The resource types specified as filters in the request are not valid: "
                + ", ".join(strange)
            )
    found = (one for one in members(call, row) if not wanted or one.kind.type in wanted)
    listed, token = _page(found, request.next_token, request.max_results)
    return api.ListGroupResourcesOutput(
        resources=[api.ListGroupResourcesItem(identifier=one) for one in listed],
        resource_identifiers=listed,
        next_token=token,
        query_errors=[],
    )


@resource_groups.operation("SearchResources", needs=lambda call, request: TAG_NEED)
def search_resources(call: Call, request: api.SearchResourcesInput) -> api.SearchResourcesOutput:
    """The resources that a query finds."""
    query = Query.of(query_text(call, request.resource_query))
    listed, token = _page(found_by(call, query), request.next_token, request.max_results)
    return api.SearchResourcesOutput(resource_identifiers=listed, next_token=token, query_errors=[])
