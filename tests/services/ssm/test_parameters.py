"""Parameters: names, versions, tiers, labels, history, tags, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.ssm.support import names, put, refusal, value

from mesocosm.services.ssm.rules.names import wanted

EXISTS = (
    "ParameterAlreadyExists",
    "The parameter already exists. To overwrite this value, set the overwrite option in the "
    "request to true.",
)


def test_a_parameter_is_read_as_it_was_put(ssm: Any) -> None:
    done = put(ssm, "/app/url", "http://x", Description="d")
    assert (done["Version"], done["Tier"]) == (1, "Standard")
    found = ssm.get_parameter(Name="/app/url")["Parameter"]
    found.pop("LastModifiedDate")
    arn = "arn:aws:ssm:us-east-1:000000000000:parameter/app/url"
    assert found == {
        "Name": "/app/url",
        "Type": "String",
        "Value": "http://x",
        "Version": 1,
        "ARN": arn,
        "DataType": "text",
    }
    assert ssm.get_parameter(Name=arn)["Parameter"]["Value"] == "http://x"
    (shown,) = ssm.describe_parameters()["Parameters"]
    assert shown["LastModifiedUser"] == "arn:aws:iam::000000000000:root"
    assert shown["Description"] == "d"


def test_a_parameter_that_is_not_there(ssm: Any) -> None:
    assert refusal(ssm.get_parameter, Name="absent")[0] == "ParameterNotFound"
    assert refusal(ssm.delete_parameter, Name="absent")[0] == "ParameterNotFound"
    assert refusal(ssm.get_parameter_history, Name="absent")[0] == "ParameterNotFound"


def test_overwriting_makes_versions(ssm: Any) -> None:
    put(ssm, "p", "1", Description="kept")
    assert refusal(put, ssm=ssm, name="p", value="2") == EXISTS
    assert ssm.put_parameter(Name="p", Value="2", Overwrite=True)["Version"] == 2
    assert value(ssm, "p") == "2"
    first = ssm.get_parameter(Name="p:1")["Parameter"]
    assert (first["Value"], first["Selector"]) == ("1", ":1")
    assert refusal(ssm.get_parameter, Name="p:3") == (
        "ParameterVersionNotFound",
        "Systems Manager could not find version 3 of p. Verify the version and try again.",
    )
    history = ssm.get_parameter_history(Name="p")["Parameters"]
    assert [(one["Version"], one["Value"]) for one in history] == [(1, "1"), (2, "2")]
    assert history[1]["Description"] == "kept"
    page = ssm.get_parameter_history(Name="p", MaxResults=1)
    rest = ssm.get_parameter_history(Name="p", NextToken=page["NextToken"])
    assert [one["Version"] for one in rest["Parameters"]] == [2]
    code, _ = refusal(put, ssm=ssm, name="p", value="x", kind="SecureString", Overwrite=True)
    assert code == "HierarchyTypeMismatchException"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("/aws/x", "AccessDeniedException", "No access to reserved parameter name: /aws/x."),
        ("awsome", "ValidationException", 'can\'t be prefixed with "aws" or "ssm"'),
        ("/ssm/x", "ValidationException", 'can\'t be prefixed with "ssm"'),
        ("a/b", "ValidationException", "Parameter name must be a fully qualified name."),
        ("a b", "ValidationException", "mix of letters, numbers"),
        ("/a//b", "ValidationException", "mix of letters, numbers"),
        ("/a" * 16, "HierarchyLevelLimitExceededException", "maximum of 15 levels"),
        ("x" * 1000, "ValidationException", "exceeds 1011"),
    ],
)
def test_names_that_a_parameter_cannot_have(ssm: Any, name: str, code: str, message: str) -> None:
    found = refusal(put, ssm=ssm, name=name)
    assert found[0] == code
    assert message in found[1]


def test_a_hundred_versions_are_kept(ssm: Any) -> None:
    put(ssm, "p", "1")
    for number in range(2, 101):
        ssm.put_parameter(Name="p", Value=str(number), Overwrite=True)
    ssm.label_parameter_version(Name="p", ParameterVersion=2, Labels=["keep"])
    assert ssm.put_parameter(Name="p", Value="101", Overwrite=True)["Version"] == 101
    assert refusal(ssm.get_parameter, Name="p:1")[0] == "ParameterVersionNotFound"
    code, message = refusal(ssm.put_parameter, Name="p", Value="102", Overwrite=True)
    assert code == "ParameterMaxVersionLimitExceeded"
    assert "Version 2, the oldest version, can't be deleted" in message
    ssm.unlabel_parameter_version(Name="p", ParameterVersion=2, Labels=["keep"])
    assert ssm.put_parameter(Name="p", Value="102", Overwrite=True)["Version"] == 102


def test_labels_point_at_versions(ssm: Any) -> None:
    put(ssm, "p", "1")
    ssm.put_parameter(Name="p", Value="2", Overwrite=True)
    done = ssm.label_parameter_version(
        Name="p", ParameterVersion=1, Labels=["prod", "awsx", "1st", "a b"]
    )
    assert done["InvalidLabels"] == ["awsx", "1st", "a b"]
    assert value(ssm, "p:prod") == "1"
    ssm.label_parameter_version(Name="p", Labels=["prod"])
    assert value(ssm, "p:prod") == "2"
    history = ssm.get_parameter_history(Name="p")["Parameters"]
    assert [one["Labels"] for one in history] == [[], ["prod"]]
    assert refusal(ssm.get_parameter, Name="p:test")[0] == "ParameterVersionNotFound"
    ten = [f"l{number}" for number in range(10)]
    code, _ = refusal(ssm.label_parameter_version, Name="p", Labels=ten)
    assert code == "ParameterVersionLabelLimitExceeded"
    done = ssm.unlabel_parameter_version(Name="p", ParameterVersion=2, Labels=["prod", "x"])
    assert (done["RemovedLabels"], done["InvalidLabels"]) == (["prod"], ["x"])


def test_tiers(ssm: Any) -> None:
    code, message = refusal(put, ssm=ssm, name="p", value="x" * 4097)
    assert code == "ValidationException"
    assert message.startswith("Standard tier parameters support a maximum parameter value of 4096")
    done = put(ssm, "p", "x" * 4097, Tier="Intelligent-Tiering")
    assert done["Tier"] == "Advanced"
    assert refusal(put, ssm=ssm, name="q", value="x" * 8193, Tier="Advanced")[0] == (
        "ValidationException"
    )
    code, message = refusal(put, ssm=ssm, name="p", value="x", Tier="Standard", Overwrite=True)
    assert message.startswith("This parameter uses the advanced-parameter tier. You can't downgrad")
    assert ssm.put_parameter(Name="p", Value="x", Overwrite=True)["Tier"] == "Advanced"
    assert put(ssm, "small", Tier="Intelligent-Tiering")["Tier"] == "Standard"


def test_the_default_tier_is_a_setting(ssm: Any) -> None:
    name = "/ssm/parameter-store/default-parameter-tier"
    found = ssm.get_service_setting(SettingId=name)["ServiceSetting"]
    assert (found["SettingValue"], found["Status"]) == ("Standard", "Default")
    ssm.update_service_setting(SettingId=found["ARN"], SettingValue="Advanced")
    assert put(ssm, "p")["Tier"] == "Advanced"
    found = ssm.reset_service_setting(SettingId=name)["ServiceSetting"]
    assert found["SettingValue"] == "Standard"
    assert refusal(ssm.get_service_setting, SettingId="/ssm/x")[0] == "ServiceSettingNotFound"


@pytest.mark.parametrize(
    ("more", "text", "code"),
    [
        ({"AllowedPattern": r"^\d+$"}, "x", "ParameterPatternMismatchException"),
        ({"AllowedPattern": "("}, "x", "InvalidAllowedPatternException"),
        ({"DataType": "strange"}, "x", "ValidationException"),
        ({"DataType": "aws:ec2:image"}, "x", "ValidationException"),
        ({"DataType": "integer"}, "1.5", "ValidationException"),
        ({"DataType": "boolean"}, "yes", "ValidationException"),
        ({"DataType": "ipv4-address"}, "::1", "ValidationException"),
        ({"DataType": "json"}, "{}", "ValidationException"),  # advanced only
        ({"DataType": "json", "Tier": "Advanced"}, "{", "ValidationException"),
        ({"KeyId": "alias/x"}, "x", "ValidationException"),
        ({"Policies": '[{"Type":"Expiration"}]'}, "x", "InvalidPolicyAttributeException"),
        ({}, "{{ssm:other}}", "ValidationException"),
        ({}, "", "ValidationException"),
    ],
)
def test_values_that_are_refused(ssm: Any, more: dict[str, str], text: str, code: str) -> None:
    assert refusal(put, ssm=ssm, name="p", value=text, **more)[0] == code


@pytest.mark.parametrize(
    ("data_type", "text"),
    [
        ("aws:ec2:image", "ami-0123456789abcdef0"),
        ("integer", "-5"),
        ("float", "1e3"),
        ("hostname", "db.example.com"),
        ("email", "a@b.de"),
        ("aws:region", "eu-west-1"),
        ("binary", "AAE="),
        ("ipv6-address", "::1"),
    ],
)
def test_data_types(ssm: Any, data_type: str, text: str) -> None:
    put(ssm, "p", text, DataType=data_type)
    assert ssm.get_parameter(Name="p")["Parameter"]["DataType"] == data_type


def test_several_at_once(ssm: Any) -> None:
    for name in ("b", "a"):
        put(ssm, name)
    found = ssm.get_parameters(Names=["b", "a", "absent", "a:9"])
    assert names(found) == ["a", "b"]
    assert found["InvalidParameters"] == ["absent", "a:9"]
    gone = ssm.delete_parameters(Names=["a", "absent"])
    assert gone["DeletedParameters"] == ["a"]
    assert gone["InvalidParameters"] == ["absent"]
    assert names(ssm.describe_parameters()) == ["b"]


def test_tags(ssm: Any) -> None:
    put(ssm, "/p", Tags=[{"Key": "a", "Value": "1"}])
    parameter = {"ResourceType": "Parameter", "ResourceId": "/p"}
    ssm.add_tags_to_resource(**parameter, Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**parameter, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**parameter)["TagList"] == [{"Key": "b", "Value": "2"}]
    tags = [{"Key": "c", "Value": "3"}]
    _, message = refusal(put, ssm=ssm, name="/p", Overwrite=True, Tags=tags)
    assert message.startswith("Invalid request: tags and overwrite can't be used together.")
    absent = {"ResourceType": "Parameter", "ResourceId": "/q"}
    assert refusal(ssm.list_tags_for_resource, **absent)[0] == "InvalidResourceId"
    document = {"ResourceType": "Document", "ResourceId": "d"}
    assert refusal(ssm.list_tags_for_resource, **document)[0] == "NotImplemented"


def test_other_operations_say_that_they_are_missing(ssm: Any) -> None:
    assert refusal(ssm.list_documents)[0] == "NotImplemented"


def test_each_region_has_its_own(ssm: Any, client: Callable[..., Any]) -> None:
    put(ssm, "p")
    assert names(client("ssm", region="eu-west-1").describe_parameters()) == []


@given(st.from_regex(r"(/[a-z]{1,5}){1,5}", fullmatch=True), st.integers(1, 10**9))
def test_what_a_request_calls_a_version(name: str, number: int) -> None:
    assert wanted(name) == (name, "", "")
    assert wanted(f"{name}:{number}").number == number
    arn = f"arn:aws:ssm:us-east-1:000000000000:parameter{name}"
    found = wanted(f"{arn}:{number}")
    assert (found.name, found.arn, found.number) == (name, arn, number)
    assert wanted(arn).selector == ""
