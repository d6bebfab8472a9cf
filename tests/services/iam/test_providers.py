"""OpenID Connect and SAML providers."""

from __future__ import annotations

from typing import Any

from tests.services.iam.support import ARN, refusal

THUMB = "a" * 40
METADATA = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp/x"'
    ' validUntil="2050-01-01T00:00:00Z"><!--' + "x" * 1000 + "-->"
    '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>'
    "</EntityDescriptor>"
)


def test_an_oidc_provider_is_known_by_its_url(iam: Any) -> None:
    made = iam.create_open_id_connect_provider(
        Url="https://token.example.com/x", ClientIDList=["a"], ThumbprintList=[THUMB]
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"{ARN}:oidc-provider/token.example.com/x"
    which = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(**which, ClientID="b")
    iam.add_client_id_to_open_id_connect_provider(**which, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(**which, ClientID="a")
    iam.update_open_id_connect_provider_thumbprint(**which, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(**which, Tags=[{"Key": "k", "Value": "v"}])
    found = iam.get_open_id_connect_provider(**which)
    assert (found["Url"], found["ClientIDList"]) == ("token.example.com/x", ["b"])
    assert found["ThumbprintList"] == ["b" * 40]
    assert found["Tags"] == iam.list_open_id_connect_provider_tags(**which)["Tags"]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    again = {"Url": "https://token.example.com/x"}
    assert refusal(iam.create_open_id_connect_provider, **again) == (
        "EntityAlreadyExists",
        "Provider with url https://token.example.com/x already exists.",
    )
    plain = {"Url": "http://token.example.com"}
    assert refusal(iam.create_open_id_connect_provider, **plain)[0] == "ValidationError"
    iam.untag_open_id_connect_provider(**which, TagKeys=["k"])
    iam.delete_open_id_connect_provider(**which)
    assert refusal(iam.get_open_id_connect_provider, **which) == (
        "NoSuchEntity",
        f"OpenIDConnect Provider not found for arn {arn}",
    )


def test_a_saml_provider_is_made_from_its_metadata(iam: Any) -> None:
    arn = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=METADATA)["SAMLProviderArn"]
    assert arn == f"{ARN}:saml-provider/idp"
    found = iam.get_saml_provider(SAMLProviderArn=arn)
    assert found["ValidUntil"].year == 2050
    assert found["SAMLMetadataDocument"] == METADATA
    changed = METADATA.replace("2050", "2060")
    iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=changed)
    assert iam.list_saml_providers()["SAMLProviderList"][0]["ValidUntil"].year == 2060
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"][0]["Value"] == "v"
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["k"])
    iam.delete_saml_provider(SAMLProviderArn=arn)
    assert refusal(iam.get_saml_provider, SAMLProviderArn=arn)[0] == "NoSuchEntity"


def test_metadata_that_cannot_be_read_or_would_explode_is_refused(iam: Any) -> None:
    for document in ("x" * 1000, "<!DOCTYPE a [<!ENTITY b 'c'>]>" + METADATA):
        assert refusal(iam.create_saml_provider, Name="i", SAMLMetadataDocument=document) == (
            "InvalidInput",
            "Could not parse metadata",
        )
    old = METADATA.replace("2050", "2001")
    assert refusal(iam.create_saml_provider, Name="i", SAMLMetadataDocument=old)[0] == (
        "InvalidInput"
    )
