"""Parameters: written, deleted, tagged."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need, Values
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations import sealing
from mesocosm.services.ssm.operations.opened import find, known, numbers, save
from mesocosm.services.ssm.operations.settings import setting
from mesocosm.services.ssm.resources import (
    Found,
    Parameter,
    Policy,
    Version,
    arn_of,
    parameters,
    versions,
)
from mesocosm.services.ssm.rules import datatypes, names, policies
from mesocosm.services.ssm.rules.names import Wanted, invalid
from mesocosm.wire.errors import AwsError

TAGS_MAX = 50
VERSIONS_MAX = 100


def _arn(call: Call, request: api.PutParameterRequest | api.DeleteParameterRequest) -> str:
    return arn_of(call.region, call.account, request.name.strip())


def _tags(tags: list[api.Tag] | None) -> dict[str, str]:
    return {tag.key: tag.value for tag in tags or []}


def resource_tags(call: Call, name: str) -> dict[str, Values]:
    """The condition keys of a parameter's tags."""
    found = find(call, Wanted(name))
    if found is None:
        return {}
    return {f"ssm:resourceTag/{key}": value for key, value in found.parameter.tags.items()}


def _putting(call: Call, request: api.PutParameterRequest) -> dict[str, Values]:
    return {
        **resource_tags(call, request.name.strip()),
        "ssm:Overwrite": "true" if request.overwrite else "false",
        "ssm:Policies": request.policies,
    }


def _tagging(call: Call, request: api.PutParameterRequest) -> list[Need]:
    needs = [Need("ssm:AddTagsToResource", _arn(call, request))] if request.tags else []
    if request.data_type == "aws:ec2:image":
        needs.append(Need("ec2:DescribeImages"))
    return needs


@ssm.operation(
    "PutParameter",
    resource=_arn,
    conditions=_putting,
    tags=lambda request: _tags(request.tags),
    needs=_tagging,
)
def put_parameter(call: Call, request: api.PutParameterRequest) -> api.PutParameterResult:
    """Make a parameter, or a new version of one."""
    name = request.name.strip()
    arn = arn_of(call.region, call.account, name)
    names.check_name(name, arn)
    if request.tags and request.overwrite:
        raise invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter "
            "with tags, please remove overwrite flag. To update tags for an existing parameter, "
            "please use AddTagsToResource or RemoveTagsFromResource."
        )
    rows = call.rows(parameters)
    row = rows.get(name)
    if row is not None and not request.overwrite:
        raise AwsError(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in "
            "the request to true.",
        )
    before = call.rows(versions)[name, row.latest] if row is not None else None
    made = _version(call, request, before, len(rows))
    if made.type == "SecureString":
        made = sealing.seal(call, made, arn, request.value)
    if row is None:
        tags = _tags(request.tags)
        _check_tags(tags)
        row = Parameter(name=name, created=call.now, tags=tags)
    else:
        row = replace(_without_oldest(call, row), latest=row.latest + 1)
    rows[name] = row
    save(call, Found(row, call.account, call.region), row.latest, made)
    arm(call, name, made.policies)
    return api.PutParameterResult(version=row.latest, tier=made.tier)


def _version(
    call: Call, request: api.PutParameterRequest, before: Version | None, count: int
) -> Version:
    """The version a request asks for; what it leaves out is as it was before."""
    kind = request.type or (before.type if before is not None else None)
    if kind is None:
        raise invalid("A parameter type is required when you create a parameter.")
    if kind not in ("String", "StringList", "SecureString"):
        raise AwsError("UnsupportedParameterType", "The parameter type isn't supported.")
    if before is not None and kind != before.type:
        raise AwsError(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy. For "
            "example, you can't change a parameter from a String type to a SecureString type. You "
            "must create a new, unique parameter.",
        )
    if request.key_id and kind != "SecureString":
        raise invalid("KeyId is required for SecureString type parameter only.")
    data_type = request.data_type or (before.data_type if before is not None else "text")
    pattern = request.allowed_pattern
    if pattern is None:
        pattern = before.pattern if before is not None else ""
    datatypes.check_type(data_type, kind)
    datatypes.check_value(request.value, data_type, kind, pattern)
    rules = _policies(call, request, before)
    asked = request.tier or ""
    if not asked and (before is None or before.tier == "Standard"):
        asked = setting(call, "/ssm/parameter-store/default-parameter-tier")
        if before is not None and asked == "Standard":
            asked = ""
    old = before.tier if before is not None else None
    tier = datatypes.tier(asked, old, request.value, data_type, bool(rules), count)
    key = request.key_id or (before.key_id if before is not None else "") or sealing.MANAGED
    described = request.description
    if described is None:
        described = before.description if before is not None else ""
    return Version(
        type=kind,
        value=request.value if kind != "SecureString" else "",
        key_id=key if kind == "SecureString" else "",
        modified=call.now,
        user=call.principal.arn,
        description=described,
        pattern=pattern,
        tier=tier,
        data_type=data_type,
        policies=rules,
    )


