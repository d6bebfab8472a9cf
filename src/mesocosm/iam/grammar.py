"""What AWS refuses in a policy document, in AWS's words.

`check_syntax` is what a document needs to have a meaning at all; `check_saved` is what IAM, STS,
Organizations or S3 refuse besides when a policy is saved. IAM's sentences are those of its
MalformedPolicyDocument error, S3's of MalformedPolicy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .policy import WITH_PRINCIPAL, PolicyError, is_star, texts

SYNTAX = {
    "": "Syntax errors in policy.",
    "s3": "Policies must be valid JSON and the first byte must be '{'",
}
_VERSIONS = ("2008-10-17", "2012-10-17")
_TOP = frozenset({"Version", "Id", "Statement"})
_FIELDS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal",
     "Condition"}
)  # fmt: skip
_PRINCIPAL_TYPES = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_PARTITIONS = frozenset(
    {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}
)
_SID = re.compile(r"[0-9A-Za-z]*\Z")
_VENDOR = re.compile(r"[a-zA-Z0-9\-.]+\Z")
_ID = re.compile(r"(AIDA|AROA|AGPA|ANPA)[A-Z0-9]{12,}\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
_PRINCIPAL_ARN = re.compile(
    r"arn:aws[a-z\-]*:(iam::\d{12}:(root|user/\S+|role/\S+)"
    r"|sts::\d{12}:(assumed-role/[^/\s]+/[^/\s]+|federated-user/\S+)"
    r"|iam::cloudfront:user/\S+)\Z"
)


def check_syntax(document: object, kind: str, service: str = "") -> Mapping[str, Any]:
    """The document, if its elements have the types the grammar asks for. Raises PolicyError."""
    syntax = PolicyError(SYNTAX[""] if service != "s3" else "Invalid policy syntax.")
    if not isinstance(document, Mapping):
        raise PolicyError(SYNTAX.get(service, SYNTAX[""]))
    for field in document:
        if field not in _TOP:
            raise PolicyError(f"Unknown field {field}") if service == "s3" else syntax
    statements = document.get("Statement")
    if statements is None and service == "s3":
        raise PolicyError("Missing required field Statement")
    bodies = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(bodies, list | tuple) or not all(isinstance(b, Mapping) for b in bodies):
        raise syntax
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError("The policy must contain a valid version string") if service else syntax
    for body in bodies:
        _statement(body, kind, service, syntax)
    return document


def _statement(body: Mapping[str, Any], kind: str, service: str, syntax: PolicyError) -> None:
    s3 = service == "s3"
    for field in body:
        if field not in _FIELDS:
            raise PolicyError(f"Unknown field {field}") if s3 else syntax
    if body.get("Effect") not in ("Allow", "Deny"):
        if s3 and "Effect" not in body:
            raise PolicyError("Missing required field Effect")
        raise PolicyError(f"Invalid effect: {body['Effect']}") if s3 else syntax
    for field in ("Action", "Resource", "Principal"):
        if field in body and "Not" + field in body:
            raise syntax
    for field in ("Action", "NotAction", "Resource", "NotResource"):
        if field in body and not _is_texts(body[field]):
            raise syntax
    if "Sid" in body and not isinstance(body["Sid"], str):
        raise syntax
    if kind in WITH_PRINCIPAL:
        _principal(body, s3)
    _condition(body.get("Condition", {}), syntax)


def _is_texts(value: object) -> bool:
    items = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(item, str) for item in items)


def _principal(body: Mapping[str, Any], s3: bool) -> None:
    element = body.get("Principal", body.get("NotPrincipal", "*"))
    if isinstance(element, str):
        return
    wrong = PolicyError("Invalid principal in policy")
    if not isinstance(element, Mapping):
        raise wrong
    for kind, names in element.items():
        if kind not in _PRINCIPAL_TYPES or not _is_texts(names):
            raise wrong if s3 else PolicyError(f'Invalid principal in policy: "{kind}"')


def _condition(block: object, syntax: PolicyError) -> None:
    if not isinstance(block, Mapping):
        raise syntax
    for keys in block.values():
        if not isinstance(keys, Mapping):
            raise syntax
        for values in keys.values():
            items = values if isinstance(values, list | tuple) else [values]
            if any(item is None or isinstance(item, Mapping | list | tuple) for item in items):
                raise syntax


def check_saved(document: Mapping[str, Any], kind: str, service: str = "") -> None:
    """Raise PolicyError for what is refused when a policy of this kind is saved."""
    statements = document["Statement"]
    bodies = [statements] if isinstance(statements, Mapping) else list(statements)
    s3 = service == "s3"
    if not bodies:
        raise PolicyError("Could not parse the policy: Statement is empty!" if s3 else SYNTAX[""])
    identity = kind not in WITH_PRINCIPAL
    if identity and document.get("Version", "2008-10-17") != "2012-10-17":
        raise PolicyError("Policy document must be version 2012-10-17 or greater.")
    _sids(bodies, identity)
    for body in bodies:
        _saved_actions(body, s3)
        if identity and ("Principal" in body or "NotPrincipal" in body):
            raise PolicyError("Policy document should not specify a principal.")
        if kind in ("resource", "trust", "rcp") and not {"Principal", "NotPrincipal"} & set(body):
            raise PolicyError("Missing required field Principal")
        if kind == "trust":
            _trust(body)
        elif "Resource" not in body and "NotResource" not in body:
            wording = (
                "Missing required field Resource"
                if s3
                else "Policy statement must contain resources."
            )
            raise PolicyError(wording)
        elif not s3:
            _saved_resources(body)
        if kind in WITH_PRINCIPAL:
            _saved_principals(body, s3)


def _sids(bodies: Iterable[Mapping[str, Any]], identity: bool) -> None:
    sids = [body["Sid"] for body in bodies if body.get("Sid")]
    if len(set(sids)) != len(sids):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    if identity and not all(_SID.match(sid) for sid in sids):
        raise PolicyError(
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )


def _saved_actions(body: Mapping[str, Any], s3: bool) -> None:
    if "Action" not in body and "NotAction" not in body:
        raise PolicyError(
            "Missing required field Action" if s3 else "Policy statement must contain actions."
        )
    actions = texts(body.get("Action", body.get("NotAction")))
    if not actions and not s3:
        raise PolicyError("Policy statement must contain actions.")
    for action in actions:
        if is_star(action):
            continue
        vendor, colon, name = action.partition(":")
        if s3 and (not colon or vendor.lower() not in ("s3", "s3-object-lambda")):
            raise PolicyError("Policy has invalid action")
        if not colon or not vendor or not name:
            raise PolicyError(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if ":" in name:
            raise PolicyError("Actions/Condition can contain only one colon.")
        if not _VENDOR.match(vendor):
            raise PolicyError(f"Vendor {vendor} is not valid")


def _saved_resources(body: Mapping[str, Any]) -> None:
    resources = texts(body.get("Resource", body.get("NotResource")))
    if not resources:
        raise PolicyError("Policy statement must contain resources.")
    for resource in resources:
        if is_star(resource):
            continue
        if not resource.startswith("arn:"):
            raise PolicyError(f'Resource {resource} must be in ARN format or "*".')
        segments = resource.split(":", 5)
        if segments[1] not in _PARTITIONS and "*" not in segments[1]:
            raise PolicyError(f'Partition "{segments[1]}" is not valid for resource "{resource}".')
        if len(segments) > 2 and len(segments) == 6 and "*" in segments[2]:
            raise PolicyError("Resource vendor must be fully qualified and cannot contain regexes.")


def _trust(body: Mapping[str, Any]) -> None:
    for field in ("Resource", "NotResource"):
        if field in body:
            raise PolicyError(f"Has prohibited field {field}")
    for action in texts(body.get("Action", body.get("NotAction"))):
        if not is_star(action) and not action.lower().startswith("sts:"):
            raise PolicyError("AssumeRole policy may only specify STS AssumeRole actions.")


def _saved_principals(body: Mapping[str, Any], s3: bool) -> None:
    element = body.get("Principal", body.get("NotPrincipal", "*"))
    names = {"AWS": element} if isinstance(element, str) else element
    for name in texts(names.get("AWS", ())):
        if name == "*" or _ACCOUNT.match(name) or _ID.match(name) or _PRINCIPAL_ARN.match(name):
            continue
        raise PolicyError(
            "Invalid principal in policy" if s3 else f'Invalid principal in policy: "AWS":"{name}"'
        )
