"""The list of parameters."""

from __future__ import annotations

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations.reading import bad_token
from mesocosm.services.ssm.operations.shown import metadata
from mesocosm.services.ssm.resources import Found, parameters
from mesocosm.services.ssm.rules import filters
from mesocosm.services.ssm.rules.names import invalid

PAGE = 50


@ssm.operation("DescribeParameters")
def describe_parameters(
    call: Call, request: api.DescribeParametersRequest
) -> api.DescribeParametersResult:
    """The caller's parameters in this Region that pass every filter, by name."""
    if request.shared:
        raise call.not_implemented("parameters shared through AWS Resource Access Manager")
    if request.filters and request.parameter_filters:
        raise invalid("You can use either Filters or ParameterFilters in a single request.")
    given = [(one.key, one.option, one.values) for one in request.parameter_filters or ()]
    older = [
        (one.key, "BeginsWith" if one.key == "Name" else None, one.values)
        for one in request.filters or ()
    ]
    wanted = filters.parsed([*given, *older], filters.DESCRIBE)
    rows = call.rows(parameters)
    found = (Found(row, call.account, call.region) for row in rows.values())
    chosen = [
        one for one in found if all(test.passes(one.parameter, one.latest(call)) for test in wanted)
    ]
    part, token = page(
        chosen,
        lambda one: one.parameter.name,
        request.next_token,
        request.max_results or PAGE,
        bad_token,
    )
    return api.DescribeParametersResult(
        parameters=[metadata(call, one) for one in part], next_token=token
    )
