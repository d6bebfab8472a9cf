"""Server access logs: one line per request, and where the lines go.

Source: "Amazon S3 server access log format", "Enabling Amazon S3 server access logging",
Amazon S3 User Guide.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

QUERIES = {
    "acl": "ACL",
    "abac": "ABAC",
    "accelerate": "ACCELERATE",
    "analytics": "ANALYTICS",
    "attributes": "OBJECT_ATTRIBUTES",
    "cors": "CORS",
    "delete": "MULTI_OBJECT_DELETE",
    "encryption": "ENCRYPTION",
    "intelligent-tiering": "INTELLIGENT_TIERING",
    "inventory": "INVENTORY",
    "legal-hold": "OBJECT_LOCK_LEGALHOLD",
    "lifecycle": "LIFECYCLE",
    "location": "LOCATION",
    "logging": "LOGGING_STATUS",
    "metrics": "METRICS",
    "notification": "NOTIFICATION",
    "object-lock": "OBJECT_LOCK_CONFIGURATION",
    "ownershipControls": "OWNERSHIP_CONTROLS",
    "policy": "BUCKETPOLICY",
    "policyStatus": "POLICY_STATUS",
    "publicAccessBlock": "PUBLIC_ACCESS_BLOCK",
    "replication": "REPLICATION",
    "requestPayment": "REQUEST_PAYMENT",
    "restore": "RESTORE",
    "retention": "OBJECT_LOCK_RETENTION",
    "tagging": "TAGGING",
    "uploads": "UPLOADS",
    "versioning": "VERSIONING",
    "versions": "BUCKETVERSIONS",
    "website": "WEBSITE",
}
"""The resource of an operation by the query parameter that names it."""


def operation_name(method: str, query: str, key: str, copies: bool) -> str:
    """`REST.GET.OBJECT` and the like."""
    names = {part.partition("=")[0] for part in query.split("&")} if query else set()
    if "uploadId" in names:
        what = "PART" if "partNumber" in names else "UPLOAD"
    else:
        found = sorted(name for name in names if name in QUERIES)
        what = QUERIES[found[0]] if found else ("OBJECT" if key else "BUCKET")
        if what == "TAGGING" and key:
            what = "OBJECT_TAGGING"
    return f"REST.{'COPY' if copies else method}.{what}"


def moment(seconds: float) -> str:
    """`[06/Feb/2019:00:00:38 +0000]`."""
    return time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime(int(seconds)))


def escaped(text: str) -> str:
    """A field in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else '"-"'


def line(fields: list[str | int | None]) -> str:
    """The fields of a line; what is not known is a dash."""
    return " ".join("-" if field in (None, "") else str(field) for field in fields)


def shown_key(key: str) -> str:
    """A key as lines show it."""
    return quote(key, safe="/-_.~")


def grant_headers(grants: Iterable[Any] | None, owner: str) -> dict[str, str]:
    """TargetGrants as members of PutObject; the owner (a canonical id) keeps full control.

    What a permission to write a log object would mean S3 does not say: it is left out.
    """
    if not grants:
        return {}
    found: dict[str, list[str]] = {"grant_full_control": [f'id="{owner}"'] if owner else []}
    for grant in grants:
        who = grant.grantee
        name = {"FULL_CONTROL": "grant_full_control", "READ": "grant_read"}.get(grant.permission)
        if name is None:
            continue
        if who.type == "Group":
            text = f'uri="{who.uri}"'
        elif who.type == "AmazonCustomerByEmail":
            text = f'emailAddress="{who.email_address}"'
        else:
            text = f'id="{who.id}"'
        found.setdefault(name, []).append(text)
    return {name: ",".join(texts) for name, texts in found.items() if texts}


def object_key(
    prefix: str, bucket: str, account: str, region: str, source: str | None, now: float, unique: str
) -> str:
    """The key of a log object: simple, or (with a date source) partitioned by day."""
    instant = time.gmtime(int(now))
    if source is None:
        return f"{prefix}{time.strftime('%Y-%m-%d-%H-%M-%S', instant)}-{unique}"
    day = time.strftime("%Y/%m/%d", instant)
    name = "%Y-%m-%d-%H-%M-%S" if source == "DeliveryTime" else "%Y-%m-%d-00-00-00"
    stamp = time.strftime(name, instant)
    return f"{prefix}{account}/{region}/{bucket}/{day}/{stamp}-{unique}"
