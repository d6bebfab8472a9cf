"""Managed policies and their versions: the account's own, and AWS's to read and attach."""

from __future__ import annotations

import re
from collections import Counter

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources import arns, managed, rows
from mesocosm.services.iam.rules import documents, quotas, tags
from mesocosm.wire.errors import AwsError

_named = common.given_arn("policy_arn")
_new = common.made("policy", "policy_name")
_ARN = re.compile(r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+")


def checked_arn(arn: str) -> str:
    """The ARN of a policy; raises InvalidInput for anything else."""
    if not _ARN.fullmatch(arn):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
    return arn


def own(call: Call, arn: str | None) -> rows.ManagedPolicy | None:
    """The account's policy of that ARN."""
    name = arns.split(checked_arn(arn or ""))
    row = call.rows(rows.policies).get(name.key) if name is not None else None
    if row is None or arns.arn_of(call.account, "policy", row) != arn:
        return None
    return row


def writable(call: Call, arn: str | None) -> rows.ManagedPolicy:
    """The account's policy of that ARN, to be changed; raises NoSuchEntity, or AccessDenied for
    AWS's own."""
    row = own(call, arn)
    if row is None and (arn or "").startswith(managed.PREFIX):
        action = f"iam:{call.operation.name}" if call.operation else "iam:*"
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: {action} on resource: "
            f"policy {arn}",
            status=403,
        )
    if row is None:
        raise common.missing(f"Policy {arn} was not found.")
    return row


def attachable(call: Call, arn: str, message: str = "") -> None:
    """Raise NoSuchEntity unless a policy of that ARN can be attached."""
    if own(call, arn) is not None:
        return
    found = managed.policy(arn)
    if found is None:
        raise common.missing(message or f"Policy {arn} does not exist or is not attachable.")
    if found.path.startswith("/aws-service-role/"):
        raise AwsError(
            "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role."
        )


class Uses:
    """How often each managed policy is attached in an account, and used as a boundary."""

    def __init__(self, call: Call) -> None:
        self.attached: Counter[str] = Counter()
        self.boundary: Counter[str] = Counter()
        for group in call.rows(rows.groups).values():
            self.attached.update(group.attached)
        for cell in (call.rows(rows.users), call.rows(rows.roles)):
            for row in cell.values():
                self.attached.update(row.attached)
                if row.boundary:
                    self.boundary[row.boundary] += 1


def shape(call: Call, row: rows.ManagedPolicy, uses: Uses, *, full: bool = True) -> api.Policy:
    """A policy of the account as answers carry it; lists leave description and tags out."""
    arn = arns.arn_of(call.account, "policy", row)
    return api.Policy(
        policy_name=row.name,
        policy_id=row.id,
        arn=arn,
        path=row.path,
        default_version_id=row.default,
        attachment_count=uses.attached[arn],
        permissions_boundary_usage_count=uses.boundary[arn],
        is_attachable=True,
        description=row.description if full else None,
        create_date=row.created,
        update_date=row.updated,
        tags=common.tag_list(row.tags) if full else None,
    )


def aws_shape(name: str, found: managed.AwsPolicy, uses: Uses) -> api.Policy:
    """One of AWS's policies as answers carry it."""
    arn = managed.arn_of(found, name)
    return api.Policy(
        policy_name=name,
        policy_id=managed.id_of(name),
        arn=arn,
        path=found.path,
        default_version_id=found.version,
        attachment_count=uses.attached[arn],
        permissions_boundary_usage_count=uses.boundary[arn],
        is_attachable=True,
        create_date=found.created,
        update_date=found.updated,
    )


def version_shape(
    version: rows.PolicyVersion, default: str, *, document: bool = False
) -> api.PolicyVersion:
    """A version as answers carry it."""
    return api.PolicyVersion(
        document=documents.encoded(version.document) if document else None,
        version_id=version.id,
        is_default_version=version.id == default,
        create_date=version.created,
    )


