"""Resource queries and service configurations.

https://docs.aws.amazon.com/ARG/latest/APIReference/API_ResourceQuery.html
https://docs.aws.amazon.com/ARG/latest/APIReference/about-slg.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from mesocosm.wire.errors import AwsError

ALL = "AWS::AllSupported"
APPLICATION = "AWS::ResourceGroups::ApplicationGroup"
KEYS_MAX, VALUES_MAX = 50, 20


def bad_request(message: str) -> AwsError:
    """BadRequestException."""
    return AwsError("BadRequestException", message)


class Query(NamedTuple):
    """What a query of type TAG_FILTERS_1_0 means: kinds of resources, and for each tag key the
    values of which a resource must have one (none: any).
    """

    types: tuple[str, ...]
    filters: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, text: str) -> Query:
        """Read a query. Raises BadRequestException."""
        try:
            data = json.loads(text)
            types = tuple(data.get("ResourceTypeFilters") or ())
            filters = tuple(
                (one["Key"], tuple(one.get("Values") or ())) for one in data.get("TagFilters") or ()
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise bad_request("Query not valid: Query must be a valid JSON string.") from None
        if not types or not all(isinstance(kind, str) for kind in types):
            raise bad_request("Query not valid: ResourceTypeFilters must not be empty.")
        if len(filters) > KEYS_MAX or any(len(values) > VALUES_MAX for _, values in filters):
            raise bad_request(
                f"Query not valid: at most {KEYS_MAX} keys with {VALUES_MAX} values each."
            )
        return cls(types, filters)

    def means(self, kind: str, tags: Mapping[str, str]) -> bool:
        """Whether a resource of that kind with those tags is meant."""
        return (ALL in self.types or kind in self.types) and all(
            key in tags and (not values or tags[key] in values) for key, values in self.filters
        )
