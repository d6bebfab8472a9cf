"""Measurements: `make bench` prints one table of every figure with its goal."""
