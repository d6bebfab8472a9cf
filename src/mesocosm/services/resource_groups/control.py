"""Tag-sync tasks: once a minute each puts the application's tag on what it means, with its role."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.call.roles import assumed
from mesocosm.call.tagged import Found, kind_of, tagged_resources
from mesocosm.iam import Principal
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.resources import (
    APPLICATION_TAG,
    SyncTask,
    arn_of,
    groups,
    tasks,
)
from mesocosm.services.resource_groups.rules import Query
from mesocosm.wire.errors import AwsError

EVERY_SECONDS = 60
SESSION = "resource-groups-tag-sync"


@resource_groups.timer("sync")
def sync(call: Call, key: str) -> None:
    """Bring the tags in step; a task that may not do so says why, and tries again."""
    task = call.rows(tasks).get(key)
    if task is None:
        return
    call.at(call.now + EVERY_SECONDS, "sync", key)
    try:
        held = _synchronised(call, task)
    except AwsError as error:
        changed = replace(task, status="ERROR", error=error.message)
    else:
        changed = replace(task, status="ACTIVE", error="", held=held)
    if changed != task:
        call.rows(tasks)[key] = changed


def _synchronised(call: Call, task: SyncTask) -> tuple[str, ...]:
    """The ARNs that this task has tagged, after adding what came and removing what went."""
    application = arn_of(call.account, call.region, call.rows(groups)[task.group])
    wanted, tagged = set(), set()
    for found in tagged_resources(call.cloud, call.account, call.region):
        if found.tags.get(APPLICATION_TAG) == application:
            tagged.add(found.arn)
        if _meant(task, found):
            wanted.add(found.arn)
    gone = (set(task.held) & tagged) - wanted
    if wanted <= tagged and not gone:
        return tuple(sorted(wanted))
    role = assumed(call, task.role, SESSION)
    for arn in sorted(wanted - tagged):
        _change(call, arn, role, {APPLICATION_TAG: application})
    for arn in sorted(gone):
        _change(call, arn, role, None)
    return tuple(sorted(wanted))


def _meant(task: SyncTask, found: Found) -> bool:
    if task.query:
        return Query.of(task.query).means(found.kind.type, found.tags)
    return found.tags.get(task.key) == task.value


def _change(call: Call, arn: str, role: Principal, tags: dict[str, str] | None) -> None:
    known = kind_of(call.cloud, arn)
    if known is None:
        return
    service, kind = known
    if tags is not None:
        call.invoke(service.name, kind.tag, kind.add(call, arn, tags), principal=role)
    else:
        request = kind.remove(call, arn, [APPLICATION_TAG])
        call.invoke(service.name, kind.untag, request, principal=role)
