"""Requests of browsers that stand for a call of the API."""

from __future__ import annotations

from mesocosm.wire.message import Request


class FormRequest(Request):
    """A PutObject made of an upload form."""

    __slots__ = ()


class PageRequest(Request):
    """A GetObject made of a request for a page; `status` is the one its answer will have."""

    __slots__ = ("asked", "status")

    asked: Request
    status: int
