"""The operations of logs, by what they are about."""

from mesocosm.services.logs.operations import (
    encryption,
    exports,
    groups,
    masking,
    measuring,
    metrics,
    policies,
    queries,
    reading,
    receivers,
    streams,
    subscriptions,
    tagged,
    tags,
    tail,
    writing,
)

__all__ = [
    "encryption",
    "exports",
    "groups",
    "masking",
    "measuring",
    "metrics",
    "policies",
    "queries",
    "reading",
    "receivers",
    "streams",
    "subscriptions",
    "tagged",
    "tags",
    "tail",
    "writing",
]
