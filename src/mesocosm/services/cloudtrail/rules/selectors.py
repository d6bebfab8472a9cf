"""Event selectors: which events a trail takes.

Sources: CloudTrail API reference, EventSelector, AdvancedEventSelector, AdvancedFieldSelector;
CloudTrail user guide, "Logging data events".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mesocosm.services.cloudtrail.resources.rows import AdvancedSelector, Condition, Selector
from mesocosm.services.cloudtrail.rules.kinds import DATA_TYPES, resources_of
from mesocosm.services.cloudtrail.rules.origins import event_name, is_read_only
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.record import CallRecord
    from mesocosm.services.cloudtrail.rules.origins import Origin

SELECTORS_MAX = 5
DATA_RESOURCES_MAX = 250
CONDITION_VALUES_MAX = 500

BASIC_DATA_TYPES = {
    "AWS::S3::Object": "arn:aws:s3",
    "AWS::Lambda::Function": "arn:aws:lambda",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb",
}
EXACT_TYPES = frozenset({"AWS::Lambda::Function", "AWS::DynamoDB::Table"})
EXCLUDABLE = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})

OPERATORS = ("equals", "starts_with", "ends_with", "not_equals", "not_starts_with", "not_ends_with")
EQUALS_ONLY = frozenset({"eventCategory", "readOnly", "resources.type"})
FIELDS = {
    "Management": frozenset(
        {
            "eventCategory",
            "eventName",
            "eventSource",
            "eventType",
            "readOnly",
            "sessionCredentialFromConsole",
            "userIdentity.arn",
        }
    ),
    "Data": frozenset(
        {
            "eventCategory",
            "eventName",
            "eventSource",
            "eventType",
            "readOnly",
            "resources.ARN",
            "resources.type",
            "sessionCredentialFromConsole",
            "userIdentity.arn",
        }
    ),
}


class Facts(NamedTuple):
    """What selectors may ask of an event."""

    management: bool
    source: str
    name: str
    read_only: bool
    event_type: str
    user: str
    resource_type: str
    arns: tuple[str, ...]

    def values(self, field: str) -> tuple[str, ...]:
        """The values of an advanced selector's field; none when the event has no such field."""
        if field == "eventCategory":
            return ("Management" if self.management else "Data",)
        if field == "eventSource":
            return (self.source,)
        if field == "eventName":
            return (self.name,)
        if field == "readOnly":
            return ("true" if self.read_only else "false",)
        if field == "eventType":
            return (self.event_type,)
        if field == "userIdentity.arn":
            return (self.user,) if self.user else ()
        if field == "resources.type":
            return (self.resource_type,) if self.resource_type else ()
        if field == "resources.ARN":
            return self.arns
        return ()


def facts_of(record: CallRecord, origin: Origin) -> Facts:
    """The facts of a record."""
    management = record.category == "management"
    kind = ""
    arns: tuple[str, ...] = ()
    if not management:
        resources = resources_of(record.judgements)
        kind = DATA_TYPES.get(record.service, resources[0].type if resources else "")
        arns = tuple(one.arn for one in resources if one.type == kind)
        if not arns and record.service == "s3":  # an event of the whole bucket, such as a listing
            arns = tuple(f"{one.arn}/" for one in resources)
    return Facts(
        management,
        origin.source,
        event_name(record.service, record.operation),
        is_read_only(origin, record),
        record.event_type,
        record.principal.arn,
        kind,
        arns,
    )


# -- does a trail take an event? ------------------------------------------------------------------


def selected(
    facts: Facts,
    selectors: Iterable[Selector],
    advanced: Iterable[AdvancedSelector] | None,
) -> bool:
    """Whether one of the selectors takes the event."""
    if advanced is not None:
        return any(
            all(_holds(condition, facts) for condition in one.conditions) for one in advanced
        )
    return any(_takes(one, facts) for one in selectors)


def _takes(selector: Selector, facts: Facts) -> bool:
    if selector.read_write == "ReadOnly" and not facts.read_only:
        return False
    if selector.read_write == "WriteOnly" and facts.read_only:
        return False
    if facts.management:
        return selector.management and facts.source not in selector.excluded
    for kind, prefixes in selector.data:
        if kind != facts.resource_type:
            continue
        for prefix in prefixes:
            if prefix == BASIC_DATA_TYPES[kind] or prefix.rstrip(":") == "arn:aws:s3":
                return True
            if kind in EXACT_TYPES:
                if prefix in facts.arns:
                    return True
            elif any(arn.startswith(prefix) for arn in facts.arns):
                return True
    return False


