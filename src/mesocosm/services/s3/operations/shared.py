"""What the operations share: finding the bucket, the resource and the condition keys of a
decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mesocosm.call.moments import iso
from mesocosm.call.service import Need
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import NUMBER_LENGTH, find_version
from mesocosm.services.s3.rules import acls
from mesocosm.services.s3.rules.attributes import argument
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Conditions, Values

# -- the bucket -----------------------------------------------------------------------------------


def reachable(call: Call, name: str) -> rows.Bucket | None:
    """The bucket, unless it is missing or belongs to another Region than the one the request was
    made to.
    """
    bucket = rows.bucket_row(call.world, name)
    if bucket is None or (bucket.region != call.location and _elsewhere(call, bucket)):
        return None
    return bucket


def _elsewhere(call: Call, bucket: rows.Bucket) -> bool:
    """Whether the signature is for the other Region that the request was made to; older ones, and
    none at all, name no Region.
    """
    if call.http is None:
        return False
    http = call.http
    return "authorization" in http.headers or "X-Amz-Credential=" in http.query


def open_bucket(call: Call, request: Any) -> rows.Bucket:
    """The bucket a request names. Raises NoSuchBucket, PermanentRedirect,
    AuthorizationHeaderMalformed, AccessDenied.
    """
    bucket = rows.bucket_row(call.world, request.bucket)
    if bucket is None:
        raise no_such_bucket(request.bucket)
    if bucket.region != call.location and _elsewhere(call, bucket):
        raise wrong_region(call, bucket)
    expected = request.expected_bucket_owner
    if expected is not None and expected != bucket.account:
        raise AwsError("AccessDenied", "Access Denied", status=403)
    if bucket.requester_pays and call.http is not None:
        _check_payer(call, bucket, request)
    return bucket


def _check_payer(call: Call, bucket: rows.Bucket, request: Any) -> None:
    """In a Requester Pays bucket others than the owner must say that they pay."""
    if call.principal.account == bucket.account or not hasattr(request, "request_payer"):
        return
    if call.principal.kind == "anonymous" or request.request_payer != "requester":
        raise AwsError("AccessDenied", "Access Denied", status=403)
    call.answer_headers.append(("x-amz-request-charged", "requester"))


def no_such_bucket(name: str) -> AwsError:
    """There is no bucket of that name."""
    return AwsError(
        "NoSuchBucket", "The specified bucket does not exist", status=404, BucketName=name
    )


def wrong_region(call: Call, bucket: rows.Bucket) -> AwsError:
    """The request was made to another Region than the bucket's: the answer says where to go.

    A virtual host without a Region leads to the bucket's own Region, where only the signature is
    wrong; any other
    host is the wrong endpoint.
    """
    headers = {"x-amz-bucket-region": bucket.region}
    host = (call.http.host if call.http else "").partition(":")[0]
    if host.startswith((f"{bucket.name}.s3.amazonaws", f"{bucket.name}.s3.localhost")):
        return AwsError(
            "AuthorizationHeaderMalformed",
            f"The authorization header is malformed; the region '{call.location}' is wrong; "
            f"expecting '{bucket.region}'",
            status=400,
            headers=headers,
            Region=bucket.region,
        )
    return AwsError(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        status=301,
        headers=headers,
        Endpoint=f"{bucket.name}.s3.{bucket.region}.amazonaws.com",
        Bucket=bucket.name,
    )


# -- the resource of a decision -------------------------------------------------------------------


def bucket_arn(call: Call, request: Any) -> str | list[str]:
    """The bucket's ARN; nothing to decide about a bucket that cannot be reached (the operation
    says so).
    """
    if reachable(call, request.bucket) is None:
        return []
    return f"arn:aws:s3:::{request.bucket}"


def any_region_arn(call: Call, request: Any) -> str | list[str]:
    """The bucket's ARN, whatever Region the request was made to."""
    if rows.bucket_row(call.world, request.bucket) is None:
        return []
    return f"arn:aws:s3:::{request.bucket}"


def object_arn(call: Call, request: Any) -> str | list[str]:
    """The object's ARN; nothing to decide when its bucket cannot be reached."""
    if reachable(call, request.bucket) is None:
        return []
    return f"arn:aws:s3:::{request.bucket}/{request.key}"


