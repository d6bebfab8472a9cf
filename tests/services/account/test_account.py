"""Account Management: contacts and Regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def account(client: Callable[..., Any]) -> Any:
    return client("account")


def code(function: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    found: str = raised.value.response["Error"]["Code"]
    return found


def test_the_primary_contact_is_what_was_put(account: Any) -> None:
    assert code(account.get_contact_information) == "ResourceNotFoundException"
    contact = {
        "FullName": "Ada Lovelace",
        "AddressLine1": "1 Engine Street",
        "City": "London",
        "PostalCode": "W1",
        "CountryCode": "GB",
        "PhoneNumber": "+44123456",
    }
    account.put_contact_information(ContactInformation=contact)
    assert account.get_contact_information()["ContactInformation"] == contact


def test_alternate_contacts_by_type(account: Any) -> None:
    given = {
        "Name": "Bob",
        "Title": "CISO",
        "EmailAddress": "bob@example.com",
        "PhoneNumber": "123",
        "AlternateContactType": "SECURITY",
    }
    account.put_alternate_contact(**given)
    got = account.get_alternate_contact(AlternateContactType="SECURITY")
    assert got["AlternateContact"] == given
    assert code(account.get_alternate_contact, AlternateContactType="BILLING") == (
        "ResourceNotFoundException"
    )
    account.delete_alternate_contact(AlternateContactType="SECURITY")
    assert code(account.delete_alternate_contact, AlternateContactType="SECURITY") == (
        "ResourceNotFoundException"
    )


def test_a_region_is_opted_in_to_by_the_clock(account: Any, cloud: LocalCloud) -> None:
    def status(name: str) -> str:
        found: str = account.get_region_opt_status(RegionName=name)["RegionOptStatus"]
        return found

    assert status("us-east-1") == "ENABLED_BY_DEFAULT"
    assert status("eu-south-2") == "DISABLED"
    account.enable_region(RegionName="eu-south-2")
    assert status("eu-south-2") == "ENABLING"
    assert code(account.disable_region, RegionName="eu-south-2") == "ConflictException"
    cloud.advance(61)
    assert status("eu-south-2") == "ENABLED"
    listed = account.list_regions(RegionOptStatusContains=["ENABLED"])["Regions"]
    assert listed == [{"RegionName": "eu-south-2", "RegionOptStatus": "ENABLED"}]
    account.disable_region(RegionName="eu-south-2")
    cloud.advance(61)
    assert status("eu-south-2") == "DISABLED"
    assert code(account.enable_region, RegionName="us-east-1") == "ValidationException"
    assert code(account.enable_region, RegionName="moon-1") == "ValidationException"


def test_regions_come_in_pages(account: Any) -> None:
    first = account.list_regions(MaxResults=30)
    second = account.list_regions(MaxResults=30, NextToken=first["NextToken"])
    names = [region["RegionName"] for region in first["Regions"] + second["Regions"]]
    assert names == sorted(names)
    assert "us-east-1" in names
    assert "NextToken" not in second


def test_an_account_of_nobody_else(account: Any) -> None:
    assert code(account.get_contact_information, AccountId="111111111111") == (
        "AccessDeniedException"
    )


def test_an_account_has_a_name_and_an_age(account: Any, cloud: LocalCloud) -> None:
    first = account.get_account_information()
    assert (first["AccountId"], first["AccountState"]) == ("000000000000", "ACTIVE")
    account.put_account_name(AccountName="Engines")
    cloud.advance(100)
    second = account.get_account_information()
    assert second["AccountName"] == "Engines"
    assert second["AccountCreatedDate"] == first["AccountCreatedDate"]


MANAGEMENT, MEMBER, DELEGATE = "111111111111", "222222222222", "333333333333"


def test_a_name_is_the_same_in_organizations(client: Callable[..., Any]) -> None:
    own = client("account", account=MANAGEMENT)
    assert own.get_account_information()["AccountName"] == f"account-{MANAGEMENT}"
    own.put_account_name(AccountName="Head office")
    org = client("organizations", account=MANAGEMENT)
    org.create_organization(FeatureSet="ALL")
    assert org.describe_account(AccountId=MANAGEMENT)["Account"]["Name"] == "Head office"
    own.put_account_name(AccountName="Headquarters")
    assert org.list_accounts()["Accounts"][0]["Name"] == "Headquarters"
    assert own.get_account_information()["AccountName"] == "Headquarters"


def test_members_are_managed_by_the_management_account_and_its_delegate(
    client: Callable[..., Any],
) -> None:
    org = client("organizations", account=MANAGEMENT)
    org.create_organization(FeatureSet="ALL")
    for member in (MEMBER, DELEGATE):
        sent = org.invite_account_to_organization(Target={"Id": member, "Type": "ACCOUNT"})
        client("organizations", account=member).accept_handshake(
            HandshakeId=sent["Handshake"]["Id"]
        )
    own, delegate = client("account", account=MANAGEMENT), client("account", account=DELEGATE)
    about = {"AccountId": MEMBER}

    def refused(by: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as raised:
            by.get_account_information(**arguments)
        error = raised.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        return str(error["Message"])

    assert "must first enable trusted access with AWS Account" in refused(own, **about)
    org.enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    own.put_account_name(AccountName="Shop", **about)
    assert org.describe_account(AccountId=MEMBER)["Account"]["Name"] == "Shop"
    assert own.get_primary_email(**about)["PrimaryEmail"] == f"root+{MEMBER}@example.com"
    assert refused(delegate, **about)
    org.register_delegated_administrator(
        AccountId=DELEGATE, ServicePrincipal="account.amazonaws.com"
    )
    assert delegate.get_account_information(**about)["AccountName"] == "Shop"
    contact = {
        "Name": "Bob",
        "Title": "CISO",
        "EmailAddress": "bob@example.com",
        "PhoneNumber": "123",
        "AlternateContactType": "SECURITY",
    }
    delegate.put_alternate_contact(**contact, **about)
    member = client("account", account=MEMBER)
    got = member.get_alternate_contact(AlternateContactType="SECURITY")["AlternateContact"]
    assert got == contact
    assert refused(member, AccountId=DELEGATE)
    assert "standalone context" in refused(own, AccountId=MANAGEMENT)
    assert "standalone context" in refused(delegate, AccountId=MANAGEMENT)
    assert refused(own, AccountId="444444444444")
