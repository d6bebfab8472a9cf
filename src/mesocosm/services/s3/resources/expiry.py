"""The x-amz-expiration header: when lifecycle rules will let an object expire."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import quote

from mesocosm.services.s3.resources import configurations
from mesocosm.services.s3.rules import lifecycle

if TYPE_CHECKING:
    from mesocosm.services.s3.resources.rows import Bucket, Object
    from mesocosm.world import World


def expiration_header(world: World, bucket: Bucket, key: str, row: Object) -> str | None:
    """`expiry-date="...", rule-id="..."`, None when nothing will happen."""
    document = configurations.get(world, bucket, "lifecycle")
    if document is None:
        return None
    found = lifecycle.expiration(lifecycle.enabled(document), key, row)
    if found is None:
        return None
    return f'expiry-date="{formatdate(int(found[0]), usegmt=True)}", rule-id="{quote(found[1])}"'


def abort_headers(
    world: World, bucket: Bucket, key: str, initiated: float
) -> tuple[float, str] | tuple[None, None]:
    """x-amz-abort-date (epoch seconds) and x-amz-abort-rule-id: when an upload that is not
    completed will be given up, and by which rule.
    """
    document = configurations.get(world, bucket, "lifecycle")
    found = [
        (lifecycle.at_midnight(initiated, abort.days_after_initiation), rule.id)
        for rule in (lifecycle.enabled(document) if document is not None else ())
        if (abort := rule.given.abort_incomplete_multipart_upload) is not None
        and key.startswith(rule.scope.prefix)
    ]
    return min(found) if found else (None, None)
