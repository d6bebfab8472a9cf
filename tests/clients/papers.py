"""Keys, certificates and roles that configurations need and cannot make themselves."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mesocosm.testing.local import LocalCloud

SAML = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp/x"'
    ' validUntil="2050-01-01T00:00:00Z"><!--' + "x" * 1000 + "-->"
    '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>'
    "</EntityDescriptor>"
)


def write(folder: Path) -> None:
    """certificate.pem, key.pem, ssh.pub and saml.xml."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2049, 1, 1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    ssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "ssh.pub").write_bytes(key.public_key().public_bytes(*ssh))
    (folder / "saml.xml").write_text(SAML)


def assumable(cloud: LocalCloud, home: str, away: str) -> tuple[dict[str, str], str]:
    """A user's key in one account, and a role of another that the user may assume (external id
    shop).

    The role may do everything with IAM and SQS.
    """
    here, there = cloud.client("iam", account=home), cloud.client("iam", account=away)
    user = here.create_user(UserName="deployer")["User"]["Arn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": user},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "shop"}},
    }
    role = there.create_role(RoleName="deploy", AssumeRolePolicyDocument=document(trust))
    arn: str = role["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": ["iam:*", "sqs:*", "ec2:Describe*"], "Resource": "*"}
    there.put_role_policy(RoleName="deploy", PolicyName="may", PolicyDocument=document(may))
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    here.put_user_policy(UserName="deployer", PolicyName="may", PolicyDocument=document(may))
    key = here.create_access_key(UserName="deployer")["AccessKey"]
    here.close()
    there.close()
    return {name: key[name] for name in ("AccessKeyId", "SecretAccessKey")}, arn


def document(*statements: object) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
