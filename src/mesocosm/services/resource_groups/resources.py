"""Groups, what was grouped by hand, and tasks that keep an application's tag in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.call.service import Target
from mesocosm.call.tagged import tagged_resources
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.rules import APPLICATION, Query
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesocosm.call.call import Call
    from mesocosm.call.tagged import Found
    from mesocosm.world import World

PREFIX = "group/"
APPLICATION_TAG = "awsApplication"


class Item(msgspec.Struct, frozen=True):
    """A part of a group's service configuration: parameters by name."""

    type: str
    parameters: dict[str, tuple[str, ...]] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group. `query` is the text of its resource query; `id` ends the ARN of an application."""

    name: str
    created: float
    description: str = ""
    query: str = ""
    configuration: tuple[Item, ...] = ()
    tags: dict[str, str] = {}
    criticality: int | None = None
    owner: str | None = None
    display_name: str | None = None
    id: str = ""

    @property
    def path(self) -> str:
        """What the ARN ends with."""
        return f"{PREFIX}{self.name}/{self.id}" if self.id else PREFIX + self.name


class Grouping(msgspec.Struct, frozen=True):
    """The last time a resource was added to or taken from an application by hand."""

    action: str
    status: str
    at: float
    code: str = ""
    message: str = ""


class SyncTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Puts the application's tag on what has a tag (or what a query finds), with a role."""

    id: str
    group: str
    role: str
    created: float
    key: str = ""
    value: str = ""
    query: str = ""
    status: str = "ACTIVE"
    error: str = ""
    held: tuple[str, ...] = ()
    """The ARNs that this task has tagged."""


groups: Table[str, Group] = Table("resource-groups.groups", Group)
groupings = Table("resource-groups.groupings", Grouping, key=tuple[str, str])  # group, ARN
tasks: Table[str, SyncTask] = Table("resource-groups.tasks", SyncTask)


def arn_of(account: str, region: str, row: Group) -> str:
    """The ARN of a group."""
    return f"arn:aws:resource-groups:{region}:{account}:{row.path}"


def not_found(name: str) -> AwsError:
    """NotFoundException."""
    return AwsError("NotFoundException", f"Cannot find group: {name}")


def name_of(given: str) -> str:
    """A group's name, from that, from its ARN, or from name and id."""
    return given.rpartition(f":{PREFIX}")[2].partition("/")[0]


def group_of(call: Call, given: str | None) -> Group:
    """The group of a name or ARN in the call's Region. Raises NotFoundException."""
    row = call.rows(groups).get(name_of(given or ""))
    if row is None or (
        (given or "").startswith("arn:") and given != arn_of(call.account, call.region, row)
    ):
        raise not_found(given or "")
    return row


@resource_groups.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a group: its tags."""
    _, _, _, region, account, path = arn.split(":", 5)
    row = world.rows(groups, account, region).get(path.removeprefix(PREFIX).partition("/")[0])
    if row is None or row.path != path:
        return None
    return Target(arn, account, row.tags, region=region)


def found_by(call: Call, query: Query) -> Iterator[Found]:
    """The resources of the call's Region that a query means."""
    for found in tagged_resources(call.cloud, call.account, call.region):
        if query.means(found.kind.type, found.tags):
            yield found


def members(call: Call, row: Group) -> Iterator[Found]:
    """The resources in a group."""
    if row.query:
        yield from found_by(call, Query.of(row.query))
    elif is_application(row):
        arn = arn_of(call.account, call.region, row)
        for found in tagged_resources(call.cloud, call.account, call.region):
            if found.tags.get(APPLICATION_TAG) == arn:
                yield found


def is_application(row: Group) -> bool:
    """Whether a group is an application."""
    return any(item.type == APPLICATION for item in row.configuration)
