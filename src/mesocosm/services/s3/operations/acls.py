"""Access control lists of buckets and objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events, replication
from mesocosm.services.s3.operations.bucket_settings import change, verify_document
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    check_owner,
    object_arn,
    object_keys,
    open_bucket,
    open_object,
    request_keys,
    shown_version,
    versioned,
)
from mesocosm.services.s3.operations.writing import public_acl_blocked
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import acls
from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


def _asked(
    call: Call, bucket: rows.Bucket, request: Any, owner: str, *, action: str, arn: str
) -> tuple[rows.Grant, ...]:
    """The ACL that a request puts. Raises AccessControlListNotSupported, InvalidRequest,
    AccessDenied.
    """
    verify_document(call)
    canonical, bucket_owner = rows.canonical_id(owner), rows.canonical_id(bucket.account)
    acl = acls.requested(request, canonical, bucket_owner, bucket="/" not in arn)
    if acl is not None and request.access_control_policy is not None:
        raise AwsError("UnexpectedContent", "This request does not support content", status=400)
    if acl is None:
        if request.access_control_policy is None:
            raise AwsError(
                "MissingSecurityHeader",
                "Your request was missing a required header",
                status=400,
                MissingHeaderName="x-amz-acl",
            )
        acl = acls.document(request.access_control_policy, canonical)
    if not bucket.acls:
        full = (rows.Grant("FULL_CONTROL", bucket_owner),)
        if request.acl == "bucket-owner-full-control" or (request.acl is None and acl == full):
            return full
        raise AwsError(
            "AccessControlListNotSupported", "The bucket does not allow ACLs", status=400
        )
    if acls.public(acl) and rows.public_access(call.world, bucket).block_acls:
        raise public_acl_blocked(call, action, arn)
    return acl


@s3.operation("PutBucketAcl", resource=bucket_arn, conditions=request_keys)
def put_bucket_acl(call: Call, request: api.PutBucketAclRequest) -> None:
    """Replace the bucket's ACL."""
    bucket = open_bucket(call, request)
    acl = _asked(call, bucket, request, bucket.account, action="s3:PutBucketAcl", arn=bucket.arn)
    if bucket.acls:
        change(call, bucket, acl=acl)


@s3.operation("GetBucketAcl", resource=bucket_arn, conditions=request_keys)
def get_bucket_acl(call: Call, request: api.GetBucketAclRequest) -> api.GetBucketAclOutput:
    """The bucket's ACL: that of its owner alone where ACLs are not in force."""
    bucket = open_bucket(call, request)
    owner = rows.canonical_id(bucket.account)
    acl = bucket.acl if bucket.acls and bucket.acl is not None else None
    return api.GetBucketAclOutput(owner=api.Owner(id=owner), grants=_shown(acl, owner))


@s3.operation(
    "PutObjectAcl",
    action=versioned("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
    resource=object_arn,
    conditions=object_keys,
    category="data",
)
def put_object_acl(call: Call, request: api.PutObjectAclRequest) -> api.PutObjectAclOutput:
    """Replace the ACL of a version."""
    bucket = open_bucket(call, request)
    if (
        request.access_control_policy is None
        and request.acl is None
        and not acls.header_grants(request)
    ):
        raise malformed_xml()
    place, row = open_object(call, bucket, request.key, request.version_id)
    check_owner(call, bucket, row, "WRITE_ACP")
    arn = f"{bucket.arn}/{request.key}"
    acl = _asked(call, bucket, request, row.owner, action="s3:PutObjectAcl", arn=arn)
    if bucket.acls:
        rows.version_rows(call.world, bucket)[place] = replace(row, acl=acl)
        if acl != row.acl:
            events.emit(call, bucket, request.key, row, "ObjectAcl:Put")
            replication.changed(call, bucket, place)
    if bucket.versioning:
        call.answer_headers.append(("x-amz-version-id", row.version))
    return api.PutObjectAclOutput()


@s3.operation(
    "GetObjectAcl",
    action=versioned("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    resource=object_arn,
    conditions=object_keys,
    category="data",
)
def get_object_acl(call: Call, request: api.GetObjectAclRequest) -> api.GetObjectAclOutput:
    """The ACL of a version."""
    bucket = open_bucket(call, request)
    _, row = open_object(call, bucket, request.key, request.version_id)
    check_owner(call, bucket, row, "READ_ACP")
    owner = rows.canonical_id(row.owner if bucket.acls else bucket.account)
    version = shown_version(bucket, row)
    if version is not None:
        call.answer_headers.append(("x-amz-version-id", version))
    return api.GetObjectAclOutput(
        owner=api.Owner(id=owner), grants=_shown(row.acl if bucket.acls else None, owner)
    )


def _shown(acl: tuple[rows.Grant, ...] | None, owner: str) -> list[api.Grant]:
    return [
        api.Grant(
            grantee=api.Grantee(type="Group", uri=grant.grantee)
            if grant.group
            else api.Grantee(type="CanonicalUser", id=grant.grantee),
            permission=grant.permission,
        )
        for grant in (acl if acl is not None else (rows.Grant("FULL_CONTROL", owner),))
    ]
