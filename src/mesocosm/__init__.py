"""Mesocosm: a cloud operating system for one's own machine that speaks the AWS API."""

from mesocosm import compiled

__version__ = "0.1.0"

compiled.install()
