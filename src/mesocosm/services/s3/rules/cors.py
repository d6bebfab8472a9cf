"""Cross-origin resource sharing: what a configuration may say, and which rule fits a request.

Source: "Using cross-origin resource sharing (CORS)", Amazon S3 User Guide; the Fetch standard.
"""

from __future__ import annotations

from typing import Any

from mesocosm.services.s3.resources.rows import CorsRule
from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.wire.errors import AwsError

RULES_MAX = 100
METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})


def rules_of(configuration: Any) -> tuple[CorsRule, ...]:
    """The rules of a CORSConfiguration. Raises MalformedXML, InvalidRequest."""
    given = configuration.cors_rules if configuration is not None else None
    if not given or len(given) > RULES_MAX:
        raise malformed_xml()
    return tuple(_rule(rule) for rule in given)


def _rule(rule: Any) -> CorsRule:
    if not rule.allowed_methods or not rule.allowed_origins:
        raise malformed_xml()
    for method in rule.allowed_methods:
        if method not in METHODS:
            raise _invalid(
                "Found unsupported HTTP method in CORS config. Unsupported method is " + method
            )
    for what, values in (
        ("AllowedOrigin", rule.allowed_origins),
        ("AllowedHeader", rule.allowed_headers or ()),
    ):
        for value in values:
            if value.count("*") > 1:
                raise _invalid(f'{what} "{value}" can not have more than one wildcard.')
    for value in rule.expose_headers or ():
        if "*" in value:
            raise _invalid(
                f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard '
                "for ExposeHeader."
            )
    if rule.id is not None and len(rule.id) > 255:
        raise malformed_xml()
    return CorsRule(
        tuple(rule.allowed_methods),
        tuple(rule.allowed_origins),
        tuple(rule.allowed_headers or ()),
        tuple(rule.expose_headers or ()),
        rule.max_age_seconds,
        rule.id,
    )


def fitting(
    rules: tuple[CorsRule, ...], origin: str, method: str, headers: list[str]
) -> CorsRule | None:
    """The first rule that allows a method from an origin with these request headers."""
    for rule in rules:
        if (
            method in rule.methods
            and any(_fits(pattern, origin) for pattern in rule.origins)
            and all(_header_fits(rule, header) for header in headers)
        ):
            return rule
    return None


def answer_headers(
    rule: CorsRule, origin: str, requested: list[str] | None
) -> list[tuple[str, str]]:
    """The headers of an answer under a rule; `requested` are those of a preflight, else None."""
    anyone = "*" in rule.origins
    found = [
        ("access-control-allow-origin", "*" if anyone else origin),
        ("access-control-allow-methods", ", ".join(rule.methods)),
    ]
    if requested:
        found.append(("access-control-allow-headers", ", ".join(requested)))
    if rule.expose:
        found.append(("access-control-expose-headers", ", ".join(rule.expose)))
    if rule.max_age is not None:
        found.append(("access-control-max-age", str(rule.max_age)))
    if not anyone:
        found.append(("access-control-allow-credentials", "true"))
    found.append(("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"))
    return found


def _fits(pattern: str, value: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == value
    return (
        len(value) >= len(before) + len(after)
        and value.startswith(before)
        and value.endswith(after)
    )


def _header_fits(rule: CorsRule, header: str) -> bool:
    return any(_fits(pattern.lower(), header.lower()) for pattern in rule.headers)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)
