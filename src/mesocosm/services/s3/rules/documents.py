"""Documents against the schema: required members and enumerations of the model."""

from __future__ import annotations

from typing import Any

from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.wire import models
from mesocosm.wire.errors import AwsError
from mesocosm.wire.validation import Finding, checks


def wellformed(value: Any) -> None:
    """Raises MalformedXML for a document that is missing or does not keep the schema."""
    if value is None:
        raise malformed_xml()
    check = checks("s3").structure(models.service("s3").shape(type(value).__name__))
    found: list[Finding] = []
    if check is not None:
        check(value, "", found)
    if found:
        raise malformed_xml()


def filter_parts(given: Any) -> tuple[str | None, dict[str, str], Any]:
    """The prefix, the tags and the `And` of a filter (of any configuration that has one).

    Raises MalformedXML for a filter that names more than one of them.
    """
    if given is None:
        return None, {}, None
    both = given.and_
    named = [name for name in given.__struct_fields__ if getattr(given, name) is not None]
    if len(named) > 1:
        raise malformed_xml()
    if both is not None:
        tags = {tag.key: tag.value for tag in both.tags or ()}
        if len(tags) != len(both.tags or ()):
            raise AwsError("InvalidRequest", "Duplicate Tag Keys are not allowed.", status=400)
        return both.prefix, tags, both
    if given.tag is not None:
        return None, {given.tag.key: given.tag.value}, None
    return given.prefix, {}, None
