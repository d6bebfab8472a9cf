"""Policy documents: what may be saved."""

from __future__ import annotations

import json
from typing import Any

from mesocosm.iam import PolicyError, parse
from mesocosm.services.organizations.rules import effective, quotas
from mesocosm.wire.errors import AwsError

TOP = {
    "TAG_POLICY": "tags",
    "BACKUP_POLICY": "plans",
    "AISERVICES_OPT_OUT_POLICY": "services",
    "CHATBOT_POLICY": "chatbot",
    "DECLARATIVE_POLICY_EC2": "ec2_attributes",
}
"""The one member that a document of a type must have, where AWS documents it."""


def malformed(detail: str = "") -> AwsError:
    """MalformedPolicyDocumentException."""
    text = (
        "The provided policy document does not meet the requirements of the specified policy type."
    )
    return AwsError("MalformedPolicyDocumentException", f"{text} {detail}".strip())


def checked(text: str, kind: str) -> str:
    """A document fit for its type; raises MalformedPolicyDocumentException or
    ConstraintViolationException.
    """
    if len(text) > quotas.CHARACTERS.get(kind, quotas.CHARACTERS_OF_OTHER_TYPES):
        raise AwsError(
            "ConstraintViolationException",
            "You have exceeded the maximum policy size.",
            Reason="POLICY_CONTENT_LIMIT_EXCEEDED",
        )
    if kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        try:
            parse(text, "scp" if kind == "SERVICE_CONTROL_POLICY" else "rcp", check=True)
        except PolicyError as error:
            raise malformed() from error
        return text
    document = loaded(text)
    top = TOP.get(kind)
    if top is not None and not isinstance(document.get(top), dict):
        raise malformed()
    if not effective.well_formed(document):
        raise malformed()
    return text


def loaded(text: str) -> dict[str, Any]:
    """A document's JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise malformed() from None
    if not isinstance(found, dict):
        raise malformed()
    return found
