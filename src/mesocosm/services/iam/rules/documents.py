"""Policy documents as IAM takes and gives them: checked when saved, URL-encoded (RFC 3986) in
answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mesocosm.iam.policy import Kind, PolicyError, parse
from mesocosm.services.iam.rules import quotas
from mesocosm.wire.errors import AwsError


def encoded(document: str) -> str:
    """A document as answers carry it: percent-encoded but for RFC 3986's unreserved characters."""
    return quote(document, safe="-._~")


def malformed(message: str) -> AwsError:
    """MalformedPolicyDocument."""
    return AwsError("MalformedPolicyDocument", message)


def checked(document: str, kind: Kind = "identity") -> str:
    """The document, if AWS would save it; raises MalformedPolicyDocument with AWS's sentence."""
    try:
        parse(document, kind, check=True)
    except PolicyError as error:
        raise malformed(str(error)) from None
    return document


def checked_inline(document: str, others: Mapping[str, str], kind: str, name: str) -> str:
    """An inline policy beside the entity's others: checked, and within the quota of their sizes
    together."""
    checked(document)
    quota = quotas.INLINE_SIZE[kind]
    if quotas.size(document) + sum(quotas.size(text) for text in others.values()) > quota:
        message = f"Maximum policy size of {quota} bytes exceeded for {kind} {name}"
        raise AwsError("LimitExceeded", message)
    return document


def checked_managed(document: str) -> str:
    """A managed policy's document: checked, and within the quota of its size."""
    checked(document)
    if quotas.size(document) > quotas.MANAGED_POLICY_SIZE:
        message = f"Cannot exceed quota for PolicySize: {quotas.MANAGED_POLICY_SIZE}"
        raise AwsError("LimitExceeded", message)
    return document


def statements(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a document, whether it holds one or a list."""
    found = document.get("Statement", [])
    yield from [found] if isinstance(found, dict) else found


def principal_names(document: str) -> Iterator[tuple[str, str]]:
    """Every (type, name) that the Principal elements of a document give, `*` as ("AWS", "*")."""
    for statement in statements(json.loads(document)):
        for element in (statement.get("Principal"), statement.get("NotPrincipal")):
            if isinstance(element, str):
                yield "AWS", element
            elif isinstance(element, dict):
                for kind, names in element.items():
                    for name in [names] if isinstance(names, str) else names:
                        yield kind, name


def with_principals(document: str, renamed: Callable[[str], str]) -> str:
    """The document with each AWS principal's name replaced; its text is laid out anew."""
    body = json.loads(document)
    for statement in statements(body):
        for field in ("Principal", "NotPrincipal"):
            element = statement.get(field)
            if isinstance(element, dict) and "AWS" in element:
                names = element["AWS"]
                element["AWS"] = (
                    renamed(names) if isinstance(names, str) else [renamed(name) for name in names]
                )
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
