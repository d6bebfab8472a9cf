"""What authorisation sees of buckets and objects: owner, tags, bucket policy, ACLs, Block Public
Access.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.call.service import Target
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import find_version
from mesocosm.services.s3.rules import acls, policies

if TYPE_CHECKING:
    from mesocosm.iam import Principal
    from mesocosm.world import World

PREFIX = "arn:aws:s3:::"


@s3.resource
def target(world: World, arn: str) -> Target | None:
    """A bucket, or an object as its bucket lets it be seen; None for a bucket that does not
    exist.
    """
    if not arn.startswith(PREFIX):
        return None
    name, _, key = arn[len(PREFIX) :].partition("/")
    bucket = rows.bucket_row(world, name)
    if bucket is None:
        return None
    policy = bucket.policy
    if (
        policy is not None
        and policies.is_public(policy)
        and rows.public_access(world, bucket).restrict_buckets
    ):
        policy = policies.restricted(policy, bucket.account)
    return Target(
        arn,
        bucket.account,
        bucket.tags if bucket.abac else {},
        policy,
        name=bucket.arn,
        open=_acls(world, bucket, key) if bucket.acls else None,
        region=bucket.region,
        principals=bucket.principals,
    )


def _acls(world: World, bucket: rows.Bucket, key: str) -> Any:
    """The grants of the bucket's ACL and of the object's, as a function that says why a call is
    allowed.
    """

    def granted(principal: Principal, action: str, context: Any) -> str | None:
        # A grant to an account lets its policies decide: in the bucket's own account they do so.
        outside = principal.account not in ("", bucket.account)
        canonical = rows.canonical_id(principal.account) if outside else ""
        options = {
            "anonymous": principal.kind == "anonymous",
            "log_delivery": "logging.s3.amazonaws.com" in principal.services,
            "ignore_public": rows.public_access(world, bucket).ignore_acls,
        }
        permission = acls.BUCKET_ACTIONS.get(action)
        if permission is not None and bucket.acl is not None:
            found = acls.allows(bucket.acl, permission, canonical, **options)
            if found:
                return f"ACL of {bucket.arn}: {found}"
        permission = acls.OBJECT_ACTIONS.get(action)
        if permission is None or not key:
            return None
        version = context["s3:versionid"]
        versions = rows.version_rows(world, bucket)
        place = find_version(versions, bucket.name, key, version) if version else None
        row = place[1] if place else versions.get((bucket.name, key, 0))
        if row is None or row.marker:
            # Who may list is told that there is nothing; there is no ACL to ask.
            found = acls.allows(bucket.acl or (), "READ", canonical, **options)
            return f"ACL of {bucket.arn}: {found}" if found and permission == "READ" else None
        own = row.acl or (rows.Grant("FULL_CONTROL", rows.canonical_id(row.owner)),)
        found = acls.allows(own, permission, canonical, **options)
        return f"ACL of {bucket.arn}/{key}: {found}" if found else None

    return granted
