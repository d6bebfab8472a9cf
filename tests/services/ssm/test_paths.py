"""Hierarchies, filters, public parameters, references to secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.ssm.support import names, put, refusal, value


@pytest.fixture
def tree(ssm: Any) -> Any:
    """A small hierarchy."""
    put(ssm, "/app/prod/db", "1")
    put(ssm, "/app/prod/list", "a,b", "StringList")
    put(ssm, "/app/prod/deep/key", "2", "SecureString")
    put(ssm, "/app/test", "3", Tags=[{"Key": "team", "Value": "a"}])
    put(ssm, "/application", "4", Tier="Advanced")
    put(ssm, "flat", "5", DataType="integer")
    return ssm


def test_by_path(tree: Any) -> None:
    by_path = tree.get_parameters_by_path
    assert names(by_path(Path="/app")) == ["/app/test"]
    assert names(by_path(Path="/app/prod/")) == ["/app/prod/db", "/app/prod/list"]
    everything = by_path(Path="/app", Recursive=True, WithDecryption=True)
    assert [one["Value"] for one in everything["Parameters"]] == ["1", "2", "a,b", "3"]
    assert names(by_path(Path="/")) == ["/application"]
    page = by_path(Path="/app", Recursive=True, MaxResults=3)
    assert len(page["Parameters"]) == 3
    rest = by_path(Path="/app", Recursive=True, NextToken=page["NextToken"])
    assert names(rest) == ["/app/test"]
    secure = [{"Key": "Type", "Values": ["SecureString"]}]
    found = by_path(Path="/app", Recursive=True, ParameterFilters=secure)
    assert names(found) == ["/app/prod/deep/key"]
    for path in ("app", "/a b", "/aws/x"):
        code, message = refusal(by_path, Path=path)
        assert code == "ValidationException"
        assert message.startswith("The parameter doesn't meet the parameter name requirements.")
    assert refusal(by_path, Path="/app", NextToken="bad")[0] == "InvalidNextToken"


def test_by_path_and_label(tree: Any) -> None:
    tree.put_parameter(Name="/app/prod/db", Value="new", Overwrite=True)
    tree.label_parameter_version(Name="/app/prod/db", ParameterVersion=1, Labels=["live"])
    label = [{"Key": "Label", "Values": ["live"]}]
    found = tree.get_parameters_by_path(Path="/app/prod", ParameterFilters=label)
    assert [(one["Value"], one["Version"]) for one in found["Parameters"]] == [("1", 1)]


@pytest.mark.parametrize(
    ("key", "option", "values", "expected"),
    [
        ("Name", "Equals", ["flat"], {"flat"}),
        ("Name", "BeginsWith", ["/app/prod"], 3),
        ("Name", "BeginsWith", ["app/prod"], 3),
        ("Name", "Contains", ["lica"], {"/application"}),
        ("Path", "OneLevel", ["/app"], {"/app/test"}),
        ("Path", "Recursive", ["/app"], 4),
        ("Type", "Equals", ["StringList", "SecureString"], 2),
        ("KeyId", "Equals", ["alias/aws/ssm"], {"/app/prod/deep/key"}),
        ("Tier", "Equals", ["Advanced"], {"/application"}),
        ("DataType", "Equals", ["integer"], {"flat"}),
        ("tag:team", "Equals", ["a"], {"/app/test"}),
        ("tag:team", "BeginsWith", ["b"], set()),
    ],
)
def test_filters(
    tree: Any, key: str, option: str, values: list[str], expected: set[str] | int
) -> None:
    one = {"Key": key, "Option": option, "Values": values}
    found = set(names(tree.describe_parameters(ParameterFilters=[one])))
    assert (found if isinstance(expected, set) else len(found)) == expected


@pytest.mark.parametrize(
    ("one", "code", "message"),
    [
        ({"Key": "Label", "Values": ["x"]}, "InvalidFilterKey", "is not valid: Label."),
        (
            {"Key": "Path", "Option": "Equals", "Values": ["/a"]},
            "InvalidFilterOption",
            "The following filter option is not valid: Equals. Valid options include: [Recursive, "
            "OneLevel].",
        ),
        ({"Key": "Type", "Values": ["Text"]}, "InvalidFilterOption", "is not valid: Text."),
        (
            {"Key": "Name"},
            "InvalidFilterValue",
            "The following filter values are missing : null for filter key Name",
        ),
    ],
)
def test_filters_that_are_refused(ssm: Any, one: Any, code: str, message: str) -> None:
    found = refusal(ssm.describe_parameters, ParameterFilters=[one])
    assert found[0] == code
    assert message in found[1]


def test_filters_of_the_older_kind(tree: Any) -> None:
    old = [{"Key": "Name", "Values": ["/app/prod"]}]
    assert len(names(tree.describe_parameters(Filters=old))) == 3
    both = {"Filters": old, "ParameterFilters": [{"Key": "Name", "Values": ["x"]}]}
    assert refusal(tree.describe_parameters, **both)[1] == (
        "You can use either Filters or ParameterFilters in a single request."
    )


def test_images_are_published(ssm: Any, client: Callable[..., Any]) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    found = ssm.get_parameter(Name=name)["Parameter"]
    assert found["ARN"] == f"arn:aws:ssm:us-east-1::parameter{name}"
    assert found["DataType"] == "aws:ec2:image"
    assert found["Value"].startswith("ami-")
    assert value(ssm, name) == found["Value"]
    assert value(client("ssm", region="eu-west-1"), name) != found["Value"]
    path = "/aws/service/ami-amazon-linux-latest"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    listed = [one["Name"] for page in pages for one in page["Parameters"]]
    assert name in listed
    assert listed == sorted(listed)
    assert refusal(ssm.get_parameter, Name=f"{path}/absent")[0] == "ParameterNotFound"


def test_regions_and_services_are_published(ssm: Any) -> None:
    infrastructure = "/aws/service/global-infrastructure"
    assert value(ssm, f"{infrastructure}/regions/eu-west-1/longName") == "Europe (Ireland)"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=f"{infrastructure}/services/sqs/regions"
    )
    assert "us-east-1" in {one["Value"] for page in pages for one in page["Parameters"]}
    assert names(ssm.get_parameters_by_path(Path=f"{infrastructure}/availability-zones"))


def test_a_secret_is_read_by_reference(ssm: Any, client: Callable[..., Any]) -> None:
    secrets = client("secretsmanager")
    arn = secrets.create_secret(Name="app/db", SecretString="one")["ARN"]
    secrets.put_secret_value(SecretId="app/db", SecretString="two")
    name = "/aws/reference/secretsmanager/app/db"
    found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"], found["Version"]) == ("two", "SecureString", 0)
    assert found["ARN"] == arn
    assert json.loads(found["SourceResult"])["Name"] == "app/db"
    assert value(ssm, f"{name}:AWSPREVIOUS") == "one"
    assert refusal(ssm.get_parameter, Name=name) == (
        "ValidationException",
        "WithDecryption flag must be True for retrieving a Secret Manager secret.",
    )
    absent = "/aws/reference/secretsmanager/absent"
    assert refusal(ssm.get_parameter, Name=absent, WithDecryption=True)[0] == "ParameterNotFound"
    found = ssm.get_parameters(Names=[name, absent], WithDecryption=True)
    assert names(found) == [name]
    assert found["InvalidParameters"] == [absent]
