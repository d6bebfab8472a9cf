"""Buckets themselves: CreateBucket, DeleteBucket, HeadBucket, ListBuckets, GetBucketLocation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.call.paging import page
from mesocosm.call.service import Need, Target
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.shared import (
    any_region_arn,
    base_keys,
    bucket_arn,
    no_such_bucket,
    open_bucket,
    request_keys,
)
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.resources.versions import bucket_is_empty
from mesocosm.services.s3.rules import acls, attributes, names
from mesocosm.wire import models
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Conditions

BUCKETS_MAX = 10_000
"""General purpose buckets per account (Amazon S3 quotas)."""

OWNERSHIPS = frozenset({"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"})


@cache
def location_constraints() -> frozenset[str]:
    """The Regions a LocationConstraint may name."""
    return frozenset(models.service("s3").shapes["BucketLocationConstraint"]["enum"])


def _create_arn(call: Call, request: api.CreateBucketRequest) -> str:
    arn = f"arn:aws:s3:::{request.bucket}"
    existing = rows.bucket_row(call.world, request.bucket)
    if existing is not None and existing.account != call.account:
        # The bucket asked for is the caller's own: who has the name already has no say in that.
        call.targets[arn] = Target(arn, call.account)
    return arn


def _create_keys(call: Call, request: api.CreateBucketRequest) -> Conditions:
    found = dict(request_keys(call, request))
    configuration = request.create_bucket_configuration
    if configuration is not None and configuration.location_constraint:
        found["s3:locationconstraint"] = configuration.location_constraint
    return found


def _create_tags(request: api.CreateBucketRequest) -> dict[str, str]:
    configuration = request.create_bucket_configuration
    if configuration is None or not configuration.tags:
        return {}
    return {tag.key or "": tag.value or "" for tag in configuration.tags}


def _create_needs(call: Call, request: api.CreateBucketRequest) -> list[Need]:
    """Creating with object lock, an ACL, ownership or tags takes further permissions."""
    arn = _create_arn(call, request)
    found: list[Need] = []
    if _create_tags(request):
        found.append(Need("s3:TagResource", arn))
    if request.object_lock_enabled_for_bucket:
        found += [
            Need("s3:PutBucketObjectLockConfiguration", arn),
            Need("s3:PutBucketVersioning", arn),
        ]
    if request.object_ownership is not None:
        found.append(Need("s3:PutBucketOwnershipControls", arn))
    if request.acl not in (None, "private") or acls.header_grants(request):
        found.append(Need("s3:PutBucketAcl", arn))
    return found


@s3.operation(
    "CreateBucket",
    resource=_create_arn,
    conditions=_create_keys,
    tags=_create_tags,
    needs=_create_needs,
)
def create_bucket(call: Call, request: api.CreateBucketRequest) -> api.CreateBucketOutput:
    """Create a bucket in the Region of the request, or from us-east-1 in any other."""
    if call.principal.kind == "anonymous":
        raise AwsError("AccessDenied", "Access Denied", status=403)
    name = request.bucket
    names.check_bucket(name)
    if request.bucket_namespace not in (None, "global"):
        raise call.not_implemented(f"BucketNamespace {request.bucket_namespace}")
    region = _region(call, request)
    account = call.account
    existing = rows.bucket_row(call.world, name)
    if existing is not None:
        return _exists(call, existing, region)
    ownership = request.object_ownership or "BucketOwnerEnforced"
    if ownership not in OWNERSHIPS:
        raise attributes.argument(
            "Invalid x-amz-object-ownership header: " + ownership,
            "x-amz-object-ownership",
            ownership,
        )
    owner = rows.canonical_id(account)
    acl = acls.requested(request, owner, owner, bucket=True)
    if acl is not None and ownership == "BucketOwnerEnforced" and request.acl != "private":
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            status=400,
        )
    if acls.public(acl):
        raise AwsError(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
            status=400,
        )
    owned = sum(
        row.account == account for row in call.rows(rows.buckets, *rows.PARTITION_CELL).values()
    )
    if owned >= BUCKETS_MAX:
        raise AwsError(
            "TooManyBuckets",
            "You have attempted to create more buckets than allowed",
            status=400,
        )
    lock = bool(request.object_lock_enabled_for_bucket)
    configuration = request.create_bucket_configuration
    rows.put_bucket(
        call.world,
        rows.Bucket(
            name=name,
            account=account,
            region=region,
            created=call.now,
            versioning="Enabled" if lock else "",
            ownership=ownership,
            public_access=rows.PublicAccess(True, True, True, True),
            acl=acl,
            tags=attributes.tag_set(
                configuration.tags if configuration else None, attributes.BUCKET_TAGS_MAX
            ),
            object_lock=lock,
        ),
    )
    return api.CreateBucketOutput(
        location=_location(name, region), bucket_arn=f"arn:aws:s3:::{name}"
    )


def _location(name: str, region: str) -> str:
    return f"/{name}" if region == "us-east-1" else f"http://{name}.s3.amazonaws.com/"


def _region(call: Call, request: api.CreateBucketRequest) -> str:
    """The Region of a new bucket. Raises the refusals of a wrong LocationConstraint."""
    configuration = request.create_bucket_configuration
    constraint = configuration.location_constraint if configuration is not None else None
    if configuration is not None and (configuration.location or configuration.bucket):
        raise call.not_implemented("a directory bucket")
    endpoint = call.location
    if constraint is None or constraint == "":
        if endpoint == "us-east-1":
            return endpoint
        raise AwsError(
            "IllegalLocationConstraintException",
            "The unspecified location constraint is incompatible for the region specific "
            "endpoint this request was "
            "sent to.",
            status=400,
        )
    if constraint not in location_constraints():
        raise AwsError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            status=400,
            LocationConstraint=constraint,
        )
    region = "eu-west-1" if constraint == "EU" else constraint
    if endpoint not in ("us-east-1", region):
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {constraint} location constraint is incompatible for the region specific "
            "endpoint this request "
            "was sent to.",
            status=400,
        )
    return region


def _exists(call: Call, bucket: rows.Bucket, region: str) -> api.CreateBucketOutput:
    """A bucket of that name exists. In us-east-1 its owner is told that all is well (legacy
    behaviour).
    """
    if bucket.account != call.account:
        raise AwsError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. "
            "Please select a different name and try again.",
            BucketName=bucket.name,
        )
    if bucket.region == "us-east-1" and region == "us-east-1" and call.location == "us-east-1":
        return api.CreateBucketOutput(location=f"/{bucket.name}", bucket_arn=bucket.arn)
    raise AwsError(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        BucketName=bucket.name,
    )


@s3.operation("DeleteBucket", resource=bucket_arn, conditions=request_keys)
def delete_bucket(call: Call, request: api.DeleteBucketRequest) -> None:
    """Delete an empty bucket, and the multipart uploads that were going on in it."""
    bucket = open_bucket(call, request)
    if not bucket_is_empty(call.world, bucket):
        message = "The bucket you tried to delete is not empty"
        if bucket.versioning:
            message += ". You must delete all versions in the bucket."
        raise AwsError("BucketNotEmpty", message, status=409, BucketName=bucket.name)
    going_on = call.rows(rows.uploads, bucket.account, bucket.region)
    parts = call.rows(rows.parts, bucket.account, bucket.region)
    for key in list(going_on.range((bucket.name, "", ""), (bucket.name + "\0", "", ""))):
        del going_on[key]
        for part in list(parts.range((key[2], 0), (key[2], 10_001))):
            del parts[part]
    configurations.forget(call.world, bucket)
    del call.rows(rows.buckets, *rows.PARTITION_CELL)[bucket.name]


@s3.operation(
    "HeadBucket",
    action="s3:ListBucket",
    resource=bucket_arn,
    conditions=request_keys,
    category="data",
)
def head_bucket(call: Call, request: api.HeadBucketRequest) -> api.HeadBucketOutput:
    """Whether the bucket exists and may be listed, and its Region."""
    bucket = open_bucket(call, request)
    return api.HeadBucketOutput(
        bucket_region=bucket.region, access_point_alias=False, bucket_arn=bucket.arn
    )


def _list_keys(call: Call, request: api.ListBucketsRequest) -> Conditions:
    return base_keys(call)


@s3.operation("ListBuckets", action="s3:ListAllMyBuckets", conditions=_list_keys)
def list_buckets(call: Call, request: api.ListBucketsRequest) -> api.ListBucketsOutput:
    """The caller's buckets by name, with AWS's optional paging."""
    if call.principal.kind == "anonymous":
        raise AwsError("AccessDenied", "Access Denied", status=403)
    limit = 10_000 if request.max_buckets is None else request.max_buckets
    if not 1 <= limit <= 10_000:
        raise attributes.argument(
            "Argument max-buckets must be an integer between 1 and 10000", "max-buckets", str(limit)
        )
    prefix = request.prefix or ""
    own = [
        bucket
        for bucket in call.rows(rows.buckets, *rows.PARTITION_CELL).values()
        if bucket.account == call.account
        and bucket.name.startswith(prefix)
        and request.bucket_region in (None, bucket.region)
    ]

    def refuse() -> AwsError:
        return attributes.argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            request.continuation_token or "",
        )

    found, token = page(own, lambda bucket: bucket.name, request.continuation_token, limit, refuse)
    # The Region of each bucket is shown to those who ask for pages, a prefix or a Region.
    paged = request.max_buckets is not None or request.continuation_token is not None
    shown = paged or request.prefix is not None or request.bucket_region is not None
    return api.ListBucketsOutput(
        owner=api.Owner(id=rows.canonical_id(call.account)),
        buckets=[
            api.Bucket(
                name=bucket.name,
                creation_date=float(int(bucket.created)),
                bucket_region=bucket.region if shown else None,
                bucket_arn=bucket.arn if shown else None,
            )
            for bucket in found
        ],
        continuation_token=token,
        prefix=request.prefix,
    )


@s3.operation("GetBucketLocation", resource=any_region_arn, conditions=request_keys)
def get_bucket_location(
    call: Call, request: api.GetBucketLocationRequest
) -> api.GetBucketLocationOutput:
    """The bucket's Region; nothing for us-east-1. Answered in every Region, so that clients can
    find their way.
    """
    bucket = rows.bucket_row(call.world, request.bucket)
    if bucket is None:
        raise no_such_bucket(request.bucket)
    if request.expected_bucket_owner not in (None, bucket.account):
        raise AwsError("AccessDenied", "Access Denied", status=403)
    return api.GetBucketLocationOutput(
        location_constraint=None if bucket.region == "us-east-1" else bucket.region
    )
