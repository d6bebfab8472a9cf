"""Groups: making, finding, changing and deleting them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import resource_groups as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.resources import (
    APPLICATION_TAG,
    Group,
    Item,
    SyncTask,
    arn_of,
    group_of,
    groupings,
    groups,
    is_application,
    name_of,
    tasks,
)
from mesocosm.services.resource_groups.rules import APPLICATION, Query, bad_request

TAGS_MAX = 50
PAGE_MAX = 50
ID_LENGTH = 26
TAG_FILTERS = "TAG_FILTERS_1_0"


def group_arn(call: Call, request: Any) -> str:
    """The ARN of the group that a request names, for authorisation."""
    given = getattr(request, "group", None) or getattr(request, "group_name", None) or ""
    row = call.rows(groups).get(name_of(given))
    if row is not None:
        return arn_of(call.account, call.region, row)
    return given if given.startswith("arn:") else call.arn(f"group/{given}")


def named(call: Call, request: Any) -> Group:
    """The group that a request names. Raises NotFoundException."""
    given = getattr(request, "group", None) or getattr(request, "group_name", None)
    if not given:
        raise bad_request("Group must be provided.")
    return group_of(call, given)


def shown(call: Call, row: Group) -> api.Group:
    """A group as it is answered."""
    arn = arn_of(call.account, call.region, row)
    return api.Group(
        group_arn=arn,
        name=row.name,
        description=row.description or None,
        criticality=row.criticality,
        owner=row.owner,
        display_name=row.display_name,
        application_tag={APPLICATION_TAG: arn} if is_application(row) else None,
    )


def query_text(call: Call, given: api.ResourceQuery | None) -> str:
    """The text of a query, after a look at it. Raises BadRequestException."""
    if given is None:
        return ""
    if given.type != TAG_FILTERS:
        raise call.not_implemented(f"a query of type {given.type}")
    Query.of(given.query)
    return given.query


def shown_query(row: Group) -> api.ResourceQuery | None:
    """A query as it is answered."""
    return api.ResourceQuery(type=TAG_FILTERS, query=row.query) if row.query else None


def configuration(call: Call, given: list[api.GroupConfigurationItem] | None) -> tuple[Item, ...]:
    """A service configuration; only of the services there are."""
    items: list[Item] = []
    for item in given or ():
        if item.type not in (APPLICATION, "AWS::ResourceGroups::Generic"):
            raise call.not_implemented(f"the configuration type {item.type}")
        if any(other.type == item.type for other in items):
            raise bad_request(f"Configuration type {item.type} is given twice.")
        parameters = {one.name: tuple(one.values or ()) for one in item.parameters or ()}
        items.append(Item(item.type, parameters))
    return tuple(items)


def shown_configuration(row: Group) -> api.GroupConfiguration | None:
    """A service configuration as it is answered."""
    if not row.configuration:
        return None
    return api.GroupConfiguration(
        configuration=[
            api.GroupConfigurationItem(
                type=item.type,
                parameters=[
                    api.GroupConfigurationParameter(name=name, values=list(values))
                    for name, values in item.parameters.items()
                ],
            )
            for item in row.configuration
        ],
        status="UPDATE_COMPLETE",
    )


def check_tags(tags: dict[str, str] | None) -> dict[str, str]:
    """Raises BadRequestException."""
    for key in tags or ():
        if key.lower().startswith("aws:"):
            raise bad_request("Tag keys that start with aws: are reserved.")
    if len(tags or ()) > TAGS_MAX:
        raise bad_request(f"A group can have at most {TAGS_MAX} tags.")
    return dict(tags or {})


@resource_groups.operation(
    "CreateGroup",
    resource=lambda call, request: call.arn(f"group/{request.name}"),
    tags=lambda request: request.tags,
)
def create_group(call: Call, request: api.CreateGroupInput) -> api.CreateGroupOutput:
    """Make a group of what a query finds, or of a service's own kind."""
    if request.name.lower().startswith("aws"):
        raise bad_request("Group names must not start with aws.")
    if request.name in call.rows(groups):
        raise bad_request(f"Group {request.name} already exists.")
    if request.resource_query is not None and request.configuration:
        raise bad_request("A group can have either a ResourceQuery or a Configuration.")
    row = Group(
        name=request.name,
        created=call.now,
        description=request.description or "",
        query=query_text(call, request.resource_query),
        configuration=configuration(call, request.configuration),
        tags=check_tags(request.tags),
        criticality=request.criticality,
        owner=request.owner,
        display_name=request.display_name,
    )
    if is_application(row):
        row = replace(row, id=call.ids.alphanumeric(ID_LENGTH).lower())
    call.rows(groups)[row.name] = row
    return api.CreateGroupOutput(
        group=shown(call, row),
        resource_query=shown_query(row),
        tags=row.tags or None,
        group_configuration=shown_configuration(row),
    )