def versions(call: Call, arn: str | None) -> tuple[tuple[rows.PolicyVersion, ...], str]:
    """The versions of any managed policy, newest first, and the default's id."""
    row = own(call, arn)
    if row is not None:
        return row.versions[::-1], row.default
    found = managed.policy(arn or "")
    if found is None:
        raise common.missing(f"Policy {arn} was not found.")
    newest = rows.PolicyVersion(
        id=found.version, document=managed.text(found), created=found.updated
    )
    return (newest,), found.version


@iam.operation(
    "CreatePolicy",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagPolicy", _new),
)
def create_policy(call: Call, request: api.CreatePolicyRequest) -> api.CreatePolicyResponse:
    """Make a managed policy with its first version."""
    cell, name = call.rows(rows.policies), request.policy_name or ""
    if name.lower() in cell:
        raise common.exists(
            f"A policy called {name} already exists. Duplicate names are not allowed."
        )
    quotas.limit("PoliciesPerAccount", len(cell), quotas.POLICIES)
    text = documents.checked_managed(request.policy_document or "")
    row = rows.ManagedPolicy(
        name=name,
        id=common.unique(call, "ANPA"),
        path=request.path or "/",
        created=common.instant(call),
        updated=common.instant(call),
        versions=(rows.PolicyVersion(id="v1", document=text, created=common.instant(call)),),
        description=request.description,
        tags=tags.checked(request.tags),
    )
    cell[name.lower()] = row
    made = shape(call, row, Uses(call))
    made.description = None
    return api.CreatePolicyResponse(policy=made)


@iam.operation("GetPolicy", resource=_named)
def get_policy(call: Call, request: api.GetPolicyRequest) -> api.GetPolicyResponse:
    """One managed policy."""
    arn = request.policy_arn or ""
    row = own(call, arn)
    if row is not None:
        return api.GetPolicyResponse(policy=shape(call, row, Uses(call)))
    found = managed.policy(arn)
    if found is None:
        raise common.missing(f"Policy {arn} was not found.")
    made = aws_shape(arn.rpartition("/")[2], found, Uses(call))
    made.tags = []
    return api.GetPolicyResponse(policy=made)


@iam.operation("ListPolicies", resource=lambda call, _: call.arn("policy/*"))
def list_policies(call: Call, request: api.ListPoliciesRequest) -> api.ListPoliciesResponse:
    """Managed policies by scope, path and use."""
    scope, uses = request.scope or "All", Uses(call)
    found: list[api.Policy] = []
    if scope != "AWS":
        cell = call.rows(rows.policies)
        found += [shape(call, row, uses, full=False) for row in cell.values()]
    if scope != "Local":
        found += [aws_shape(name, policy, uses) for name, policy in managed.named().items()]
    usage = request.policy_usage_filter

    def wanted(policy: api.Policy) -> bool:
        attached = policy.attachment_count if usage != "PermissionsBoundary" else 0
        bounding = policy.permissions_boundary_usage_count if usage != "PermissionsPolicy" else 0
        used = bool(attached or bounding)
        return common.under(policy.path or "/", request.path_prefix) and (
            used or not (request.only_attached or usage)
        )

    chosen, marker = paged(
        request, filter(wanted, found), lambda policy: f"{policy.policy_name} {policy.arn}"
    )
    return api.ListPoliciesResponse(policies=chosen, is_truncated=marker is not None, marker=marker)


@iam.operation("DeletePolicy", resource=_named)
def delete_policy(call: Call, request: api.DeletePolicyRequest) -> None:
    """Delete a managed policy that is attached to nothing and has one version."""
    row = writable(call, request.policy_arn)
    uses = Uses(call)
    if uses.attached[request.policy_arn or ""] or uses.boundary[request.policy_arn or ""]:
        raise common.conflict("Cannot delete a policy attached to entities.")
    if len(row.versions) > 1:
        raise common.conflict(
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )
    del call.rows(rows.policies)[row.name.lower()]


