"""The condition context of a request: a dict by lower-cased key whose rarer entries are made on
demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Value = str | Sequence[str]
"""One value, or the values of a multivalued key."""


class Context(dict[str, "Value | None"]):
    """`context[key]` is the value of a lower-cased key, or None when the request does not have it.

    `lazy` computes single keys at their first use. `families` gives all keys below a prefix, such
    as `aws:resourcetag/`, as a mapping of the rest of the key (any case) to its value. What was
    computed is kept, so that a decision and its later explanation see the same values.
    """

    __slots__ = ("families", "lazy")

    def __init__(
        self,
        values: Mapping[str, Value | None] = {},
        *,
        lazy: Mapping[str, Callable[[], Value | None]] | None = None,
        families: Mapping[str, Callable[[], Mapping[str, str]]] | None = None,
    ) -> None:
        super().__init__(values)
        self.lazy = lazy
        self.families = families

    def __missing__(self, key: str) -> Value | None:
        value: Value | None = None
        if self.lazy is not None and key in self.lazy:
            value = self.lazy[key]()
        elif self.families is not None and "/" in key:
            prefix, _, rest = key.partition("/")
            family = self.families.get(prefix + "/")
            if family is not None:
                value = next((v for k, v in family().items() if k.lower() == rest), None)
        self[key] = value
        return value

    @classmethod
    def of(cls, values: Mapping[str, Value | bool | int | float]) -> Context:
        """A context from keys in any case; booleans become `true` or `false`, numbers their
        text."""
        return cls({key.lower(): _texts(value) for key, value in values.items()})


def _texts(value: Value | bool | int | float) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return text(value)
    return [text(item) for item in value]


def text(value: object) -> str:
    """A JSON scalar as policies compare it."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)
