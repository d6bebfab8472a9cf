"""What the tests of STS share: an OpenID Connect provider, a SAML provider, small helpers."""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mesocosm.services.sts.rules import jwt
from mesocosm.testing.local import LocalCloud

ACCOUNT = "111111111111"
OTHER = "222222222222"
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def refusal(function: Any, **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def document(*statements: dict[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def user(cloud: LocalCloud, *statements: dict[str, Any], account: str = ACCOUNT) -> dict[str, str]:
    """Keys of a new user with an inline policy."""
    iam = cloud.client("iam", account=account)
    iam.create_user(UserName="ann", Tags=[{"Key": "team", "Value": "blue"}])
    if statements:
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}


def role(
    cloud: LocalCloud,
    trust: str,
    *statements: dict[str, Any],
    name: str = "worker",
    **options: Any,
) -> str:
    """A new role with an inline policy; its ARN."""
    iam = cloud.client("iam", account=ACCOUNT)
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **options)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    arn: str = made["Role"]["Arn"]
    return arn


def trusting(account: str = ACCOUNT, *actions: str, **more: Any) -> str:
    """A trust policy for an account."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": account},
            "Action": list(actions) or "sts:AssumeRole",
            **more,
        }
    )


def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """A self-signed certificate of 127.0.0.1 for ten years."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    begins = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )


class Provider:
    """An OpenID Connect provider on a loopback port, with a certificate that nobody signed."""

    def __init__(self, folder: Path) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        shown = certificate(self.rsa)
        self.thumbprint = hashlib.sha1(shown.public_bytes(serialization.Encoding.DER)).hexdigest()
        pem = folder / "server.pem"
        pem.write_bytes(
            self.rsa.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + shown.public_bytes(serialization.Encoding.PEM)
        )
        self.asked: list[str] = []
        self.key_ids: dict[str, jwt.PrivateKey] = {"rsa": self.rsa, "ec": self.ec}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"https://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                body = json.dumps(provider.answers(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answers(self, path: str) -> Any:
        """The documents of the provider."""
        if path == "/keys":
            return {
                "keys": [
                    jwt.public_jwk(
                        key.public_key(), name, "RS256" if name.startswith("rsa") else "ES256"
                    )
                    for name, key in self.key_ids.items()
                ]
            }
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def token(self, now: float, key: str = "rsa", signer: Any = None, **claims: Any) -> str:
        """A token, good for five minutes."""
        said = {
            "iss": self.url,
            "aud": "app",
            "sub": "user:ann",
            "iat": int(now),
            "exp": int(now) + 300,
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        algorithm = "RS256" if key.startswith("rsa") else "ES256"
        return jwt.signed(said, signer or self.key_ids[key], algorithm, key)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Federation:
    """A SAML provider of an account."""

    ENTITY = "https://idp.example.org/saml"

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.certificate = certificate(self.key)
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.metadata = f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
            entityID="{self.ENTITY}"><IDPSSODescriptor
            protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            <KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
            <ds:X509Data><ds:X509Certificate>{base64.b64encode(der).decode()}</ds:X509Certificate>
            </ds:X509Data></ds:KeyInfo></KeyDescriptor>
            <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
            Location="{self.ENTITY}"/></IDPSSODescriptor></EntityDescriptor>
            {"<!-- padding -->" * 60}"""

    def unsigned(self, now: float, attributes: dict[str, str], lifetime: float = 300) -> str:
        """A response about ann; its assertion's id is `_a`, its own `_r`."""

        def at(seconds: float) -> str:
            moment = datetime.datetime.fromtimestamp(now + seconds, datetime.UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

        listed = "".join(
            f'<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/{name}">'
            f"<saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
            for name, value in attributes.items()
        )
        return f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
  xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="{at(0)}">
  <saml:Issuer>{self.ENTITY}</saml:Issuer>
  <samlp:Status><samlp:StatusCode
    Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <saml:Assertion ID="_a" Version="2.0" IssueInstant="{at(0)}">
    <saml:Issuer>{self.ENTITY}</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ann</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData NotOnOrAfter="{at(lifetime)}"
          Recipient="https://signin.aws.amazon.com/saml"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="{at(-5)}" NotOnOrAfter="{at(lifetime)}">
      <saml:AudienceRestriction><saml:Audience>https://signin.aws.amazon.com/saml</saml:Audience>
      </saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AttributeStatement>{listed}</saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>"""

    def encrypted(self, text: str, key: Any, gcm: bool = True) -> str:
        """The response (plain text) with its assertion encrypted for the owner of an RSA key."""
        from lxml import etree

        root = etree.fromstring(text.encode())
        assertion = root.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
        content, secret, start = etree.tostring(assertion), bytes(range(32)), bytes(range(16))
        if gcm:
            data = start[:12] + AESGCM(secret).encrypt(start[:12], content, None)
            method = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
            oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), None)
            digest = '<d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        else:
            rest = 16 - len(content) % 16
            cipher = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
            data = start + cipher.update(content + bytes(rest - 1) + bytes([rest]))
            method, digest = "http://www.w3.org/2001/04/xmlenc#aes256-cbc", ""
            oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        wrapped = key.public_key().encrypt(secret, oaep)

        def value(held: bytes) -> str:
            text = base64.b64encode(held).decode()
            return f"<x:CipherData><x:CipherValue>{text}</x:CipherValue></x:CipherData>"

        sealed = f"""<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
  xmlns:x="http://www.w3.org/2001/04/xmlenc#" xmlns:d="http://www.w3.org/2000/09/xmldsig#">
  <x:EncryptedData><x:EncryptionMethod Algorithm="{method}"/><d:KeyInfo><x:EncryptedKey>
  <x:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">{digest}
  </x:EncryptionMethod>{value(wrapped)}</x:EncryptedKey></d:KeyInfo>{value(data)}
  </x:EncryptedData></saml:EncryptedAssertion>"""
        root.replace(assertion, etree.fromstring(sealed))
        return str(etree.tostring(root).decode())

    def signed(self, text: str, name: str = "_a", key: Any = None) -> str:
        """The response with the element of that id signed by another implementation than ours."""
        from lxml import etree
        from signxml import methods
        from signxml.algorithms import CanonicalizationMethod
        from signxml.signer import XMLSigner

        root = etree.fromstring(text.encode())
        element = next(one for one in root.iter() if one.get("ID") == name)
        signer = XMLSigner(
            method=methods.enveloped,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        made = signer.sign(
            element, key=key or self.key, cert=[self.certificate], reference_uri=f"#{name}"
        )
        if element is root:
            root = made
        else:
            element.getparent().replace(element, made)
        return base64.b64encode(etree.tostring(root)).decode()
