"""Tags of IAM's resources: keys are kept as written but are one regardless of case.

Source: IAM user guide, "Tagging IAM resources: rules".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesocosm.api import iam as api
from mesocosm.services.iam.rules import quotas
from mesocosm.wire.errors import AwsError


def given(tags: Iterable[api.Tag] | None) -> dict[str, str]:
    """The tags of a request by key, for conditions: nothing is checked."""
    return {tag.key: tag.value for tag in tags or ()}


def checked(tags: Iterable[api.Tag] | None) -> dict[str, str]:
    """The tags of a request; raises InvalidInput for duplicates and for keys kept for AWS."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for tag in tags or ():
        key = tag.key
        if key.lower() in seen:
            raise AwsError(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        _not_reserved(key)
        seen.add(key.lower())
        found[key] = tag.value
    _few(found)
    return found


def merged(old: Mapping[str, str], tags: Iterable[api.Tag] | None) -> dict[str, str]:
    """The tags after TagX: a key that differs only in case is replaced."""
    new = checked(tags)
    replaced = {key.lower() for key in new}
    result = {key: value for key, value in old.items() if key.lower() not in replaced} | new
    _few(result)
    return result


def without(old: Mapping[str, str], keys: Iterable[str] | None) -> dict[str, str]:
    """The tags after UntagX; keys that are not there are passed over."""
    gone = set()
    for key in keys or ():
        _not_reserved(key)
        gone.add(key.lower())
    return {key: value for key, value in old.items() if key.lower() not in gone}


def _not_reserved(key: str) -> None:
    if key.lower().startswith("aws:"):
        raise AwsError(
            "InvalidInput", "aws: prefixed tag key names are not allowed for external use."
        )


def _few(tags: Mapping[str, str]) -> None:
    if len(tags) > quotas.TAGS:
        raise AwsError("LimitExceeded", "The number of tags has reached the maximum limit.")
