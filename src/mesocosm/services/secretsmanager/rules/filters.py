"""Filters and order of lists of secrets (ListSecrets, BatchGetSecretValue).

Source: API reference, "Filter"; user guide, "Find secrets in AWS Secrets Manager".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mesocosm.services.secretsmanager.resources import Secret
from mesocosm.wire.errors import AwsError

ATTRIBUTES: Mapping[str, Callable[[Secret], Sequence[str]]] = {
    "description": lambda secret: [secret.description],
    "name": lambda secret: [secret.name],
    "tag-key": lambda secret: list(secret.tags),
    "tag-value": lambda secret: list(secret.tags.values()),
    "primary-region": lambda secret: [secret.primary_region],
    "owning-service": lambda secret: [],
}

ORDERS: Mapping[str, Callable[[Secret], str]] = {
    "created-date": lambda secret: f"{secret.created:020.6f}",
    "last-accessed-date": lambda secret: f"{secret.accessed:020.6f}",
    "last-changed-date": lambda secret: f"{secret.changed:020.6f}",
    "name": lambda secret: secret.name,
}
"""What a list is sorted by, as text that sorts in the same way."""


def matches(secret: Secret, key: str, wanted: Sequence[str]) -> bool:
    """Whether a secret passes a filter: any of its values; with `!` none of them."""
    yes = [value for value in wanted if not value.startswith("!")]
    no = [value[1:] for value in wanted if value.startswith("!")]
    if any(_match(secret, key, value) for value in no):
        return False
    return not yes or any(_match(secret, key, value) for value in yes)


def _match(secret: Secret, key: str, value: str) -> bool:
    if key == "all":
        texts = [
            text.lower() for attribute in ATTRIBUTES.values() for text in attribute(secret) if text
        ]
        return all(any(word in text for text in texts) for word in value.lower().split())
    texts = list(ATTRIBUTES[key](secret))
    if key == "description":
        texts, value = [text.lower() for text in texts], value.lower()
    return any(text.startswith(value) for text in texts)


def check(key: str | None, wanted: Sequence[str] | None) -> None:
    """Refuse a filter without key or values. Raises InvalidParameterException."""
    if not key:
        raise AwsError("InvalidParameterException", "Invalid filter key")
    if not wanted:
        raise AwsError("InvalidParameterException", f"Invalid filter values for key: {key}")
