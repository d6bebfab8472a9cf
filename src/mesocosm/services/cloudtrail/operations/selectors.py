"""Event selectors of a trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.api import cloudtrail as api
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.resources import trails as found
from mesocosm.services.cloudtrail.rules import selectors as rules

if TYPE_CHECKING:
    from mesocosm.call.call import Call


def _named(call: Call, request: api.PutEventSelectorsRequest | api.GetEventSelectorsRequest) -> str:
    return found.arn_of(call, request.trail_name)


@cloudtrail.operation("PutEventSelectors", resource=_named)
def put_event_selectors(
    call: Call, request: api.PutEventSelectorsRequest
) -> api.PutEventSelectorsResponse:
    """Basic or advanced selectors, in place of what was there."""
    row = found.own(call, request.trail_name)
    if bool(request.event_selectors) == bool(request.advanced_event_selectors):
        raise rules.refuse(
            "Provide either event selectors or advanced event selectors, and not both."
        )
    if request.advanced_event_selectors:
        advanced = tuple(_advanced(one) for one in request.advanced_event_selectors)
        if any(rules.category_of(one) == "NetworkActivity" for one in advanced):
            raise call.not_implemented("logging of network activity events")
        rules.check_advanced(advanced)
        row = msgspec.structs.replace(row, advanced=advanced, selectors=())
    else:
        basic = tuple(_basic(one) for one in request.event_selectors or ())
        rules.check(basic)
        row = msgspec.structs.replace(row, advanced=None, selectors=basic)
    found.put(call, row)
    shown, shown_advanced = _shown(row)
    return api.PutEventSelectorsResponse(
        trail_arn=row.arn, event_selectors=shown, advanced_event_selectors=shown_advanced
    )


@cloudtrail.operation("GetEventSelectors", resource=_named)
def get_event_selectors(
    call: Call, request: api.GetEventSelectorsRequest
) -> api.GetEventSelectorsResponse:
    """The selectors in force."""
    row = found.find(call, request.trail_name)
    shown, shown_advanced = _shown(row)
    return api.GetEventSelectorsResponse(
        trail_arn=row.arn, event_selectors=shown, advanced_event_selectors=shown_advanced
    )


def _basic(given: api.EventSelector) -> rows.Selector:
    return rows.Selector(
        given.read_write_type or "All",
        given.include_management_events is not False,
        tuple((one.type or "", tuple(one.values or ())) for one in given.data_resources or ()),
        tuple(given.exclude_management_event_sources or ()),
    )


def _advanced(given: api.AdvancedEventSelector) -> rows.AdvancedSelector:
    return rows.AdvancedSelector(
        tuple(
            rows.Condition(
                one.field, *(tuple(getattr(one, operator) or ()) for operator in rules.OPERATORS)
            )
            for one in given.field_selectors
        ),
        given.name,
    )


def _shown(
    row: rows.Trail,
) -> tuple[list[api.EventSelector] | None, list[api.AdvancedEventSelector] | None]:
    if row.advanced is not None:
        return None, [
            api.AdvancedEventSelector(
                name=one.name,
                field_selectors=[_condition(condition) for condition in one.conditions],
            )
            for one in row.advanced
        ]
    return [
        api.EventSelector(
            read_write_type=one.read_write,
            include_management_events=one.management,
            data_resources=[
                api.DataResource(type=kind, values=list(values)) for kind, values in one.data
            ],
            exclude_management_event_sources=list(one.excluded),
        )
        for one in row.selectors
    ], None


def _condition(condition: rows.Condition) -> api.AdvancedFieldSelector:
    values = {
        operator: list(given)
        for operator in rules.OPERATORS
        if (given := getattr(condition, operator))
    }
    return api.AdvancedFieldSelector(field=condition.field, **values)
