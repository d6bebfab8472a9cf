"""Mesocosm's tests; helpers are imported as tests.<folder>.<module>."""
