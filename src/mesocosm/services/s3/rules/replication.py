"""Replication: what a configuration must be, and which versions it copies where.

Source: "Replicating objects within and across Regions", "Replication configuration file elements",
"What does Amazon S3 replicate?", Amazon S3 User Guide.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mesocosm.services.s3.resources.rows import Object
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import filter_parts
from mesocosm.wire.errors import AwsError

RULES_MAX = 1000
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_BUCKET = "arn:aws:s3:::"
_GUIDE = (
    " for this version of Cross Region Replication configuration schema. Please refer to S3 "
    "Developer Guide for more information."
)

BASE_SECONDS = 2.0
BYTES_PER_SECOND = 50_000_000.0
"""How long a copy takes here: a couple of seconds, and longer for what is large."""


def delay(size: int) -> float:
    """Seconds from a write to its replica."""
    return BASE_SECONDS + size / BYTES_PER_SECOND


def bucket_name(arn: str) -> str:
    """The name in a destination's ARN. Raises InvalidArgument."""
    name = arn.removeprefix(_BUCKET)
    if name == arn or not name or "/" in name:
        raise argument("Invalid bucket ARN", "Bucket", arn)
    return name


def check(document: Any) -> None:
    """Raises InvalidArgument, InvalidRequest, MalformedXML: what needs no look at the buckets."""
    if _ROLE.fullmatch(document.role) is None:
        raise argument("Invalid role ARN", "Role", document.role)
    rules = document.rules
    if not rules or len(rules) > RULES_MAX:
        raise malformed_xml()
    names = [rule.id for rule in rules if rule.id]
    if len(set(names)) != len(names):
        raise argument(
            "Rule ID must be unique. Found same ID for more than one rule", "ID", names[0]
        )
    second = [rule.filter is not None for rule in rules]
    if any(second) != all(second):
        raise _invalid("Rules with and without a Filter cannot be mixed in a configuration.")
    for rule in rules:
        _check_rule(rule)
    priorities = [rule.priority for rule in rules if rule.filter is not None]
    if len(set(priorities)) != len(priorities):
        raise _invalid("Found duplicate priority in the rules: Priority must be unique.")


def _check_rule(rule: Any) -> None:
    if len(rule.id or "") > 255:
        raise argument("ID length should not exceed allowed limit of 255", "ID", rule.id)
    if rule.filter is not None:
        if rule.prefix is not None:
            raise malformed_xml()
        if rule.priority is None:
            raise _invalid("Priority must be specified" + _GUIDE)
        marks = rule.delete_marker_replication
        if marks is None:
            raise _invalid("DeleteMarkerReplication must be specified" + _GUIDE)
        tags = filter_parts(rule.filter)[1]
        if tags and marks.status == "Enabled":
            raise _invalid(
                "Delete marker replication is not supported if any Tag filter is specified. "
                "Please refer to S3 Developer Guide for more information."
            )
    else:
        if rule.prefix is None:
            raise malformed_xml()
        if rule.priority is not None:
            raise _invalid("Priority cannot be used" + _GUIDE)
        if rule.delete_marker_replication is not None:
            raise _invalid("DeleteMarkerReplication cannot be used" + _GUIDE)
    to = rule.destination
    bucket_name(to.bucket)
    _check_encryption(rule)
    if to.access_control_translation is not None and to.account is None:
        raise _invalid("Account must be specified for AccessControlTranslation.")
    if to.replication_time is not None:
        if to.metrics is None:
            raise _invalid("Metrics must be specified when ReplicationTime is specified.")
        if to.replication_time.time.minutes != 15:
            raise argument(
                "The only valid value for Minutes is 15",
                "Minutes",
                str(to.replication_time.time.minutes),
            )


def _check_encryption(rule: Any) -> None:
    """Objects under KMS are copied by rules that say so and name a key for the replicas."""
    to = rule.destination.encryption_configuration
    key = to.replica_kms_key_id if to is not None else None
    if copies_kms(rule) and not key:
        raise _invalid(
            "EncryptionConfiguration must be specified if SseKmsEncryptedObjects tag is present"
        )
    if to is not None and not copies_kms(rule):
        raise _invalid(
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present"
        )


def copies_kms(given: Any) -> bool:
    """Whether a rule copies objects that are encrypted under keys of KMS."""
    criteria = given.source_selection_criteria
    encrypted = criteria.sse_kms_encrypted_objects if criteria is not None else None
    return encrypted is not None and encrypted.status == "Enabled"


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


class Rule(NamedTuple):
    """A rule that applies to a version."""

    id: str
    destination: str
    given: Any


def applying(document: Any, key: str, row: Object) -> list[Rule]:
    """The rules that copy a version: for each destination the one of the highest priority."""
    best: dict[str, tuple[int, Rule]] = {}
    for given in document.rules:
        if given.status != "Enabled":
            continue
        prefix, tags, _ = filter_parts(given.filter)
        prefix = given.prefix or "" if given.filter is None else prefix or ""
        if not key.startswith(prefix):
            continue
        if any(row.tags.get(name) != value for name, value in tags.items()):
            continue
        name = bucket_name(given.destination.bucket)
        priority = given.priority or 0
        if name not in best or priority > best[name][0]:
            best[name] = priority, Rule(given.id or "", name, given)
    return [rule for _, rule in best.values() if _wanted(rule.given, row)]


def _wanted(given: Any, row: Object) -> bool:
    """Delete markers are copied by rules of the older form, and by others that say so; objects
    under KMS by rules that say so."""
    if row.encryption.wrapped and not copies_kms(given):
        return False
    if not row.marker or given.filter is None:
        return True
    return bool(given.delete_marker_replication.status == "Enabled")


def syncs_replicas(given: Any) -> bool:
    """Whether changes of the metadata of replicas are copied too."""
    criteria = given.source_selection_criteria
    both = criteria.replica_modifications if criteria is not None else None
    return both is not None and both.status == "Enabled"


def tracked(given: Any) -> bool:
    """Whether a rule has metrics, and with them events of what fails."""
    metrics = given.destination.metrics
    return metrics is not None and metrics.status == "Enabled"
