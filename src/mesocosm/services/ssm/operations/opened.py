"""The parameter a request names, and what decisions on it look like."""

from __future__ import annotations

from typing import Protocol

from mesocosm.call.call import Call
from mesocosm.services.ssm.resources import Found, Version, arn_of, look_up, parameters, versions
from mesocosm.services.ssm.rules.names import PUBLIC, Wanted, no_version, not_found, wanted


class OfParameter(Protocol):
    """A request that names a parameter."""

    name: str


def arn_for(call: Call, text: str) -> str:
    """The ARN that a request's name stands for: public parameters belong to no account."""
    one = wanted(text)
    if one.arn:
        return one.arn
    account = "" if one.name.startswith(PUBLIC) else call.account
    return arn_of(call.region, account, one.name)


def parameter_arn(call: Call, request: OfParameter) -> str:
    """The ARN a request is decided on."""
    return arn_for(call, request.name)


def find(call: Call, one: Wanted) -> Found | None:
    """The parameter of a name or ARN; None when there is none in this Region."""
    if one.arn:
        found = look_up(call.world, one.arn)
        return found if found is not None and found.region == call.region else None
    row = call.rows(parameters).get(one.name)
    return Found(row, call.account, call.region) if row is not None else None


def known(call: Call, name: str) -> Found:
    """A parameter of the caller's. Raises ParameterNotFound."""
    found = find(call, Wanted(name))
    if found is None:
        raise not_found()
    return found


def number_of(call: Call, found: Found, one: Wanted) -> int:
    """The version a request means. Raises ParameterVersionNotFound."""
    row = found.parameter
    if not one.selector:
        return row.latest
    number = one.number
    if number is None:
        number = labelled(call, found, one.selector)
    if number is None or not row.oldest <= number <= row.latest:
        raise no_version(row.name, one.selector)
    return number


def labelled(call: Call, found: Found, label: str) -> int | None:
    """The number of the version that bears a label."""
    for number in numbers(found):
        if label in found.version(call, number).labels:
            return number
    return None


def numbers(found: Found) -> range:
    """The numbers of a parameter's versions, the oldest first."""
    return range(found.parameter.oldest, found.parameter.latest + 1)


def save(call: Call, found: Found, number: int, version: Version) -> None:
    """Store a version."""
    call.rows(versions, found.account, found.region)[found.parameter.name, number] = version
