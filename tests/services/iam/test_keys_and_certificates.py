"""SSH keys, signing and server certificates, credentials for single services."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.services.iam.support import ARN, refusal

from mesocosm.testing.local import LocalCloud


class Made(NamedTuple):
    """A key with a certificate of its own."""

    certificate: str
    key: str
    ssh: str
    public: str


def make() -> Made:
    """A new RSA key and a certificate that it signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2090, 1, 1))
        .sign(key, hashes.SHA256())
    )
    public = key.public_key()
    pem = serialization.Encoding.PEM
    return Made(
        certificate.public_bytes(pem).decode(),
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        public.public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        ).decode(),
        public.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
    )


@pytest.fixture(scope="module")
def pair() -> Made:
    return make()


def test_ssh_keys_are_given_in_both_encodings(iam: Any, pair: Made) -> None:
    iam.create_user(UserName="u")
    made = iam.upload_ssh_public_key(UserName="u", SSHPublicKeyBody=pair.ssh)["SSHPublicKey"]
    assert made["SSHPublicKeyId"].startswith("APKA")
    assert len(made["Fingerprint"]) == 47
    which = {"UserName": "u", "SSHPublicKeyId": made["SSHPublicKeyId"]}
    found = iam.get_ssh_public_key(**which, Encoding="PEM")["SSHPublicKey"]
    assert found["SSHPublicKeyBody"] == pair.public
    again = {"UserName": "u", "SSHPublicKeyBody": pair.public}
    assert refusal(iam.upload_ssh_public_key, **again)[0] == "DuplicateSSHPublicKey"
    wrong = {"UserName": "u", "SSHPublicKeyBody": "ssh-rsa nonsense"}
    assert refusal(iam.upload_ssh_public_key, **wrong)[0] == "InvalidPublicKey"
    iam.update_ssh_public_key(**which, Status="Inactive")
    assert iam.list_ssh_public_keys(UserName="u")["SSHPublicKeys"][0]["Status"] == "Inactive"
    iam.delete_ssh_public_key(**which)
    assert refusal(iam.delete_ssh_public_key, **which)[0] == "NoSuchEntity"


def test_signing_certificates(iam: Any, pair: Made) -> None:
    iam.create_user(UserName="u")
    made = iam.upload_signing_certificate(UserName="u", CertificateBody=pair.certificate)
    row = made["Certificate"]
    assert len(row["CertificateId"]) == 32
    again = {"UserName": "u", "CertificateBody": pair.certificate}
    assert refusal(iam.upload_signing_certificate, **again)[0] == "DuplicateCertificate"
    wrong = {"UserName": "u", "CertificateBody": "nonsense"}
    assert refusal(iam.upload_signing_certificate, **wrong)[0] == "MalformedCertificate"
    which = {"UserName": "u", "CertificateId": row["CertificateId"]}
    iam.update_signing_certificate(**which, Status="Inactive")
    listed = iam.list_signing_certificates(UserName="u")["Certificates"]
    assert [entry["Status"] for entry in listed] == ["Inactive"]
    iam.delete_signing_certificate(**which)


def test_a_server_certificate_goes_with_its_key_and_never_gives_it_away(
    cloud: LocalCloud, iam: Any, pair: Made
) -> None:
    other = make()
    name = {"ServerCertificateName": "C", "CertificateBody": pair.certificate}
    assert refusal(iam.upload_server_certificate, **name, PrivateKey=other.key)[0] == (
        "KeyPairMismatch"
    )
    made = iam.upload_server_certificate(
        **name, PrivateKey=pair.key, CertificateChain=other.certificate, Path="/cloudfront/"
    )["ServerCertificateMetadata"]
    assert made["Arn"] == f"{ARN}:server-certificate/cloudfront/C"
    assert made["ServerCertificateId"].startswith("ASCA")
    assert made["Expiration"].year == 2090
    found = iam.get_server_certificate(ServerCertificateName="C")["ServerCertificate"]
    assert found["CertificateBody"] == pair.certificate.strip()
    assert found["CertificateChain"] == other.certificate.strip()
    records = cloud.do(lambda: list(cloud.cloud.calls))
    assert not any(b"PRIVATE KEY" in bytes(record.request) for record in records)
    iam.update_server_certificate(ServerCertificateName="C", NewServerCertificateName="D")
    assert refusal(iam.get_server_certificate, ServerCertificateName="C") == (
        "NoSuchEntity",
        "The Server Certificate with name C cannot be found.",
    )
    tags = [{"Key": "a", "Value": "b"}]
    iam.tag_server_certificate(ServerCertificateName="D", Tags=tags)
    assert iam.list_server_certificate_tags(ServerCertificateName="D")["Tags"] == tags
    listed = iam.list_server_certificates(PathPrefix="/cloudfront/")
    assert len(listed["ServerCertificateMetadataList"]) == 1
    iam.untag_server_certificate(ServerCertificateName="D", TagKeys=["a"])
    iam.delete_server_certificate(ServerCertificateName="D")


def test_credentials_for_one_service(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    service = {"UserName": "u", "ServiceName": "codecommit.amazonaws.com"}
    made = iam.create_service_specific_credential(**service)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == "u-at-111111111111"
    second = iam.create_service_specific_credential(**service)["ServiceSpecificCredential"]
    assert second["ServiceUserName"] == "u+1-at-111111111111"
    assert refusal(iam.create_service_specific_credential, **service)[0] == "LimitExceeded"
    which = {"UserName": "u", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    reset = iam.reset_service_specific_credential(**which)["ServiceSpecificCredential"]
    assert reset["ServicePassword"] != made["ServicePassword"]
    iam.update_service_specific_credential(**which, Status="Inactive")
    listed = iam.list_service_specific_credentials(**service)["ServiceSpecificCredentials"]
    assert sorted(row["Status"] for row in listed) == ["Active", "Inactive"]
    assert "ServicePassword" not in listed[0]
    iam.delete_service_specific_credential(**which)
    assert refusal(iam.delete_service_specific_credential, **which)[0] == "NoSuchEntity"
    unknown = {"UserName": "u", "ServiceName": "s3.amazonaws.com"}
    assert refusal(iam.create_service_specific_credential, **unknown)[0] == "NotSupportedService"


def test_an_api_key_expires_by_the_clock(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    made = iam.create_service_specific_credential(
        UserName="u", ServiceName="bedrock.amazonaws.com", CredentialAgeDays=2
    )["ServiceSpecificCredential"]
    assert made["ServiceCredentialSecret"].startswith("ABSK")
    cloud.advance(2 * 86_400 + 1)
    (listed,) = iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
    assert listed["Status"] == "Expired"
