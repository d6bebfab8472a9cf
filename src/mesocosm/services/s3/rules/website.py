"""Websites: what a configuration must be, where a request leads, and errors as pages.

Source: "Hosting a static website using Amazon S3", "Configuring a webpage redirect", Amazon S3
User Guide; PutBucketWebsite, Amazon S3 API Reference.
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple

from mesocosm.services.s3.rules.attributes import argument
from mesocosm.wire.errors import AwsError

RULES_MAX = 50


class Move(NamedTuple):
    """A redirect: the status and what its Location says. `key` None: the key stays."""

    status: int
    protocol: str | None
    host: str | None
    key: str


def check(document: Any) -> None:
    """Raises InvalidArgument, InvalidRequest."""
    everything = document.redirect_all_requests_to
    others = (document.index_document, document.error_document, document.routing_rules)
    if everything is not None:
        if any(other is not None for other in others):
            raise argument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                "RedirectAllRequestsTo",
                "not null",
            )
        _protocol(everything.protocol)
        return
    if document.index_document is None:
        raise argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null",
        )
    suffix = document.index_document.suffix
    if not suffix or "/" in suffix:
        raise argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    if document.error_document is not None and not document.error_document.key:
        raise argument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    found = document.routing_rules or []
    if len(found) > RULES_MAX:
        raise _invalid(
            f"{len(found)} routing rules provided, the number of routing rules in a website "
            f"configuration is limited to {RULES_MAX}."
        )
    for rule in found:
        _rule(rule)


def _rule(rule: Any) -> None:
    redirect, condition = rule.redirect, rule.condition
    _protocol(redirect.protocol)
    if redirect.replace_key_with is not None and redirect.replace_key_prefix_with is not None:
        raise _invalid("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    code = redirect.http_redirect_code
    if code is not None and not (code.isdigit() and 301 <= int(code) <= 399):
        raise _invalid(
            f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except "
            "300."
        )
    if all(getattr(redirect, name) is None for name in redirect.__struct_fields__):
        raise _invalid("You must provide a redirect in a routing rule.")
    if condition is None:
        return
    error = condition.http_error_code_returned_equals
    if error is None and condition.key_prefix_equals is None:
        raise _invalid(
            "Condition cannot be empty. To redirect all requests without a condition, the "
            "condition element shouldn't be present."
        )
    if error is not None and not (error.isdigit() and 400 <= int(error) <= 599):
        raise _invalid(
            f"The provided HTTP error code ({error}) is not valid. Valid codes are 4XX or 5XX."
        )


def _protocol(name: str | None) -> None:
    if name not in (None, "http", "https"):
        raise _invalid(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will "
            "be selected automatically."
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


def move(document: Any, key: str, error: int | None) -> Move | None:
    """The redirect of the first routing rule that fits a key and (None: before there is one) an
    error's status.
    """
    everything = document.redirect_all_requests_to
    if everything is not None:
        return Move(301, everything.protocol, everything.host_name, key)
    for rule in document.routing_rules or ():
        condition = rule.condition
        prefix = (condition.key_prefix_equals if condition is not None else None) or ""
        wanted = condition.http_error_code_returned_equals if condition is not None else None
        if not key.startswith(prefix) or (int(wanted) if wanted else None) != error:
            continue
        to = rule.redirect
        if to.replace_key_with is not None:
            key = to.replace_key_with
        elif to.replace_key_prefix_with is not None:
            key = to.replace_key_prefix_with + key[len(prefix) :]
        return Move(int(to.http_redirect_code or 301), to.protocol, to.host_name, key)
    return None


def page(
    status: int, facts: list[tuple[str, str]], second: list[tuple[str, str]] | None = None
) -> bytes:
    """An error as S3's website endpoints show it; `second`: why the error document is missing."""
    title = f"{status} {HTTPStatus(status).phrase}"
    lines = [
        "<html>",
        f"<head><title>{title}</title></head>",
        "<body>",
        f"<h1>{title}</h1>",
        *_list(facts),
    ]
    if second is not None:
        lines.append(
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>"
        )
        lines += _list(second)
    return "\n".join([*lines, "<hr/>", "</body>", "</html>", ""]).encode()


def _list(facts: list[tuple[str, str]]) -> list[str]:
    items = [f"<li>{name}: {escape(value)}</li>" for name, value in facts]
    return ["<ul>", *items, "</ul>"]
