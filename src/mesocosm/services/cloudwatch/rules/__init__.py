"""The logic of CloudWatch that knows no rows: points, statistics, expressions, evaluation."""

from __future__ import annotations
