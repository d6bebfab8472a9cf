"""Resource policies of logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache


def merged(documents: Sequence[str]) -> str | None:
    """One policy that says what several say; None when there is none."""
    return _merged(tuple(sorted(documents))) if documents else None


@lru_cache(maxsize=256)
def _merged(documents: tuple[str, ...]) -> str:
    if len(documents) == 1:
        return documents[0]
    statements = []
    for document in documents:
        found = json.loads(document).get("Statement", [])
        statements += found if isinstance(found, list) else [found]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
