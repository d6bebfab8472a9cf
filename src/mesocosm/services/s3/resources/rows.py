"""The rows of S3, their tables, and how a bucket and the versions of an object are found and
changed.

Bucket names are unique in a partition, so buckets live in one cell ("", "aws-global"). Everything
else of a bucket
lives in the cell of the bucket's owner and Region.

Versions of objects are one ordered table with the key (bucket, object key, order). `order` is 0
for the newest
version, which makes reading and overwriting one look-up in a dict; older versions follow, newest
first, under
`OLDEST - number`. Python compares text by code point, which is the order of UTF-8 bytes that S3
lists in, so both
listings are range scans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.iam import canonical_id as canonical_id
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.world import Rows, World

PARTITION_CELL = ("", "aws-global")
INLINE_MAX = 16 * 1024
"""Bytes up to which the data of an object is kept in its row; what is larger is a blob."""

NULL_VERSION = "null"


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One grant of an ACL: a permission for a canonical user id or, when `group`, for a predefined
    group's URI.
    """

    permission: str
    grantee: str
    group: bool = False


class PublicAccess(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Block Public Access configuration."""

    block_acls: bool = False
    ignore_acls: bool = False
    block_policy: bool = False
    restrict_buckets: bool = False


class CorsRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule of a bucket's CORS configuration."""

    methods: tuple[str, ...]
    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: int | None = None
    id: str | None = None


class Encryption(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an object is encrypted. `algorithm` is AES256 or a KMS one; the default is SSE-S3.

    For SSE-C `customer_md5` is the base64 MD5 of the key and `check` an HMAC that proves it; the
    key is never kept. For SSE-KMS `wrapped` is what KMS made of the data key (of each, DSSE-KMS)
    under the encryption context `context`; `inner` is the object's own key under that data key,
    when the data key is a bucket's or the object was given another one later.
    """

    algorithm: str = "AES256"
    kms_key: str = ""
    bucket_key: bool = False
    customer_md5: str = ""
    check: bytes = b""
    wrapped: tuple[bytes, ...] = ()
    inner: bytes = b""
    context: dict[str, str] = {}


SSE_S3 = Encryption()


class Bucket(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A bucket, its owner and Region, and the settings that decide about reading and writing
    objects.

    `versioning` is "", "Enabled" or "Suspended". `principals` holds the unique ids of the users and
    roles that the policy names. `acl` None is the default
    (the owner has full control). `cors` None: there is no configuration. `encryption` is the
    default for new objects (None: SSE-S3).
    `created` is epoch seconds. The owner's canonical user id is that of `account`.
    """

    name: str
    account: str
    region: str
    created: float
    versioning: str = ""
    mfa_delete: str = ""
    ownership: str = "BucketOwnerEnforced"
    public_access: PublicAccess | None = None
    policy: str | None = None
    principals: dict[str, str] = {}
    acl: tuple[Grant, ...] | None = None
    tags: dict[str, str] = {}
    cors: tuple[CorsRule, ...] | None = None
    requester_pays: bool = False
    accelerate: str = ""
    abac: bool = False
    object_lock: bool = False
    encryption: Encryption | None = None
    configured: tuple[str, ...] = ()
    """The kinds of configurations it has (`configurations`), so that to have none costs nothing."""

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"

    @property
    def acls(self) -> bool:
        """Whether ACLs are in force."""
        return self.ownership != "BucketOwnerEnforced"


class Piece(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A run of an object's bytes: inline, or a blob. `nonce`: encrypted with the customer's key
    (AES-256, CTR).
    """

    size: int
    data: bytes = b""
    blob: str = ""
    nonce: bytes = b""
    number: int = 0
    etag: str = ""
    checksum: str = ""


class Lock(msgspec.Struct, frozen=True, omit_defaults=True):
    """Object Lock of one version: GOVERNANCE or COMPLIANCE until an instant (epoch seconds), and
    legal hold.
    """

    mode: str = ""
    until: float = 0.0
    hold: bool = False


class Restore(msgspec.Struct, frozen=True, omit_defaults=True):
    """A restore of an archived object: done at `ready`, its copy kept until `expires` (epoch
    seconds).
    """

    ready: float
    expires: float
    days: int = 1


class Object(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One version of an object, or a delete marker.

    `etag` has no quotes. `number` counts the versions of a key upwards. `checksum` is base64
    (composite ones with `-N`), `checksum_type` FULL_OBJECT or COMPOSITE. `headers` holds the
    content headers by member name, `metadata` user metadata by lower-case name. A body is `data`,
    or `blob`, or `pieces` (multipart).
    """

    modified: float
    owner: str
    version: str = NULL_VERSION
    number: int = 0
    marker: bool = False
    etag: str = ""
    size: int = 0
    data: bytes = b""
    blob: str = ""
    nonce: bytes = b""
    pieces: tuple[Piece, ...] = ()
    parts: int = 0
    content_type: str = "binary/octet-stream"
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"
    tags: dict[str, str] = {}
    acl: tuple[Grant, ...] | None = None
    algorithm: str = ""
    checksum: str = ""
    checksum_type: str = "FULL_OBJECT"
    encryption: Encryption = SSE_S3
    lock: Lock | None = None
    restore: Restore | None = None
    replication: str = ""


class Upload(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A multipart upload that is not complete yet. `object` is what it will become, without a
    body.
    """

    initiated: float
    initiator: str
    owner: str
    object: Object
    algorithm: str = ""
    checksum_type: str = ""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """An uploaded part."""

    piece: Piece
    modified: float


def object_blobs(row: Object) -> list[str]:
    """The digests of the blobs that a version needs."""
    return [piece.blob for piece in row.pieces if piece.blob] + ([row.blob] if row.blob else [])


def part_blobs(row: Part) -> list[str]:
    """The digests of the blobs that a part needs."""
    return [row.piece.blob] if row.piece.blob else []


VersionKey = tuple[str, str, int]
"""Bucket, object key, order."""

buckets = Table("s3.buckets", Bucket)
objects = Table("s3.objects", Object, key=tuple[str, str, int], ordered=True)
uploads = Table("s3.uploads", Upload, key=tuple[str, str, str], ordered=True)
parts = Table("s3.parts", Part, key=tuple[str, int], ordered=True)
account_access = Table("s3.account_access", PublicAccess)
"""Block Public Access of accounts: the key "" in the cell (account, "aws-global")."""


def bucket_row(world: World, name: str) -> Bucket | None:
    """The bucket of that name, whoever owns it."""
    return world.rows(buckets, "", "aws-global").get(name)


def put_bucket(world: World, bucket: Bucket) -> None:
    """Write a bucket's row."""
    world.rows(buckets, *PARTITION_CELL)[bucket.name] = bucket


def version_rows(world: World, bucket: Bucket) -> Rows[VersionKey, Object]:
    """The versions of the objects in the bucket's cell (of all its buckets)."""
    return world.rows(objects, bucket.account, bucket.region)


def public_access(world: World, bucket: Bucket) -> PublicAccess:
    """The Block Public Access settings in force: those of the bucket or of its owner's account,
    each by itself.
    """
    own = bucket.public_access or PublicAccess()
    account = world.rows(account_access, bucket.account, "aws-global").get("")
    if account is None:
        return own
    return PublicAccess(
        own.block_acls or account.block_acls,
        own.ignore_acls or account.ignore_acls,
        own.block_policy or account.block_policy,
        own.restrict_buckets or account.restrict_buckets,
    )