def _policies(
    call: Call, request: api.PutParameterRequest, before: Version | None
) -> tuple[Policy, ...]:
    if request.policies is None:
        return policies.renewed(before.policies, call.now) if before is not None else ()
    if request.policies.strip() in ("", "{}", "[]", "[{}]"):
        return ()
    return policies.parse(request.policies, call.now)


def arm(call: Call, name: str, rules: tuple[Policy, ...]) -> None:
    """Wake when the next policy of a parameter acts."""
    waiting = [rule.due for rule in rules if rule.status == "Pending"]
    if waiting:
        call.at(max(call.now, min(waiting)), "policy", name)
    else:
        call.cancel("policy", name)


def _without_oldest(call: Call, row: Parameter) -> Parameter:
    """Make room for a version: the oldest beyond a hundred goes, unless it bears a label."""
    if row.latest - row.oldest + 1 < VERSIONS_MAX:
        return row
    rows = call.rows(versions)
    if rows[row.name, row.oldest].labels:
        raise AwsError(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {row.name} by calling the PutParameter API "
            f"with the overwrite flag. Version {row.oldest}, the oldest version, can't be deleted "
            "because it has a label associated with it. Move the label to another version of the "
            "parameter, and try again.",
        )
    del rows[row.name, row.oldest]
    return replace(row, oldest=row.oldest + 1)


# -- deleting ------------------------------------------------------------------------------------


def delete(call: Call, found: Found) -> None:
    """Delete a parameter with all its versions."""
    rows = call.rows(versions, found.account, found.region)
    for number in numbers(found):
        del rows[found.parameter.name, number]
    del call.rows(parameters, found.account, found.region)[found.parameter.name]
    call.cancel("policy", found.parameter.name)


@ssm.operation(
    "DeleteParameter",
    resource=_arn,
    conditions=lambda call, request: resource_tags(call, request.name.strip()),
)
def delete_parameter(call: Call, request: api.DeleteParameterRequest) -> api.DeleteParameterResult:
    """Delete one parameter."""
    delete(call, known(call, request.name.strip()))
    return api.DeleteParameterResult()


@ssm.operation(
    "DeleteParameters",
    resource=lambda call, request: [
        arn_of(call.region, call.account, name.strip()) for name in request.names
    ],
)
def delete_parameters(
    call: Call, request: api.DeleteParametersRequest
) -> api.DeleteParametersResult:
    """Delete up to ten parameters; those that are not there are told."""
    gone: list[str] = []
    absent: list[str] = []
    for name in dict.fromkeys(request.names):
        found = find(call, Wanted(name.strip()))
        if found is None:
            absent.append(name)
        else:
            delete(call, found)
            gone.append(name)
    return api.DeleteParametersResult(deleted_parameters=gone, invalid_parameters=absent)


# -- tags ----------------------------------------------------------------------------------------


def _check_tags(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise AwsError("TooManyTagsError", f"A parameter has at most {TAGS_MAX} tags.")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys can't start with aws: because it's reserved for system use.")


def _resource(call: Call, request: Any) -> str:
    """The ARN of what is tagged; of kinds that are not there, nothing in particular."""
    if request.resource_type != "Parameter":
        return "*"
    return arn_of(call.region, call.account, request.resource_id.strip())


def _tagged(call: Call, kind: str, name: str) -> Found:
    if kind != "Parameter":
        raise call.not_implemented(f"tags of resources of type {kind}")
    found = find(call, Wanted(name.strip()))
    if found is None:
        raise AwsError(
            "InvalidResourceId",
            "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
        )
    return found


@ssm.operation("AddTagsToResource", resource=_resource, tags=lambda request: _tags(request.tags))
def add_tags_to_resource(
    call: Call, request: api.AddTagsToResourceRequest
) -> api.AddTagsToResourceResult:
    """Add tags, or change the values of those there."""
    found = _tagged(call, request.resource_type, request.resource_id)
    tags = {**found.parameter.tags, **_tags(request.tags)}
    _check_tags(tags)
    call.rows(parameters)[found.parameter.name] = replace(found.parameter, tags=tags)
    return api.AddTagsToResourceResult()


@ssm.operation(
    "RemoveTagsFromResource", resource=_resource, tag_keys=lambda request: request.tag_keys
)
def remove_tags_from_resource(
    call: Call, request: api.RemoveTagsFromResourceRequest
) -> api.RemoveTagsFromResourceResult:
    """Take tags away."""
    found = _tagged(call, request.resource_type, request.resource_id)
    gone = set(request.tag_keys)
    tags = {key: value for key, value in found.parameter.tags.items() if key not in gone}
    call.rows(parameters)[found.parameter.name] = replace(found.parameter, tags=tags)
    return api.RemoveTagsFromResourceResult()


@ssm.operation("ListTagsForResource", resource=_resource)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResult:
    """The tags of a parameter."""
    found = _tagged(call, request.resource_type, request.resource_id)
    return api.ListTagsForResourceResult(
        tag_list=[
            api.Tag(key=key, value=value) for key, value in sorted(found.parameter.tags.items())
        ]
    )