@iam.operation("CreatePolicyVersion", resource=_named)
def create_policy_version(
    call: Call, request: api.CreatePolicyVersionRequest
) -> api.CreatePolicyVersionResponse:
    """Add a version, which may become the default at once."""
    row = writable(call, request.policy_arn)
    text = documents.checked_managed(request.policy_document or "")
    if len(row.versions) >= quotas.VERSIONS_PER_POLICY:
        raise AwsError(
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, "
            "you must delete an existing version.",
        )
    number = row.latest + 1
    version = rows.PolicyVersion(id=f"v{number}", document=text, created=common.instant(call))
    default = version.id if request.set_as_default else row.default
    changed = replace(
        row,
        versions=(*row.versions, version),
        latest=number,
        default=default,
        updated=common.instant(call),
    )
    call.rows(rows.policies)[row.name.lower()] = changed
    return api.CreatePolicyVersionResponse(policy_version=version_shape(version, default))


def _version(
    found: tuple[rows.PolicyVersion, ...], arn: str | None, name: str | None
) -> rows.PolicyVersion:
    for version in found:
        if version.id == name:
            return version
    raise common.missing(f"Policy {arn} version {name} does not exist or is not attachable.")


@iam.operation("GetPolicyVersion", resource=_named)
def get_policy_version(
    call: Call, request: api.GetPolicyVersionRequest
) -> api.GetPolicyVersionResponse:
    """One version with its document."""
    found, default = versions(call, request.policy_arn)
    version = _version(found, request.policy_arn, request.version_id)
    return api.GetPolicyVersionResponse(
        policy_version=version_shape(version, default, document=True)
    )


@iam.operation("ListPolicyVersions", resource=_named)
def list_policy_versions(
    call: Call, request: api.ListPolicyVersionsRequest
) -> api.ListPolicyVersionsResponse:
    """The versions, newest first, without documents."""
    found, default = versions(call, request.policy_arn)
    order = {version.id: f"{place:03}" for place, version in enumerate(found)}
    chosen, marker = paged(request, found, lambda version: order[version.id])
    return api.ListPolicyVersionsResponse(
        versions=[version_shape(version, default) for version in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("SetDefaultPolicyVersion", resource=_named)
def set_default_policy_version(call: Call, request: api.SetDefaultPolicyVersionRequest) -> None:
    """Make another version the one that counts."""
    row = writable(call, request.policy_arn)
    version = _version(row.versions, request.policy_arn, request.version_id)
    call.rows(rows.policies)[row.name.lower()] = replace(
        row, default=version.id, updated=common.instant(call)
    )


@iam.operation("DeletePolicyVersion", resource=_named)
def delete_policy_version(call: Call, request: api.DeletePolicyVersionRequest) -> None:
    """Delete a version that is not the default."""
    row = writable(call, request.policy_arn)
    version = _version(row.versions, request.policy_arn, request.version_id)
    if version.id == row.default:
        raise common.conflict("Cannot delete the default version of a policy.")
    kept = tuple(other for other in row.versions if other.id != version.id)
    call.rows(rows.policies)[row.name.lower()] = replace(
        row, versions=kept, updated=common.instant(call)
    )


@iam.operation("TagPolicy", resource=_named, tags=lambda request: tags.given(request.tags))
def tag_policy(call: Call, request: api.TagPolicyRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = writable(call, request.policy_arn)
    call.rows(rows.policies)[row.name.lower()] = replace(
        row, tags=tags.merged(row.tags, request.tags)
    )


@iam.operation(
    "UntagPolicy",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_policy(call: Call, request: api.UntagPolicyRequest) -> None:
    """Remove tags."""
    row = writable(call, request.policy_arn)
    call.rows(rows.policies)[row.name.lower()] = replace(
        row, tags=tags.without(row.tags, request.tag_keys)
    )


@iam.operation("ListPolicyTags", resource=_named)
def list_policy_tags(call: Call, request: api.ListPolicyTagsRequest) -> api.ListPolicyTagsResponse:
    """A policy's tags; AWS's policies have none."""
    row = own(call, request.policy_arn)
    if row is None and managed.policy(request.policy_arn or "") is None:
        raise common.missing(f"Policy {request.policy_arn} was not found.")
    found, marker = paged(
        request, common.tag_list(row.tags if row else {}), lambda tag: tag.key or ""
    )
    return api.ListPolicyTagsResponse(tags=found, is_truncated=marker is not None, marker=marker)
