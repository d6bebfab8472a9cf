"""Queries of Metrics Insights (user guide, "Metrics Insights query components and syntax"):

```sql
SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId) WHERE Zone != 'a' AND Env = 'prod'
GROUP BY InstanceId ORDER BY MAX() DESC LIMIT 10
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from mesocosm.services.cloudwatch.rules import statistics
from mesocosm.services.cloudwatch.rules.math.functions import AGGREGATES
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression
from mesocosm.services.cloudwatch.rules.math.search import Found
from mesocosm.services.cloudwatch.rules.math.values import Line
from mesocosm.services.cloudwatch.rules.points import Sample

SERIES_MAX = 500
_TOKEN = re.compile(
    r"""\s*(?:"(?P<name>(?:[^"]|"")*)"|'(?P<text>(?:[^']|'')*)'|(?P<sign>!=|[=(),])"""
    r"""|(?P<word>[A-Za-z0-9_./#:@-]+))"""
)

FUNCTIONS: Mapping[str, Callable[[Sample], float | None]] = {
    "AVG": statistics.average,
    "COUNT": statistics.count,
    "MAX": statistics.maximum,
    "MIN": statistics.minimum,
    "SUM": statistics.total,
}


class Condition(NamedTuple):
    """A label that has a value, or (`equal` false) another."""

    label: str
    equal: bool
    value: str


class Query(NamedTuple):
    """A query. `schema`: exactly these labels; None: any. `order`: function and whether falling."""

    function: str
    metric: str
    namespace: str
    schema: frozenset[str] | None
    where: tuple[Condition, ...]
    group: tuple[str, ...]
    order: tuple[str, bool] | None
    limit: int

    def matches(self, one: Found) -> bool:
        """Whether a metric is asked for."""
        if one.namespace != self.namespace or one.name != self.metric:
            return False
        labels = dict(one.dimensions)
        if self.schema is not None and labels.keys() != self.schema:
            return False
        if any(label not in labels for label in self.group):
            return False
        return all(
            one.label in labels and (labels[one.label] == one.value) == one.equal
            for one in self.where
        )


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.at = position = 0
        text = text.rstrip().rstrip(";")
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise BadExpression(f"The query cannot be read from {text[position:].strip()}")
            quote = {"name": '"', "text": "'"}.get(match.lastgroup, "")
            value = match[match.lastgroup]
            self.tokens.append(
                (match.lastgroup, value.replace(quote * 2, quote) if quote else value)
            )
            position = match.end()

    def has(self, *words: str) -> bool:
        """Go on if these keywords follow."""
        here = self.tokens[self.at : self.at + len(words)]
        if [value.upper() for kind, value in here if kind in ("word", "sign")] != list(words):
            return False
        self.at += len(words)
        return True

    def need(self, *words: str) -> None:
        if not self.has(*words):
            raise BadExpression(f"The query needs {' '.join(words)} here")

    def name(self) -> str:
        return self._take("word", "name")

    def _take(self, *kinds: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] not in kinds:
            raise BadExpression("The query ends unexpectedly, or needs a name")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def names(self) -> list[str]:
        found = [self.name()]
        while self.has(","):
            found.append(self.name())
        return found

    def function(self) -> str:
        name = self._take("word").upper()
        if name not in FUNCTIONS:
            raise BadExpression(f"The query does not know the function {name}")
        self.need("(")
        return name

    def condition(self) -> Condition:
        label = self.name()
        equal = self.has("=")
        if not equal:
            self.need("!=")
        return Condition(label, equal, self._take("text"))

    def query(self) -> Query:
        self.need("SELECT")
        function = self.function()
        metric = self.name()
        self.need(")")
        self.need("FROM")
        schema = None
        if self.has("SCHEMA", "("):
            namespace, *labels = self.names()
            schema = frozenset(labels)
            self.need(")")
        else:
            namespace = self.name()
        where = []
        if self.has("WHERE"):
            where.append(self.condition())
            while self.has("AND"):
                where.append(self.condition())
        group = tuple(self.names()) if self.has("GROUP", "BY") else ()
        order = None
        if self.has("ORDER", "BY"):
            by = self.function()
            self.need(")")
            falling = self.has("DESC")
            if not falling:
                self.has("ASC")
            order = (by, falling)
        limit = SERIES_MAX
        if self.has("LIMIT"):
            text = self._take("word")
            if not text.isdigit() or not 0 < int(text) <= SERIES_MAX:
                raise BadExpression(f"LIMIT is from 1 to {SERIES_MAX}")
            limit = int(text)
        if self.at != len(self.tokens):
            raise BadExpression(f"The query goes on with {self.tokens[self.at][1]}")
        return Query(function, metric, namespace, schema, tuple(where), group, order, limit)


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query a text stands for. Raises BadExpression."""
    return _Reader(text).query()


def merged(samples: Sequence[dict[int, Sample]]) -> dict[int, Sample]:
    """The observations of several metrics as one, by period."""
    found: dict[int, Sample] = {}
    for one in samples:
        for number, sample in one.items():
            whole = found.setdefault(number, Sample())
            whole.values += sample.values
            whole.sets += sample.sets
    return found


def ordered(query: Query, lines: list[Line]) -> list[Line]:
    """In the order of the query, and as many as it wants."""
    if query.order is not None:
        by, falling = query.order
        function = AGGREGATES["DATAPOINT_COUNT" if by == "COUNT" else by]
        full = [line for line in lines if line.points]
        full.sort(key=lambda line: function(list(line.points.values())), reverse=falling)
        lines = full + [line for line in lines if not line.points]
    return lines[: query.limit]
