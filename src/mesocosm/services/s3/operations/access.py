"""Who may come in: bucket policy, Block Public Access, object ownership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import change, verify_document
from mesocosm.services.s3.operations.buckets import OWNERSHIPS
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import policies
from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


# -- bucket policy --------------------------------------------------------------------------------


def _mendable(call: Call, request: Any) -> str | list[str]:
    """The bucket, whose owner's root user its policy cannot lock out (API reference,
    PutBucketPolicy).
    """
    arn = bucket_arn(call, request)
    return call.unlock(arn) if isinstance(arn, str) else arn


@s3.operation("PutBucketPolicy", resource=_mendable, conditions=request_keys)
def put_bucket_policy(call: Call, request: api.PutBucketPolicyRequest) -> None:
    """Replace the bucket policy; a public one is refused where Block Public Access says so."""
    bucket = open_bucket(call, request)
    verify_document(call)
    text = request.policy or ""
    policies.check(text, bucket.name)
    if policies.is_public(text) and rows.public_access(call.world, bucket).block_policy:
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on "
            "resource: "
            f'"{bucket.arn}" because public policies are prevented by the BlockPublicPolicy '
            "setting in S3 Block Public Access.",
            status=403,
        )
    change(call, bucket, policy=text, principals=_principals(call, text))


def _principals(call: Call, text: str) -> dict[str, str]:
    """The unique ids of the users and roles that a policy names. Raises MalformedPolicy."""
    identity = call.cloud.provider("identity")
    if identity is None:
        return {}
    try:
        found: dict[str, str] = identity.resolved(text)
    except AwsError as error:
        raise AwsError(
            "MalformedPolicy",
            "Invalid principal in policy",
            status=400,
            Detail=error.message.partition(": ")[2],
        ) from None
    return found


@s3.operation("GetBucketPolicy", resource=_mendable, conditions=request_keys)
def get_bucket_policy(call: Call, request: api.GetBucketPolicyRequest) -> api.GetBucketPolicyOutput:
    """The bucket policy as it was put."""
    bucket = open_bucket(call, request)
    if bucket.policy is None:
        raise _no_policy(bucket)
    identity = call.cloud.provider("identity")
    text = identity.shown(bucket.policy, bucket.principals) if identity else bucket.policy
    return api.GetBucketPolicyOutput(policy=text)


@s3.operation("DeleteBucketPolicy", resource=_mendable, conditions=request_keys)
def delete_bucket_policy(call: Call, request: api.DeleteBucketPolicyRequest) -> None:
    """Remove the bucket policy."""
    change(call, open_bucket(call, request), policy=None, principals={})


@s3.operation("GetBucketPolicyStatus", resource=bucket_arn, conditions=request_keys)
def get_bucket_policy_status(
    call: Call, request: api.GetBucketPolicyStatusRequest
) -> api.GetBucketPolicyStatusOutput:
    """Whether the bucket policy is public."""
    bucket = open_bucket(call, request)
    if bucket.policy is None:
        raise _no_policy(bucket)
    return api.GetBucketPolicyStatusOutput(
        policy_status=api.PolicyStatus(is_public=policies.is_public(bucket.policy))
    )


def _no_policy(bucket: rows.Bucket) -> AwsError:
    return AwsError(
        "NoSuchBucketPolicy",
        "The bucket policy does not exist",
        status=404,
        BucketName=bucket.name,
    )


# -- Block Public Access --------------------------------------------------------------------------


@s3.operation(
    "PutPublicAccessBlock",
    action="s3:PutBucketPublicAccessBlock",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_public_access_block(call: Call, request: api.PutPublicAccessBlockRequest) -> None:
    """Replace the bucket's Block Public Access configuration."""
    bucket = open_bucket(call, request)
    verify_document(call)
    given = request.public_access_block_configuration
    if given is None:
        raise malformed_xml()
    made = rows.PublicAccess(
        bool(given.block_public_acls),
        bool(given.ignore_public_acls),
        bool(given.block_public_policy),
        bool(given.restrict_public_buckets),
    )
    change(call, bucket, public_access=made)


@s3.operation(
    "GetPublicAccessBlock",
    action="s3:GetBucketPublicAccessBlock",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_public_access_block(
    call: Call, request: api.GetPublicAccessBlockRequest
) -> api.GetPublicAccessBlockOutput:
    """The bucket's own Block Public Access configuration."""
    bucket = open_bucket(call, request)
    kept = bucket.public_access
    if kept is None:
        raise AwsError(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            status=404,
            BucketName=bucket.name,
        )
    return api.GetPublicAccessBlockOutput(
        public_access_block_configuration=api.PublicAccessBlockConfiguration(
            block_public_acls=kept.block_acls,
            ignore_public_acls=kept.ignore_acls,
            block_public_policy=kept.block_policy,
            restrict_public_buckets=kept.restrict_buckets,
        )
    )


@s3.operation(
    "DeletePublicAccessBlock",
    action="s3:PutBucketPublicAccessBlock",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_public_access_block(call: Call, request: api.DeletePublicAccessBlockRequest) -> None:
    """Remove the bucket's Block Public Access configuration."""
    change(call, open_bucket(call, request), public_access=None)


# -- ownership ------------------------------------------------------------------------------------


@s3.operation("PutBucketOwnershipControls", resource=bucket_arn, conditions=request_keys)
def put_bucket_ownership_controls(
    call: Call, request: api.PutBucketOwnershipControlsRequest
) -> None:
    """Say who owns new objects, and whether ACLs are in force."""
    bucket = open_bucket(call, request)
    verify_document(call)
    given = request.ownership_controls.rules if request.ownership_controls is not None else None
    if not given or len(given) != 1 or given[0].object_ownership not in OWNERSHIPS:
        raise malformed_xml()
    ownership = given[0].object_ownership
    owner = rows.Grant("FULL_CONTROL", rows.canonical_id(bucket.account))
    others = [grant for grant in bucket.acl or () if grant != owner]
    if ownership == "BucketOwnerEnforced" and others and bucket.acls:
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            status=400,
        )
    change(call, bucket, ownership=ownership)


@s3.operation("GetBucketOwnershipControls", resource=bucket_arn, conditions=request_keys)
def get_bucket_ownership_controls(
    call: Call, request: api.GetBucketOwnershipControlsRequest
) -> api.GetBucketOwnershipControlsOutput:
    """Who owns new objects."""
    bucket = open_bucket(call, request)
    if not bucket.ownership:
        raise AwsError(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
            status=404,
            BucketName=bucket.name,
        )
    rule = api.OwnershipControlsRule(object_ownership=bucket.ownership)
    return api.GetBucketOwnershipControlsOutput(
        ownership_controls=api.OwnershipControls(rules=[rule])
    )


@s3.operation(
    "DeleteBucketOwnershipControls",
    action="s3:PutBucketOwnershipControls",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_bucket_ownership_controls(
    call: Call, request: api.DeleteBucketOwnershipControlsRequest
) -> None:
    """Without ownership controls the writer owns an object, and ACLs are in force
    (ObjectWriter).
    """
    change(call, open_bucket(call, request), ownership="")
