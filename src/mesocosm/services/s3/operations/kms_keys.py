"""The data keys of objects under SSE-KMS and DSSE-KMS: made and opened by KMS for the caller.

Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)", "Reducing
the cost of SSE-KMS with Amazon S3 Bucket Keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.call import encryption
from mesocosm.services.s3.resources.rows import Encryption
from mesocosm.services.s3.rules import sse
from mesocosm.services.s3.rules.attributes import argument
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.services.s3.resources.rows import Bucket

KMS, DOUBLE = "aws:kms", "aws:kms:dsse"
KMS_ALGORITHMS = frozenset({KMS, DOUBLE})
MANAGED = "alias/aws/s3"
CONTEXT = "aws:s3:arn"
KEY_BYTES = 32
BUCKET_KEY_SECONDS = 300.0
"""How long S3 uses a bucket key for a requester without asking KMS again; AWS says "time-limited"
only."""


def errors(error: AwsError) -> AwsError:
    """KMS's errors as S3 answers them: `KMS.` before the code; a denial is S3's own."""
    if error.code.startswith("AccessDenied"):
        return AwsError("AccessDenied", error.message, status=403)
    if error.status == 501:
        return error
    return AwsError(f"KMS.{error.code}", error.message, status=400)


def made(
    call: Call, bucket: Bucket, request: Any, wanted: Encryption
) -> tuple[Encryption, sse.DataKeys]:
    """New data keys for an object. `wanted` says algorithm, key and, as the default of the bucket,
    whether a bucket key is used."""
    _signed(call)
    context = sse.context(request.ssekms_encryption_context)
    context[CONTEXT] = f"{bucket.arn}/{request.key}"
    default = bucket.encryption
    enabled = request.bucket_key_enabled
    if enabled is None:
        enabled = default is not None and default.bucket_key
    if wanted.algorithm == DOUBLE:
        return _double(call, replace(wanted, bucket_key=False, context=context))
    if enabled:
        return wrap(call, bucket, replace(wanted, bucket_key=True), call.ids.bytes(KEY_BYTES))
    first = encryption.data_key(call, wanted.kms_key or MANAGED, context, errors=errors)
    kept = replace(
        wanted, kms_key=first.key, bucket_key=False, context=context, wrapped=(first.wrapped,)
    )
    return kept, sse.DataKeys(first.plain)


def _double(call: Call, wanted: Encryption) -> tuple[Encryption, sse.DataKeys]:
    name, context = wanted.kms_key or MANAGED, wanted.context
    one, two = (encryption.data_key(call, name, context, errors=errors) for _ in range(2))
    kept = replace(wanted, kms_key=one.key, wrapped=(one.wrapped, two.wrapped))
    return kept, sse.DataKeys(one.plain, two.plain)


def wrap(
    call: Call, bucket: Bucket, wanted: Encryption, own: bytes
) -> tuple[Encryption, sse.DataKeys]:
    """An object's own key under another data key: the bucket's, or one made for `wanted.context`
    (an object that is given another KMS key keeps its bytes)."""
    context = {CONTEXT: bucket.arn} if wanted.bucket_key else wanted.context
    reuse = BUCKET_KEY_SECONDS if wanted.bucket_key else 0.0
    name = wanted.kms_key or MANAGED
    region = bucket.region
    outer = encryption.data_key(call, name, context, errors=errors, reuse=reuse, region=region)
    kept = replace(
        wanted,
        kms_key=outer.key,
        context=context,
        wrapped=(outer.wrapped,),
        inner=encryption.lock(call, outer.plain, own, context),
    )
    return kept, sse.DataKeys(own)


def opened(call: Call, kept: Encryption) -> sse.DataKeys:
    """The data keys of an object; KMS decrypts them for the caller. Raises what it refuses."""
    _signed(call)
    reuse = BUCKET_KEY_SECONDS if kept.bucket_key else 0.0
    region = kept.kms_key.split(":", 4)[3]
    plain = [
        encryption.unwrapped(call, one, kept.context, errors=errors, reuse=reuse, region=region)
        for one in kept.wrapped
    ]
    if kept.inner:
        return sse.DataKeys(encryption.unlock(plain[0], kept.inner, kept.context))
    return sse.DataKeys(*plain)


def _signed(call: Call) -> None:
    """KMS answers nobody whom it does not know. Raises InvalidArgument."""
    if call.principal.kind == "anonymous":
        raise argument(
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS "
            "Signature Version 4.",
            "Authorization",
            "null",
        )
