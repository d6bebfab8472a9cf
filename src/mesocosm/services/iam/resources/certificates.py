"""Server certificates and identity providers."""

from __future__ import annotations

import msgspec

from mesocosm.world import Table


class ServerCertificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A certificate for load balancers and the like. `private_key` is PEM and is never given
    away."""

    name: str
    id: str
    path: str
    uploaded: float
    expires: float
    body: str
    private_key: str
    chain: str | None = None
    tags: dict[str, str] = {}


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OpenID Connect provider; its key is `url` without the scheme, which is also the end of
    its ARN."""

    url: str
    created: float
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: dict[str, str] = {}


class SamlKey(msgspec.Struct, frozen=True, kw_only=True):
    """A private key with which encrypted assertions are read (PEM; never given away)."""

    id: str
    pem: str
    added: float


class SamlProvider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A SAML provider with its metadata document."""

    name: str
    uuid: str
    created: float
    metadata: str
    valid_until: float
    encryption: str | None = None
    keys: tuple[SamlKey, ...] = ()
    tags: dict[str, str] = {}


server_certificates = Table("iam.server_certificates", ServerCertificate)
oidc_providers = Table("iam.oidc_providers", OidcProvider)
saml_providers = Table("iam.saml_providers", SamlProvider)