@resource_groups.operation("GetGroup", resource=group_arn)
def get_group(call: Call, request: api.GetGroupInput) -> api.GetGroupOutput:
    """A group."""
    return api.GetGroupOutput(group=shown(call, named(call, request)))


@resource_groups.operation("UpdateGroup", resource=group_arn)
def update_group(call: Call, request: api.UpdateGroupInput) -> api.UpdateGroupOutput:
    """Change what a group is described by."""
    row = named(call, request)
    for member in ("description", "criticality", "owner", "display_name"):
        value = getattr(request, member)
        if value is not None:
            row = replace(row, **{member: value})
    call.rows(groups)[row.name] = row
    return api.UpdateGroupOutput(group=shown(call, row))


@resource_groups.operation("DeleteGroup", resource=group_arn)
def delete_group(call: Call, request: api.DeleteGroupInput) -> api.DeleteGroupOutput:
    """Remove a group; its resources stay."""
    row = named(call, request)
    del call.rows(groups)[row.name]
    statuses = call.rows(groupings)
    for key in [key for key in statuses if key[0] == row.name]:
        del statuses[key]
    held = call.rows(tasks)
    for task in [task for task in held.values() if task.group == row.name]:
        end_task(call, task)
    return api.DeleteGroupOutput(group=shown(call, row))


def end_task(call: Call, task: SyncTask) -> None:
    """Remove a task."""
    del call.rows(tasks)[task.id]
    call.cancel("sync", task.id)


@resource_groups.operation("ListGroups")
def list_groups(call: Call, request: api.ListGroupsInput) -> api.ListGroupsOutput:
    """The groups of the Region."""
    kept = [
        row
        for row in call.rows(groups).values()
        if all(_passes(row, one.name, one.values) for one in request.filters or ())
    ]
    listed, token = page(
        kept, lambda row: row.name, request.next_token, request.max_results or PAGE_MAX, bad_token
    )
    return api.ListGroupsOutput(
        group_identifiers=[
            api.GroupIdentifier(
                group_name=row.name,
                group_arn=arn_of(call.account, call.region, row),
                description=row.description or None,
                criticality=row.criticality,
                owner=row.owner,
                display_name=row.display_name,
            )
            for row in listed
        ],
        groups=[shown(call, row) for row in listed],
        next_token=token,
    )


def bad_token() -> Any:
    """The refusal of a token that was not given."""
    return bad_request("The NextToken is not valid.")


def _passes(row: Group, name: str, values: list[str]) -> bool:
    if name == "resource-type":
        types = Query.of(row.query).types if row.query else ()
        return any(value in types for value in values)
    if name == "configuration-type":
        return any(item.type in values for item in row.configuration)
    if name == "criticality":
        return str(row.criticality) in values
    return (row.owner if name == "owner" else row.display_name) in values


@resource_groups.operation("GetGroupQuery", resource=group_arn)
def get_group_query(call: Call, request: api.GetGroupQueryInput) -> api.GetGroupQueryOutput:
    """The query of a group."""
    row = named(call, request)
    if not row.query:
        raise bad_request(f"Group {row.name} has no query.")
    found = api.GroupQuery(group_name=row.name, resource_query=shown_query(row))
    return api.GetGroupQueryOutput(group_query=found)


@resource_groups.operation("UpdateGroupQuery", resource=group_arn)
def update_group_query(
    call: Call, request: api.UpdateGroupQueryInput
) -> api.UpdateGroupQueryOutput:
    """Change the query of a group that has one."""
    row = named(call, request)
    if not row.query:
        raise bad_request(f"Group {row.name} has no query.")
    row = replace(row, query=query_text(call, request.resource_query))
    call.rows(groups)[row.name] = row
    found = api.GroupQuery(group_name=row.name, resource_query=shown_query(row))
    return api.UpdateGroupQueryOutput(group_query=found)


@resource_groups.operation("GetGroupConfiguration", resource=group_arn)
def get_group_configuration(
    call: Call, request: api.GetGroupConfigurationInput
) -> api.GetGroupConfigurationOutput:
    """The service configuration of a group."""
    found = shown_configuration(named(call, request))
    return api.GetGroupConfigurationOutput(
        group_configuration=found or api.GroupConfiguration(configuration=[])
    )


@resource_groups.operation("PutGroupConfiguration", resource=group_arn)
def put_group_configuration(
    call: Call, request: api.PutGroupConfigurationInput
) -> api.PutGroupConfigurationOutput:
    """Change the service configuration of a group that has one."""
    row = named(call, request)
    if row.query:
        raise bad_request("A group can have either a ResourceQuery or a Configuration.")
    changed = replace(row, configuration=configuration(call, request.configuration))
    if is_application(changed) != is_application(row):
        raise bad_request(f"A group cannot become or cease to be of type {APPLICATION}.")
    call.rows(groups)[row.name] = changed
    return api.PutGroupConfigurationOutput()
