"""SAML providers that roles may trust."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources.certificates import SamlKey, SamlProvider, saml_providers
from mesocosm.services.iam.rules import certificates, metadata, quotas, tags
from mesocosm.wire.errors import AwsError

KEYS_MAX = 2
_named = common.given_arn("saml_provider_arn")


def _new(call: Call, request: api.CreateSAMLProviderRequest) -> str:
    return call.arn(f"saml-provider/{request.name}")


def _provider(call: Call, arn: str) -> SamlProvider:
    prefix = call.arn("saml-provider/")
    found = call.rows(saml_providers).get(arn.removeprefix(prefix))
    if found is None or not arn.startswith(prefix):
        raise common.missing(f"Manifest not found for arn {arn}")
    return found


def _save(call: Call, row: SamlProvider) -> None:
    call.rows(saml_providers)[row.name] = row


def _with_key(call: Call, row: SamlProvider, pem: str | None) -> SamlProvider:
    if pem is None:
        return row
    certificates.public_key_of(pem)
    if len(row.keys) >= KEYS_MAX:
        raise AwsError(
            "LimitExceeded", f"Cannot exceed quota for PrivateKeysPerSAMLProvider: {KEYS_MAX}"
        )
    added = SamlKey(id=call.ids.upper(32), pem=pem, added=call.now)
    return replace(row, keys=(*row.keys, added))


def _checked_encryption(row: SamlProvider) -> SamlProvider:
    if row.encryption == "Required" and not row.keys:
        raise AwsError("InvalidInput", "A private key is needed when encryption is required.")
    return row


@iam.operation(
    "CreateSAMLProvider",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagSAMLProvider", _new),
)
def create_saml_provider(
    call: Call, request: api.CreateSAMLProviderRequest
) -> api.CreateSAMLProviderResponse:
    """Make a provider from its metadata document."""
    cell = call.rows(saml_providers)
    if request.name in cell:
        raise common.exists(f"SAMLProvider with name {request.name} already exists.")
    quotas.limit("SAMLProvidersPerAccount", len(cell), quotas.SAML_PROVIDERS)
    row = SamlProvider(
        name=request.name,
        uuid=call.ids.upper(32),
        created=common.instant(call),
        metadata=request.saml_metadata_document,
        valid_until=metadata.valid_until(request.saml_metadata_document, call.now),
        encryption=request.assertion_encryption_mode,
        tags=tags.checked(request.tags),
    )
    row = _checked_encryption(_with_key(call, row, request.add_private_key))
    _save(call, row)
    return api.CreateSAMLProviderResponse(
        saml_provider_arn=_new(call, request),
        tags=common.tag_list(row.tags) if row.tags else None,
    )


@iam.operation("GetSAMLProvider", resource=_named)
def get_saml_provider(
    call: Call, request: api.GetSAMLProviderRequest
) -> api.GetSAMLProviderResponse:
    """One provider with its metadata."""
    row = _provider(call, request.saml_provider_arn)
    return api.GetSAMLProviderResponse(
        saml_provider_uuid=row.uuid,
        saml_metadata_document=row.metadata,
        create_date=row.created,
        valid_until=row.valid_until,
        tags=common.tag_list(row.tags),
        assertion_encryption_mode=row.encryption,
        private_key_list=[
            api.SAMLPrivateKey(key_id=key.id, timestamp=key.added) for key in row.keys
        ]
        or None,
    )


@iam.operation("UpdateSAMLProvider", resource=_named)
def update_saml_provider(
    call: Call, request: api.UpdateSAMLProviderRequest
) -> api.UpdateSAMLProviderResponse:
    """Replace the metadata, the encryption mode, or one of the private keys."""
    row = _provider(call, request.saml_provider_arn)
    if request.saml_metadata_document is not None:
        row = replace(
            row,
            metadata=request.saml_metadata_document,
            valid_until=metadata.valid_until(request.saml_metadata_document, call.now),
        )
    if request.remove_private_key is not None:
        kept = tuple(key for key in row.keys if key.id != request.remove_private_key)
        if len(kept) == len(row.keys):
            raise common.missing(f"The private key {request.remove_private_key} cannot be found.")
        row = replace(row, keys=kept)
    row = _with_key(call, row, request.add_private_key)
    if request.assertion_encryption_mode is not None:
        row = replace(row, encryption=request.assertion_encryption_mode)
    _save(call, _checked_encryption(row))
    return api.UpdateSAMLProviderResponse(saml_provider_arn=request.saml_provider_arn)


@iam.operation("ListSAMLProviders")
def list_saml_providers(call: Call, request: object) -> api.ListSAMLProvidersResponse:
    """All providers."""
    cell = call.rows(saml_providers)
    return api.ListSAMLProvidersResponse(
        saml_provider_list=[
            api.SAMLProviderListEntry(
                arn=call.arn(f"saml-provider/{name}"),
                valid_until=cell[name].valid_until,
                create_date=cell[name].created,
            )
            for name in sorted(cell)
        ]
    )


@iam.operation("DeleteSAMLProvider", resource=_named)
def delete_saml_provider(call: Call, request: api.DeleteSAMLProviderRequest) -> None:
    """Delete a provider: roles that trust it can no longer be assumed through it."""
    row = _provider(call, request.saml_provider_arn)
    del call.rows(saml_providers)[row.name]


@iam.operation("TagSAMLProvider", resource=_named, tags=lambda request: tags.given(request.tags))
def tag_saml_provider(call: Call, request: api.TagSAMLProviderRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = _provider(call, request.saml_provider_arn)
    _save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@iam.operation(
    "UntagSAMLProvider",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_saml_provider(call: Call, request: api.UntagSAMLProviderRequest) -> None:
    """Remove tags."""
    row = _provider(call, request.saml_provider_arn)
    _save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@iam.operation("ListSAMLProviderTags", resource=_named)
def list_saml_provider_tags(
    call: Call, request: api.ListSAMLProviderTagsRequest
) -> api.ListSAMLProviderTagsResponse:
    """A provider's tags."""
    row = _provider(call, request.saml_provider_arn)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key)
    return api.ListSAMLProviderTagsResponse(
        tags=found, is_truncated=marker is not None, marker=marker
    )