def versioned(action: str, action_of_version: str) -> Any:
    """The action of a request that may name a version: another one when it does."""

    def choose(call: Call, request: Any) -> str:
        return action if request.version_id is None else action_of_version

    return choose


# -- condition keys -------------------------------------------------------------------------------


def base_keys(call: Call) -> dict[str, Values]:
    """The condition keys that every S3 request has (service authorization reference)."""
    http = call.http
    if http is None:
        return {}
    found: dict[str, Values] = {}
    headers = http.headers
    if "authorization" in headers:
        found["s3:authType"] = "REST-HEADER"
        found["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    elif call.principal.kind != "anonymous":
        found["s3:authType"] = "POST" if http.method == "POST" else "REST-QUERY-STRING"
        found["s3:signatureversion"] = "AWS4-HMAC-SHA256"
        age = _signature_age(call)
        if age is not None:
            found["s3:signatureAge"] = age
    payload = headers.get("x-amz-content-sha256")
    if payload is not None:
        found["s3:x-amz-content-sha256"] = payload
    return found


def _signature_age(call: Call) -> str | None:
    """Milliseconds since a presigned request was signed."""
    from mesocosm.wire import claims

    assert call.http is not None
    signature = claims.parse(call.http)
    if signature is None:
        return None
    return str(max(0, int((call.world.clock.real() - signature.time) * 1000)))


_HEADER_KEYS: tuple[tuple[str, str], ...] = (
    ("acl", "s3:x-amz-acl"),
    ("grant_full_control", "s3:x-amz-grant-full-control"),
    ("grant_read", "s3:x-amz-grant-read"),
    ("grant_read_acp", "s3:x-amz-grant-read-acp"),
    ("grant_write", "s3:x-amz-grant-write"),
    ("grant_write_acp", "s3:x-amz-grant-write-acp"),
    ("server_side_encryption", "s3:x-amz-server-side-encryption"),
    ("ssekms_key_id", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
    ("sse_customer_algorithm", "s3:x-amz-server-side-encryption-customer-algorithm"),
    ("storage_class", "s3:x-amz-storage-class"),
    ("website_redirect_location", "s3:x-amz-website-redirect-location"),
    ("if_match", "s3:if-match"),
    ("if_none_match", "s3:if-none-match"),
    ("copy_source", "s3:x-amz-copy-source"),
    ("metadata_directive", "s3:x-amz-metadata-directive"),
    ("object_ownership", "s3:x-amz-object-ownership"),
    ("version_id", "s3:VersionId"),
    ("prefix", "s3:prefix"),
    ("delimiter", "s3:delimiter"),
    ("max_keys", "s3:max-keys"),
    ("object_lock_mode", "s3:object-lock-mode"),
    ("object_lock_legal_hold_status", "s3:object-lock-legal-hold"),
)

_present: dict[type, tuple[Callable[[Any], tuple[Any, ...]], tuple[str, ...]]] = {}


def request_keys(call: Call, request: Any) -> dict[str, Values]:
    """The condition keys of a request: those of its headers and query that it has."""
    found = base_keys(call)
    kind = type(request)
    present = _present.get(kind)
    if present is None:
        fields = kind.__struct_fields__
        pairs = [pair for pair in _HEADER_KEYS if pair[0] in fields]
        members = [member for member, _ in pairs]
        # Two members more, so that there is always a tuple to get.
        present = _present[kind] = (
            attrgetter(*members, "__class__", "__class__"),
            tuple(key for _, key in pairs),
        )
    values = present[0](request)
    for key, value in zip(present[1], values, strict=False):
        if value is not None:
            found[key] = value if value.__class__ is str else str(value)
    return found


def tag_keys(prefix: str, tags: Mapping[str, str]) -> dict[str, Values]:
    """`s3:RequestObjectTag/*` or `s3:ExistingObjectTag/*`."""
    return {f"{prefix}/{key}": value for key, value in tags.items()}


def write_keys(call: Call, request: Any) -> Conditions:
    """The condition keys of a request that makes an object."""
    found = request_keys(call, request)
    found |= lock_keys(call, request.object_lock_retain_until_date)
    if request.tagging:
        from mesocosm.services.s3.rules.attributes import tagging_header

        tags = tagging_header(request.tagging)
        found |= tag_keys("s3:RequestObjectTag", tags)
        found["s3:RequestObjectTagKeys"] = list(tags)
    return found


def lock_keys(call: Call, until: float | None) -> dict[str, Values]:
    """The condition keys of a retain-until date (epoch seconds)."""
    if until is None:
        return {}
    return {
        "s3:object-lock-retain-until-date": iso(until),
        "s3:object-lock-remaining-retention-days": str(int((until - call.now) // 86_400)),
    }


def object_keys(call: Call, request: Any) -> Conditions:
    """The condition keys of a request about an object: also the tags it has."""
    found = request_keys(call, request)
    bucket = reachable(call, request.bucket)
    if bucket is not None:
        version = getattr(request, "version_id", None)
        place = find(call, bucket, request.key, version)
        if place is not None and place[1].tags:
            found |= tag_keys("s3:ExistingObjectTag", place[1].tags)
    return found


# -- objects --------------------------------------------------------------------------------------


def find(
    call: Call, bucket: rows.Bucket, key: str, version: str | None
) -> tuple[rows.VersionKey, rows.Object] | None:
    """A version of an object and where it stands: the newest when no version is named."""
    versions = rows.version_rows(call.world, bucket)
    if version is None:
        place = (bucket.name, key, 0)
        row = versions.get(place)
        return None if row is None else (place, row)
    return find_version(versions, bucket.name, key, version)


def open_object(
    call: Call, bucket: rows.Bucket, key: str, version: str | None
) -> tuple[rows.VersionKey, rows.Object]:
    """The version a request names, which is no delete marker.

    Raises NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker named by its version),
    InvalidArgument.
    """
    found = find(call, bucket, key, version)
    if found is None:
        if version is None:
            raise no_such_key(call, bucket, key)
        check_version_id(version)
        raise no_such_version(key, version)
    row = found[1]
    if row.marker:
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": row.version}
        if version is None:
            error = no_such_key(call, bucket, key)
            error.headers.update(headers)
            raise error
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            status=405,
            headers={**headers, "allow": "DELETE", "last-modified": http_date(row.modified)},
            Method=call.http.method if call.http else "GET",
            ResourceType="DeleteMarker",
        )
    return found


def check_owner(call: Call, bucket: rows.Bucket, row: rows.Object, permission: str) -> None:
    """An object that another account owns is that account's to give: policies of the bucket's owner
    say nothing, its ACL decides. Raises AccessDenied."""
    if row.owner == bucket.account or not bucket.acls:
        return
    account = call.principal.account
    canonical = rows.canonical_id(account) if account else ""
    own = row.acl or (rows.Grant("FULL_CONTROL", rows.canonical_id(row.owner)),)
    granted = acls.allows(
        own,
        permission,
        canonical,
        anonymous=call.principal.kind == "anonymous",
        ignore_public=rows.public_access(call.world, bucket).ignore_acls,
    )
    if granted is None:
        raise AwsError("AccessDenied", "Access Denied", status=403)


def no_such_key(call: Call, bucket: rows.Bucket, key: str) -> AwsError:
    """404, or 403 for a caller who may not list the bucket: then S3 does not say that there is
    nothing.
    """
    try:
        call.need(Need("s3:ListBucket", bucket.arn, base_keys(call)))
    except AwsError as denial:
        return denial
    return AwsError("NoSuchKey", "The specified key does not exist.", status=404, Key=key)


def no_such_version(key: str, version: str) -> AwsError:
    """There is no such version."""
    return AwsError(
        "NoSuchVersion",
        "The specified version does not exist.",
        status=404,
        Key=key,
        VersionId=version,
    )


def check_version_id(version: str) -> None:
    """Raises InvalidArgument for what cannot be a version id."""
    if version == rows.NULL_VERSION:
        return
    if len(version) == 32 and version.isascii() and version[-NUMBER_LENGTH:].isalnum():
        return
    raise argument("Invalid version id specified", "versionId", version)


def shown_version(bucket: rows.Bucket, row: rows.Object) -> str | None:
    """The version id as answers show it: none in a bucket that never had versioning."""
    return row.version if bucket.versioning else None


def http_date(instant: float) -> str:
    """An instant as HTTP headers carry it (RFC 9110, 5.6.7)."""
    from email.utils import formatdate

    return formatdate(int(instant), usegmt=True)


def quoted(etag: str) -> str:
    """An entity tag as it is answered."""
    return f'"{etag}"'