def _holds(condition: Condition, facts: Facts) -> bool:
    values = facts.values(condition.field)
    wanted = [
        any(value in condition.equals for value in values) if condition.equals else None,
        _any(values, condition.starts_with, str.startswith),
        _any(values, condition.ends_with, str.endswith),
    ]
    chosen = [one for one in wanted if one is not None]
    if chosen and not any(chosen):
        return False
    return not (
        any(value in condition.not_equals for value in values)
        or _any(values, condition.not_starts_with, str.startswith)
        or _any(values, condition.not_ends_with, str.endswith)
    )


def _any(values: tuple[str, ...], given: tuple[str, ...], test: object) -> bool | None:
    if not given:
        return None
    assert callable(test)
    return any(test(value, one) for value in values for one in given)


# -- may selectors be put? ------------------------------------------------------------------------


def check(selectors: tuple[Selector, ...]) -> None:
    """Raises InvalidEventSelectorsException."""
    if not 1 <= len(selectors) <= SELECTORS_MAX:
        raise refuse(
            f"The number of event selectors must be between 1 and {SELECTORS_MAX} for a trail."
        )
    count = sum(len(values) for one in selectors for _, values in one.data)
    if count > DATA_RESOURCES_MAX:
        raise refuse(
            f"The total number of data resources cannot exceed {DATA_RESOURCES_MAX} across all "
            "event selectors in a trail."
        )
    for one in selectors:
        if one.read_write not in ("All", "ReadOnly", "WriteOnly"):
            raise refuse(f"Value {one.read_write} for ReadWriteType is invalid.")
        for source in one.excluded:
            if source not in EXCLUDABLE:
                raise refuse(f"Value {source} for ExcludeManagementEventSources is invalid.")
        if one.excluded and not one.management:
            raise refuse(
                "ExcludeManagementEventSources cannot be set when IncludeManagementEvents is false."
            )
        for kind, values in one.data:
            if kind not in BASIC_DATA_TYPES:
                raise refuse(f"Value {kind} for DataResources.Type is invalid.")
            for value in values:
                _check_value(kind, value)
        if not one.management and not one.data:
            raise refuse("An event selector must include management events or data resources.")


def _check_value(kind: str, value: str) -> None:
    start = BASIC_DATA_TYPES[kind]
    whole = value in (start, f"{start}:::")
    bucket, slash, _ = value.removeprefix("arn:aws:s3:::").partition("/")
    object_arn = value.startswith("arn:aws:s3:::") and bool(bucket and slash)
    right = whole or (object_arn if kind == "AWS::S3::Object" else value.startswith(f"{start}:"))
    if not right or "*" in value:
        raise refuse(f"Value {value} for DataResources.Values is invalid.")


def check_advanced(selectors: tuple[AdvancedSelector, ...]) -> None:
    """Raises InvalidEventSelectorsException."""
    count = sum(
        len(getattr(condition, operator))
        for one in selectors
        for condition in one.conditions
        for operator in OPERATORS
    )
    if not selectors or count > CONDITION_VALUES_MAX:
        raise refuse(
            f"A trail can have up to {CONDITION_VALUES_MAX} values for all conditions in all "
            "advanced event selectors."
        )
    for one in selectors:
        _check_one(one)


def _check_one(selector: AdvancedSelector) -> None:
    fields = [condition.field for condition in selector.conditions]
    if len(set(fields)) != len(fields):
        raise refuse("An advanced event selector can use each field only once.")
    category = category_of(selector)
    if category not in FIELDS:
        raise refuse(
            "The eventCategory field must have one value, and the operator must be Equals."
            if not category
            else f"Value {category} for eventCategory is invalid."
        )
    for condition in selector.conditions:
        field = condition.field
        if field not in FIELDS[category]:
            raise refuse(f"The field {field} is not valid for the event category {category}.")
        used = [name for name in OPERATORS if getattr(condition, name)]
        if not used:
            raise refuse(f"The field {field} needs at least one operator.")
        if field in EQUALS_ONLY and (used != ["equals"] or len(condition.equals) != 1):
            raise refuse(f"The {field} field must have one value, and the operator must be Equals.")
        if field == "readOnly" and condition.equals[0] not in ("true", "false"):
            raise refuse(f"Value {condition.equals[0]} for readOnly is invalid.")
    if category == "Data" and "resources.type" not in fields:
        raise refuse("The resources.type field is required for data events.")


def category_of(selector: AdvancedSelector) -> str:
    """The event category an advanced selector is for, or nothing when it says none."""
    for condition in selector.conditions:
        if condition.field == "eventCategory" and len(condition.equals) == 1:
            return condition.equals[0]
    return ""


def refuse(message: str) -> AwsError:
    """The refusal of selectors."""
    return AwsError("InvalidEventSelectorsException", message)
