"""Metric math: expressions over time series (user guide, "Using math expressions with CloudWatch
metrics").
"""

from __future__ import annotations
