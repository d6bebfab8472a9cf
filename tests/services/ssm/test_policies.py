"""Parameter policies by the cloud's clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.services.ssm.support import DAY, put, refusal

from mesocosm.testing.local import LocalCloud


def policy(kind: str, **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Version": "1.0", "Attributes": attributes}


def expiration(cloud: LocalCloud, days: float) -> dict[str, Any]:
    moment = datetime.fromtimestamp(cloud.now() + days * DAY, UTC)
    return policy("Expiration", Timestamp=moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def statuses(ssm: Any) -> dict[str, str]:
    (found,) = ssm.describe_parameters()["Parameters"]
    return {one["PolicyType"]: one["PolicyStatus"] for one in found["Policies"]}


def test_a_parameter_expires(cloud: LocalCloud, ssm: Any) -> None:
    rules = [expiration(cloud, 30), policy("ExpirationNotification", Before="15", Unit="Days")]
    done = put(ssm, "p", Policies=json.dumps(rules), Tier="Intelligent-Tiering")
    assert done["Tier"] == "Advanced"
    assert statuses(ssm) == {"Expiration": "Pending", "ExpirationNotification": "Pending"}
    cloud.advance(15 * DAY + 60)
    assert statuses(ssm) == {"Expiration": "Pending", "ExpirationNotification": "Finished"}
    ssm.put_parameter(Name="p", Value="2", Overwrite=True)  # changes nothing about the expiry
    cloud.advance(15 * DAY)
    assert refusal(ssm.get_parameter, Name="p")[0] == "ParameterNotFound"


def test_what_is_not_changed_is_told(cloud: LocalCloud, ssm: Any) -> None:
    rules = [policy("NoChangeNotification", After="20", Unit="Days")]
    put(ssm, "p", Policies=json.dumps(rules), Tier="Advanced")
    cloud.advance(19 * DAY)
    ssm.put_parameter(Name="p", Value="2", Overwrite=True)
    cloud.advance(19 * DAY)
    assert statuses(ssm) == {"NoChangeNotification": "Pending"}
    cloud.advance(2 * DAY)
    assert statuses(ssm) == {"NoChangeNotification": "Finished"}
    ssm.put_parameter(Name="p", Value="3", Overwrite=True, Policies="[]")
    (found,) = ssm.describe_parameters()["Parameters"]
    assert found["Policies"] == []


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([policy("Strange")], "InvalidPolicyTypeException"),
        ([policy("Expiration", Timestamp="soon")], "InvalidPolicyAttributeException"),
        (
            [policy("Expiration", Timestamp="2001-01-01T00:00:00Z")],
            "InvalidPolicyAttributeException",
        ),
        (
            [policy("ExpirationNotification", Before="1", Unit="Days")],
            "IncompatiblePolicyException",
        ),
        (
            [policy("NoChangeNotification", After="1", Unit="Weeks")],
            "InvalidPolicyAttributeException",
        ),
        (
            [policy("NoChangeNotification", After="1", Unit="Days")] * 11,
            "PoliciesLimitExceededException",
        ),
    ],
)
def test_policies_that_are_refused(ssm: Any, rules: list[Any], code: str) -> None:
    text = json.dumps(rules)
    assert refusal(put, ssm=ssm, name="p", Policies=text, Tier="Advanced")[0] == code


def test_a_standard_parameter_has_no_policies(ssm: Any) -> None:
    text = json.dumps([policy("NoChangeNotification", After="1", Unit="Days")])
    code, message = refusal(put, ssm=ssm, name="p", Policies=text)
    assert code == "ValidationException"
    assert "advanced" in message
