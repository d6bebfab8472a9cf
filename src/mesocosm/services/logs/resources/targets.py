"""Names and ARNs of logs, and what authorisation must know of the resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mesocosm.call.service import Target
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.rows import (
    Group,
    Stream,
    destinations,
    groups,
    resource_policies,
    streams,
)
from mesocosm.services.logs.rules.policies import merged
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World


class GroupName(NamedTuple):
    """Where a log group is."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Its ARN without the `:*` at the end."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"


def no_group() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def bad(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def split_group(identifier: str) -> GroupName | None:
    """The group an ARN names (with or without `:*` or a stream); None when it names none."""
    parts = identifier.split(":", 7)
    if len(parts) < 7 or parts[0] != "arn" or parts[2] != "logs" or parts[5] != "log-group":
        return None
    return GroupName(parts[4], parts[3], parts[6])


def named(call: Call, identifier: str | None) -> GroupName:
    """The group a name or an ARN stands for."""
    if identifier is not None and identifier.startswith("arn:"):
        found = split_group(identifier)
        if found is None:
            raise bad("Invalid log group identifier")
        return found
    return GroupName(call.account, call.region, identifier or "")


def one_of(name: str | None, identifier: str | None) -> str:
    """The one of logGroupName and logGroupIdentifier that was given."""
    if name and identifier:
        raise bad(
            "LogGroup name and LogGroup ARN are mutually exclusive parameters, "
            "please provide only one of them."
        )
    found = name or identifier
    if not found:
        raise bad("At least one of logGroupName or logGroupIdentifier must be provided.")
    return found


class Found(NamedTuple):
    """A group that is there."""

    at: GroupName
    group: Group


def find(call: Call, identifier: str | None) -> Found:
    """The group of a name or ARN. Raises ResourceNotFoundException."""
    at = named(call, identifier)
    group = call.rows(groups, at.account, at.region).get(at.name)
    if group is None:
        raise no_group()
    return Found(at, group)


def find_stream(call: Call, found: Found, name: str) -> Stream:
    """A stream of a group. Raises ResourceNotFoundException."""
    stream = call.rows(streams, found.at.account, found.at.region).get((found.group.id, name))
    if stream is None:
        raise no_stream()
    return stream


def standard_only(found: Found, operation: str, code: str = "InvalidParameterException") -> None:
    """Refuse what only groups of the class STANDARD have."""
    if found.group.kind != "STANDARD":
        raise AwsError(
            code,
            f"{operation} is not supported for log groups of the log class {found.group.kind}.",
        )


# -- what the steps authorise ---------------------------------------------------------------------


def group_arn(call: Call, request: Any) -> str:
    """The ARN that operations on one group are authorised for. IAM sees `:log-stream:` after it, so
    that the `:*` of policies matches (as AWS's own denials show)."""
    name = getattr(request, "log_group_name", None) or getattr(
        request, "log_group_identifier", None
    )
    return f"{_arn(call, name)}:log-stream:"


def stream_arn(call: Call, request: Any) -> str:
    """The ARN that operations on one stream are authorised for."""
    name = request.log_group_name or getattr(request, "log_group_identifier", None)
    return f"{_arn(call, name)}:log-stream:{request.log_stream_name}"


def any_group(call: Call, request: Any) -> str:
    """The ARN for operations on groups as a whole."""
    return call.arn("log-group::log-stream:")


def _arn(call: Call, identifier: str | None) -> str:
    if identifier is not None and identifier.startswith("arn:"):
        found = split_group(identifier)
        return found.arn if found is not None else identifier
    return call.arn(f"log-group:{identifier or ''}")


@logs.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know: a group's tags, a destination's policy."""
    parts = arn.split(":", 6)
    if len(parts) != 7 or parts[2] != "logs":
        return None
    region, account, kind, rest = parts[3:]
    if kind == "destination":
        row = world.rows(destinations, account, region).get(rest)
        if row is None:
            return None
        return Target(arn, account, row.tags, row.policy or None, region=region)
    if kind != "log-group":
        return None
    group = world.rows(groups, account, region).get(rest.split(":", 1)[0])
    tags = group.tags if group is not None else {}
    policies = list(world.rows(resource_policies, account, region).values())
    if not policies:
        return Target(arn, account, tags, region=region)
    found = merged([row.document for row in policies if not row.resource or row.resource in arn])
    principals = {arn: one for row in policies for arn, one in row.principals.items()}
    return Target(arn, account, tags, found, region=region, principals=principals)
