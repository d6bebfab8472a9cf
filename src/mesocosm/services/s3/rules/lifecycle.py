"""Lifecycle: what a configuration must be, and what it wants of a version at an instant.

Instants are epoch seconds. S3 rounds up: an action N days after an instant happens at the midnight
(UTC) after those days have passed.

Source: "Managing the lifecycle of objects", "Lifecycle configuration elements", "Transitioning
objects using Amazon S3 Lifecycle", Amazon S3 User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from mesocosm.services.s3.resources.rows import Object
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import filter_parts
from mesocosm.wire.errors import AwsError

DAY = 86_400.0
RULES_MAX = 1000
ID_MAX = 255
SMALL = 128 * 1024
"""Bytes below which objects are not moved, unless a rule or the configuration says otherwise."""

ORDER = (
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
"""Objects move only down this list."""

INFREQUENT = frozenset({"STANDARD_IA", "ONEZONE_IA"})


class Scope(NamedTuple):
    """Which objects a rule is about."""

    prefix: str = ""
    tags: Mapping[str, str] = MappingProxyType({})
    larger: int | None = None
    smaller: int | None = None

    def holds(self, key: str, row: Object) -> bool:
        """Whether a version is meant."""
        return (
            key.startswith(self.prefix)
            and (self.larger is None or row.size > self.larger)
            and (self.smaller is None or row.size < self.smaller)
            and all(row.tags.get(name) == value for name, value in self.tags.items())
        )


def scope_of(rule: Any) -> Scope:
    """The filter of a rule in either form. Raises MalformedXML, InvalidRequest."""
    given = rule.filter
    if given is None:
        return Scope(rule.prefix or "")
    prefix, tags, both = filter_parts(given)
    sizes = both if both is not None else given
    return Scope(prefix or "", tags, sizes.object_size_greater_than, sizes.object_size_less_than)


def at_midnight(start: float, days: int) -> float:
    """The midnight at which something due N days after `start` happens."""
    due = start + days * DAY
    return due if due % DAY == 0 else (due // DAY + 1) * DAY


# -- checking -----------------------------------------------------------------------------------


def check(document: Any) -> None:
    """Raises MalformedXML, InvalidArgument, InvalidRequest."""
    rules = document.rules
    if not rules or len(rules) > RULES_MAX:
        raise malformed_xml()
    names = [rule.id for rule in rules if rule.id]
    if len(set(names)) != len(names):
        raise argument(
            "Rule ID must be unique. Found same ID for more than one rule", "ID", names[0]
        )
    prefixed = [rule.filter is None for rule in rules]
    if any(prefixed) and not all(prefixed):
        raise AwsError(
            "InvalidRequest",
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the "
            "Filter.",
            status=400,
        )
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Any) -> None:
    if rule.id is not None and len(rule.id) > ID_MAX:
        raise argument(f"ID length should not exceed allowed limit of {ID_MAX}", "ID", rule.id)
    if (rule.filter is None) == (rule.prefix is None):
        raise malformed_xml()
    scope = scope_of(rule)
    if scope.larger is not None and scope.smaller is not None and scope.larger >= scope.smaller:
        raise _invalid(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'"
        )
    actions = (
        rule.expiration,
        rule.transitions,
        rule.noncurrent_version_expiration,
        rule.noncurrent_version_transitions,
        rule.abort_incomplete_multipart_upload,
    )
    if not any(action is not None for action in actions):
        raise _invalid("At least one action needs to be specified in a rule")
    _check_expiration(rule, scope)
    _check_transitions(rule)
    abort = rule.abort_incomplete_multipart_upload
    if abort is not None:
        if abort.days_after_initiation is None:
            raise malformed_xml()
        _positive(
            abort.days_after_initiation, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"
        )
        if scope.tags or scope.larger is not None or scope.smaller is not None:
            raise _invalid(
                "AbortIncompleteMultipartUpload cannot be specified with "
                + ("Tags." if scope.tags else "Object Size.")
            )


def _check_expiration(rule: Any, scope: Scope) -> None:
    given = rule.expiration
    if given is not None:
        named = [
            v for v in (given.days, given.date, given.expired_object_delete_marker) if v is not None
        ]
        if len(named) != 1:
            raise malformed_xml()
        if given.days is not None and given.days <= 0:
            raise argument(
                "'Days' for Expiration action must be a positive integer", "Days", str(given.days)
            )
        _midnight(given.date)
        if given.expired_object_delete_marker is not None and scope.tags:
            raise _invalid("ExpiredObjectDeleteMarker cannot be specified with Tags.")
    old = rule.noncurrent_version_expiration
    if old is not None:
        if old.noncurrent_days is None:
            raise malformed_xml()
        _positive(old.noncurrent_days, "NoncurrentVersionExpiration", "NoncurrentDays")
        _newer(old.newer_noncurrent_versions)


def _check_transitions(rule: Any) -> None:
    classes: list[str] = []
    dated = None
    for move in rule.transitions or ():
        if (move.days is None) == (move.date is None) or move.storage_class is None:
            raise malformed_xml()
        if dated is not None and dated != (move.date is not None):
            raise _invalid(
                "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for "
                f"prefix '{scope_of(rule).prefix}'"
            )
        dated = move.date is not None
        _midnight(move.date)
        if move.days is not None:
            _days_of_move(move.days, move.storage_class, "Days", "Transition")
        classes.append(move.storage_class)
    _once(classes)
    _check_order(rule)
    old = [move.storage_class for move in rule.noncurrent_version_transitions or ()]
    for move in rule.noncurrent_version_transitions or ():
        if move.storage_class is None or move.noncurrent_days is None:
            raise malformed_xml()
        what = "NoncurrentVersionTransition"
        _days_of_move(move.noncurrent_days, move.storage_class, "NoncurrentDays", what)
        _newer(move.newer_noncurrent_versions)
    _once(old)


def _check_order(rule: Any) -> None:
    """Expiration comes after every transition, and colder classes after warmer ones."""
    moves = [move for move in rule.transitions or () if move.days is not None]
    expiry = rule.expiration.days if rule.expiration is not None else None
    for move in moves:
        if expiry is not None and expiry <= move.days:
            raise argument(
                "'Days' in the Expiration action for filter "
                f"'(prefix={scope_of(rule).prefix})' must be greater than 'Days' in the "
                "Transition action",
                "Days",
                str(expiry),
            )
    ordered = sorted(moves, key=lambda move: int(move.days))
    for earlier, later in pairwise(ordered):
        if ORDER.index(later.storage_class) < ORDER.index(earlier.storage_class):
            raise _invalid(
                f"'Days' in the Transition action for StorageClass '{earlier.storage_class}' must "
                f"be greater than 'Days' for StorageClass '{later.storage_class}'"
            )


def _days_of_move(days: int, storage_class: str, name: str, action: str) -> None:
    if days < 0:
        raise argument(f"'{name}' in {action} action must be nonnegative", name, str(days))
    if storage_class in INFREQUENT and days < 30:
        raise argument(
            f"'{name}' in {action} action must be greater than or equal to 30 for storageClass "
            f"'{storage_class}'",
            name,
            str(days),
        )


def _once(classes: list[str]) -> None:
    if len(set(classes)) != len(classes):
        raise _invalid("StorageClass must be different for 'Transition' actions in same 'Rule'")


def _positive(days: int, action: str, name: str) -> None:
    if days <= 0:
        raise argument(f"'{name}' for {action} action must be a positive integer", name, str(days))


def _newer(count: int | None) -> None:
    if count is not None and not 1 <= count <= 100:
        raise argument(
            "'NewerNoncurrentVersions' must be a positive integer of at most 100",
            "NewerNoncurrentVersions",
            str(count),
        )


def _midnight(date: float | None) -> None:
    if date is not None and date % DAY:
        raise argument("'Date' must be at midnight GMT", "Date", str(date))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


# -- what is due ----------------------------------------------------------------------------------


class Rule(NamedTuple):
    """An enabled rule with its scope."""

    id: str
    scope: Scope
    given: Any


def enabled(document: Any) -> list[Rule]:
    """The rules in force."""
    return [
        Rule(rule.id or "", scope_of(rule), rule)
        for rule in document.rules
        if rule.status == "Enabled"
    ]


def expiration(rules: list[Rule], key: str, row: Object) -> tuple[float, str] | None:
    """When the newest version of a key expires, and the rule that says so."""
    found = None
    for rule in rules:
        given = rule.given.expiration
        if given is None or not rule.scope.holds(key, row):
            continue
        if given.days is not None:
            due = at_midnight(row.modified, given.days)
        elif given.date is not None:
            due = given.date
        else:
            continue
        if found is None or due < found[0]:
            found = due, rule.id
    return found


def noncurrent_expired(
    rules: list[Rule], key: str, row: Object, since: float, newer: int, now: float
) -> bool:
    """Whether an older version is to go: `since` it is no longer the newest, and `newer` others
    that are no longer the newest came after it.
    """
    for rule in rules:
        given = rule.given.noncurrent_version_expiration
        if given is None or not rule.scope.holds(key, row):
            continue
        enough = newer >= (given.newer_noncurrent_versions or 0)
        if enough and at_midnight(since, given.noncurrent_days) <= now:
            return True
    return False


def transition(
    rules: list[Rule],
    key: str,
    row: Object,
    now: float,
    noncurrent: tuple[float, int] | None,
    small: bool,
) -> str | None:
    """The storage class a version is to move to. `noncurrent`: since when, and how many newer ones.

    `small`: objects below 128 KB move too, to GLACIER and DEEP_ARCHIVE only.
    """
    best = row.storage_class
    for rule in rules:
        if not rule.scope.holds(key, row):
            continue
        sized = rule.scope.larger is not None or rule.scope.smaller is not None
        if noncurrent is None:
            moves = [
                (
                    at_midnight(row.modified, m.days) if m.days is not None else m.date,
                    m.storage_class,
                )
                for m in rule.given.transitions or ()
            ]
        else:
            moves = [
                (at_midnight(noncurrent[0], m.noncurrent_days), m.storage_class)
                for m in rule.given.noncurrent_version_transitions or ()
                if noncurrent[1] >= (m.newer_noncurrent_versions or 0)
            ]
        for due, to in moves:
            allowed = row.size >= SMALL or sized or (small and to in ("GLACIER", "DEEP_ARCHIVE"))
            if due <= now and allowed and _colder(best, to):
                best = to
    return best if best != row.storage_class else None


def _colder(now: str, to: str) -> bool:
    rank = ORDER.index(now) if now in ORDER else 0
    return ORDER.index(to) > rank
