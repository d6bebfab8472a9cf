"""Staging labels: which version bears which, and which versions are kept.

Source: Secrets Manager user guide, "What's in a Secrets Manager secret?" and "Secrets Manager
quotas".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from mesocosm.services.secretsmanager.resources import CURRENT, PREVIOUS, Version
from mesocosm.wire.errors import AwsError

LABELS_MAX = 20
VERSIONS_KEPT = 100
DAY = 86_400.0

Versions = Mapping[str, Version]


def bearer(versions: Versions, stage: str) -> str | None:
    """The id of the version that bears a label."""
    return next((id for id, version in versions.items() if stage in version.stages), None)


def without(versions: Versions, stage: str) -> dict[str, Version]:
    """The versions, none of them with that label."""
    return {
        id: replace(version, stages=tuple(one for one in version.stages if one != stage))
        if stage in version.stages
        else version
        for id, version in versions.items()
    }


def moved(versions: Versions, stages: Iterable[str], to: str) -> dict[str, Version]:
    """The versions after labels were attached to one: AWSPREVIOUS follows where AWSCURRENT was.

    Raises LimitExceededException.
    """
    found = dict(versions)
    for stage in stages:
        before = bearer(found, stage)
        if before == to:
            continue
        found = without(found, stage)
        found[to] = replace(found[to], stages=(*found[to].stages, stage))
        if stage == CURRENT and before is not None:
            found = without(found, PREVIOUS)
            found[before] = replace(found[before], stages=(*found[before].stages, PREVIOUS))
    if sum(len(version.stages) for version in found.values()) > LABELS_MAX:
        raise AwsError(
            "LimitExceededException",
            f"You can't attach more than {LABELS_MAX} staging labels to the versions of a secret.",
        )
    return found


def outdated(versions: Versions, now: float) -> list[str]:
    """The versions to delete: the oldest without labels beyond 100, none younger than a day."""
    excess = len(versions) - VERSIONS_KEPT
    if excess <= 0:
        return []
    old = sorted(
        (version.created, id)
        for id, version in versions.items()
        if not version.stages and version.created <= now - DAY
    )
    return [id for _, id in old[:excess]]
