"""Canonical paths and queries: how Signature Version 4 writes down what was asked for."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?").fullmatch
_SPECIAL_QUERY = re.compile(r"[^A-Za-z0-9\-._~%=&]").search
_LOWER_ESCAPE = re.compile(r"%(?:[0-9A-F]?[a-f]|[a-f][0-9A-Fa-f])").search


def canonical_path(path: str) -> str:
    """Dot segments and double slashes removed, and what was sent encoded once more: everyone but
    S3 signs this."""
    if _PLAIN_PATH(path):
        return path or "/"
    if "//" in path or "/." in path:
        kept: list[str] = []
        for part in path.split("/"):
            if part == "..":
                if kept:
                    kept.pop()
            elif part and part != ".":
                kept.append(part)
        tail = "/" if kept and path.endswith("/") else ""
        path = "/" + "/".join(kept) + tail
    return quote(path, safe="/~")


def canonical_query(query: str) -> str:
    """The query as sent, sorted, without `X-Amz-Signature`."""
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def encoded_path(path: str) -> str:
    """A path decoded and encoded again by AWS's rule, for clients that sent it less encoded than
    they signed it."""
    return quote(unquote_to_bytes(path), safe="/~")


def encoded_query(query: str) -> str:
    """The canonical query of a query that was not sent in AWS's encoding (`+` for a space, bare
    `/`, `%2f`)."""
    if not (_SPECIAL_QUERY(query) or _LOWER_ESCAPE(query)):
        return canonical_query(query)
    pairs = [pair.partition("=") for pair in query.replace("+", "%20").split("&") if pair]
    return canonical_query(
        "&".join(f"{_encode(name)}={_encode(value)}" for name, _, value in pairs)
    )


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")
