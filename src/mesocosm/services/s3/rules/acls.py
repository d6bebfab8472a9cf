"""Access control lists: canned ones, grants in headers, and what a permission allows.

Source: "Access control list (ACL) overview", Amazon S3 User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mesocosm.services.s3.resources.rows import Grant
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.wire.errors import AwsError

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({EVERYONE, AUTHENTICATED, LOG_DELIVERY})
EC2_AMIS = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
"""The canonical id that aws-exec-read names (Amazon EC2, for AMI bundles)."""

PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"})
GRANTS_MAX = 100

BUCKET_ACTIONS = {
    "s3:ListBucket": "READ",
    "s3:ListBucketVersions": "READ",
    "s3:ListBucketMultipartUploads": "READ",
    "s3:PutObject": "WRITE",
    "s3:DeleteObject": "WRITE",
    "s3:GetBucketAcl": "READ_ACP",
    "s3:PutBucketAcl": "WRITE_ACP",
}
"""What a permission in a bucket's ACL allows."""

OBJECT_ACTIONS = {
    "s3:GetObject": "READ",
    "s3:GetObjectVersion": "READ",
    "s3:GetObjectTorrent": "READ",
    "s3:GetObjectAcl": "READ_ACP",
    "s3:GetObjectVersionAcl": "READ_ACP",
    "s3:PutObjectAcl": "WRITE_ACP",
    "s3:PutObjectVersionAcl": "WRITE_ACP",
}
"""What a permission in an object's ACL allows."""

_CANONICAL = re.compile(r"[0-9a-f]{64}")
_HEADER_GRANT = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]*)"?\s*')


def canned(name: str, owner: str, bucket_owner: str, *, bucket: bool) -> tuple[Grant, ...]:
    """The grants of a canned ACL; the arguments are canonical ids. Raises InvalidArgument."""
    full = Grant("FULL_CONTROL", owner)
    further: dict[str, tuple[Grant, ...]] = {
        "private": (),
        "public-read": (Grant("READ", EVERYONE, True),),
        "public-read-write": (Grant("READ", EVERYONE, True), Grant("WRITE", EVERYONE, True)),
        "authenticated-read": (Grant("READ", AUTHENTICATED, True),),
        "aws-exec-read": (Grant("READ", EC2_AMIS),),
    }
    if bucket:
        further["log-delivery-write"] = (
            Grant("WRITE", LOG_DELIVERY, True),
            Grant("READ_ACP", LOG_DELIVERY, True),
        )
    other = owner != bucket_owner
    further["bucket-owner-read"] = (Grant("READ", bucket_owner),) if other else ()
    further["bucket-owner-full-control"] = (Grant("FULL_CONTROL", bucket_owner),) if other else ()
    if name not in further:
        raise argument("The canned ACL you provided is not valid", "x-amz-acl", name)
    return (full, *further[name])


def header_grants(request: Any) -> list[Grant]:
    """The grants of the x-amz-grant-* headers. Raises InvalidArgument."""
    found: list[Grant] = []
    for member, permission in (
        ("grant_full_control", "FULL_CONTROL"),
        ("grant_read", "READ"),
        ("grant_read_acp", "READ_ACP"),
        ("grant_write", "WRITE"),
        ("grant_write_acp", "WRITE_ACP"),
    ):
        text = getattr(request, member, None)
        for part in text.split(",") if text else ():
            match = _HEADER_GRANT.fullmatch(part)
            name = f"x-amz-{member.replace('_', '-')}"
            if match is None:
                raise argument("Argument format not recognized", name, text or "")
            found.append(_grant(permission, match[1], match[2], name))
    return found


def _grant(permission: str, kind: str, grantee: str, where: str) -> Grant:
    if kind == "uri":
        if grantee not in GROUPS:
            raise argument("Invalid group uri", "uri", grantee)
        return Grant(permission, grantee, True)
    if kind == "emailAddress":
        raise AwsError(
            "UnresolvableGrantByEmailAddress",
            "The email address you provided does not match any account on record.",
            status=400,
        )
    if _CANONICAL.fullmatch(grantee) is None:
        raise argument("Invalid id", "id", grantee)
    return Grant(permission, grantee)


def requested(
    request: Any, owner: str, bucket_owner: str, *, bucket: bool
) -> tuple[Grant, ...] | None:
    """The ACL that the headers of a request ask for, None when they ask for none. Raises
    InvalidRequest.
    """
    name = request.acl
    grants = header_grants(request)
    if name is not None and grants:
        raise AwsError(
            "InvalidRequest",
            "Specifying both Canned ACLs and Header Grants is not allowed",
            status=400,
        )
    if name is not None:
        return canned(name, owner, bucket_owner, bucket=bucket)
    return tuple(grants) or None


def document(policy: Any, owner: str) -> tuple[Grant, ...]:
    """The grants of an AccessControlPolicy document. Raises MalformedACLError, InvalidArgument,
    AccessDenied.
    """
    if policy.owner is None or policy.owner.id is None or policy.grants is None:
        raise AwsError(
            "MalformedACLError",
            "The XML you provided was not well-formed or did not validate against our published "
            "schema",
            status=400,
        )
    if policy.owner.id != owner:
        raise AwsError("AccessDenied", "Access Denied", status=403)
    if len(policy.grants) > GRANTS_MAX:
        raise AwsError("InvalidRequest", "An ACL can have at most 100 grants.", status=400)
    found = []
    for grant in policy.grants:
        grantee = grant.grantee
        if grantee is None or grant.permission not in PERMISSIONS:
            raise malformed_xml()
        if grantee.type == "Group" and grantee.uri is not None:
            found.append(_grant(grant.permission, "uri", grantee.uri, "Group/URI"))
        elif grantee.type == "CanonicalUser" and grantee.id is not None:
            found.append(_grant(grant.permission, "id", grantee.id, "CanonicalUser/ID"))
        elif grantee.type == "AmazonCustomerByEmail":
            found.append(_grant(grant.permission, "emailAddress", grantee.email_address or "", ""))
        else:
            raise malformed_xml()
    return tuple(found)


def public(acl: Iterable[Grant] | None) -> bool:
    """Whether an ACL grants anything to everyone or to all AWS users."""
    return any(grant.group and grant.grantee in (EVERYONE, AUTHENTICATED) for grant in acl or ())


def allows(
    acl: Iterable[Grant],
    permission: str,
    canonical: str,
    *,
    anonymous: bool,
    log_delivery: bool = False,
    ignore_public: bool = False,
) -> str | None:
    """The grant of an ACL that gives someone a permission, in words; None when there is none."""
    for grant in acl:
        if grant.permission not in ("FULL_CONTROL", permission):
            continue
        if not grant.group:
            if canonical and grant.grantee == canonical:
                return f"{grant.permission} for the canonical user {canonical[:12]}..."
        elif grant.grantee == LOG_DELIVERY:
            if log_delivery:
                return f"{grant.permission} for the group LogDelivery"
        elif not ignore_public and (grant.grantee == EVERYONE or not anonymous):
            return f"{grant.permission} for the group {grant.grantee.rpartition('/')[2]}"
    return None
