"""CORS: the configuration of a bucket, preflight requests, and the headers of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import change, verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import cors
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Request, Response

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.steps import Passage
    from mesocosm.wire.hosts import Host


@s3.operation(
    "PutBucketCors", action="s3:PutBucketCORS", resource=bucket_arn, conditions=request_keys
)
def put_bucket_cors(call: Call, request: api.PutBucketCorsRequest) -> None:
    """Replace the bucket's CORS configuration."""
    bucket = open_bucket(call, request)
    verify_document(call)
    change(call, bucket, cors=cors.rules_of(request.cors_configuration))


@s3.operation(
    "GetBucketCors", action="s3:GetBucketCORS", resource=bucket_arn, conditions=request_keys
)
def get_bucket_cors(call: Call, request: api.GetBucketCorsRequest) -> api.GetBucketCorsOutput:
    """The bucket's CORS configuration."""
    bucket = open_bucket(call, request)
    if bucket.cors is None:
        raise AwsError(
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist",
            status=404,
            BucketName=bucket.name,
        )
    return api.GetBucketCorsOutput(
        cors_rules=[
            api.CORSRule(
                id=rule.id,
                allowed_headers=list(rule.headers) or None,
                allowed_methods=list(rule.methods),
                allowed_origins=list(rule.origins),
                expose_headers=list(rule.expose) or None,
                max_age_seconds=rule.max_age,
            )
            for rule in bucket.cors
        ]
    )


@s3.operation(
    "DeleteBucketCors", action="s3:PutBucketCORS", resource=bucket_arn, conditions=request_keys
)
def delete_bucket_cors(call: Call, request: api.DeleteBucketCorsRequest) -> None:
    """Remove the bucket's CORS configuration."""
    change(call, open_bucket(call, request), cors=None)


def preflight(cloud: Cloud, request: Request, host: Host) -> Response:
    """The answer to OPTIONS, which needs no signature. Raises BadRequest, AccessForbidden,
    NoSuchBucket.
    """
    name, key = address(request, host)
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if origin is None:
        raise AwsError(
            "BadRequest", "Insufficient information. Origin request header needed.", status=400
        )
    if method is None or method not in cors.METHODS:
        raise AwsError(
            "BadRequest",
            f"Invalid Access-Control-Request-Method: {method or 'null'}",
            status=400,
        )
    asked = request.headers.get("access-control-request-headers") or ""
    requested = [part.strip() for part in asked.split(",") if part.strip()]
    bucket = rows.bucket_row(cloud.world, name)
    kind = "OBJECT" if key else "BUCKET"
    if bucket is None or bucket.cors is None:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method, kind)
    rule = cors.fitting(bucket.cors, origin, method, requested)
    if rule is None:
        raise _forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution "
            "of Origin, request method / Access-Control-Request-Method or "
            "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
            method,
            kind,
        )
    return Response(200, cors.answer_headers(rule, origin, requested))


def _forbidden(message: str, method: str, kind: str) -> AwsError:
    return AwsError("AccessForbidden", message, status=403, Method=method, ResourceType=kind)


def address(request: Request, host: Host) -> tuple[str, str]:
    """The bucket and the key that a request's host and path name."""
    path = unquote(request.path)
    if host.kind in ("bucket", "website"):
        return host.name, path[1:]
    name, _, key = path[1:].partition("/")
    return name, key


def add_headers(cloud: Cloud, passage: Passage) -> None:
    """The CORS headers of an answer to a request from another origin."""
    origin = passage.request.headers.get("origin")
    if origin is None or passage.route is None or passage.response is None:
        return
    bucket = rows.bucket_row(cloud.world, passage.route.labels.get("Bucket", ""))
    if bucket is None or bucket.cors is None:
        return
    rule = cors.fitting(bucket.cors, origin, passage.request.method, [])
    if rule is not None:
        passage.response.headers += cors.answer_headers(rule, origin, None)
