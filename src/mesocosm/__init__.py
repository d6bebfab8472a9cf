"""Mesocosm: a cloud operating system for one's own machine that speaks the AWS API."""

__version__ = "0.1.0"
