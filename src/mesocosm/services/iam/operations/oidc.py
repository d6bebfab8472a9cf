"""OpenID Connect providers that roles may trust."""

from __future__ import annotations

import re

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources.certificates import OidcProvider, oidc_providers
from mesocosm.services.iam.rules import quotas, tags
from mesocosm.wire.errors import AwsError

MEMBER = "open_id_connect_provider_arn"
THUMBPRINTS_MAX = 5
_URL = re.compile(r"https://([\w.-]+(:\d+)?(/[^?#\s]*)?)")
_HEX = re.compile(r"[0-9a-fA-F]{40}")
_named = common.given_arn(MEMBER)


def _new(call: Call, request: api.CreateOpenIDConnectProviderRequest) -> str:
    return call.arn(f"oidc-provider/{request.url.removeprefix('https://').rstrip('/')}")


def _provider(call: Call, arn: str) -> OidcProvider:
    prefix = call.arn("oidc-provider/")
    found = call.rows(oidc_providers).get(arn.removeprefix(prefix))
    if found is None or not arn.startswith(prefix):
        raise common.missing(f"OpenIDConnect Provider not found for arn {arn}")
    return found


def _save(call: Call, row: OidcProvider) -> None:
    call.rows(oidc_providers)[row.url] = row


def _client_ids(given: list[str] | None) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(given or ()))
    if len(found) > quotas.CLIENT_IDS_PER_PROVIDER:
        raise AwsError(
            "LimitExceeded",
            f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: "
            f"{quotas.CLIENT_IDS_PER_PROVIDER}",
        )
    return found


def _thumbprints(given: list[str] | None) -> tuple[str, ...]:
    found = tuple(given or ())
    if len(found) > THUMBPRINTS_MAX:
        raise AwsError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    if not all(_HEX.fullmatch(text) for text in found):
        raise AwsError("InvalidInput", "Thumbprints must be 40 hexadecimal digits.")
    return found


@iam.operation(
    "CreateOpenIDConnectProvider",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagOpenIDConnectProvider", _new),
)
def create_open_id_connect_provider(
    call: Call, request: api.CreateOpenIDConnectProviderRequest
) -> api.CreateOpenIDConnectProviderResponse:
    """Make a provider. Without thumbprints none are kept: nothing is fetched from the provider."""
    found, cell = _URL.fullmatch(request.url), call.rows(oidc_providers)
    if found is None:
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL")
    url = found[1].rstrip("/")
    if url in cell:
        raise common.exists(f"Provider with url {request.url} already exists.")
    quotas.limit("OpenIdConnectProvidersPerAccount", len(cell), quotas.OIDC_PROVIDERS)
    row = OidcProvider(
        url=url,
        created=common.instant(call),
        client_ids=_client_ids(request.client_id_list),
        thumbprints=_thumbprints(request.thumbprint_list),
        tags=tags.checked(request.tags),
    )
    _save(call, row)
    return api.CreateOpenIDConnectProviderResponse(
        open_id_connect_provider_arn=call.arn(f"oidc-provider/{url}"),
        tags=common.tag_list(row.tags) if row.tags else None,
    )


@iam.operation("GetOpenIDConnectProvider", resource=_named)
def get_open_id_connect_provider(
    call: Call, request: api.GetOpenIDConnectProviderRequest
) -> api.GetOpenIDConnectProviderResponse:
    """One provider."""
    row = _provider(call, request.open_id_connect_provider_arn)
    return api.GetOpenIDConnectProviderResponse(
        url=row.url,
        client_id_list=list(row.client_ids),
        thumbprint_list=list(row.thumbprints),
        create_date=row.created,
        tags=common.tag_list(row.tags),
    )


@iam.operation("ListOpenIDConnectProviders")
def list_open_id_connect_providers(
    call: Call, request: object
) -> api.ListOpenIDConnectProvidersResponse:
    """All providers."""
    return api.ListOpenIDConnectProvidersResponse(
        open_id_connect_provider_list=[
            api.OpenIDConnectProviderListEntry(arn=call.arn(f"oidc-provider/{url}"))
            for url in sorted(call.rows(oidc_providers))
        ]
    )


@iam.operation("DeleteOpenIDConnectProvider", resource=_named)
def delete_open_id_connect_provider(
    call: Call, request: api.DeleteOpenIDConnectProviderRequest
) -> None:
    """Delete a provider: roles that trust it can no longer be assumed through it."""
    row = _provider(call, request.open_id_connect_provider_arn)
    del call.rows(oidc_providers)[row.url]


@iam.operation("AddClientIDToOpenIDConnectProvider", resource=_named)
def add_client_id(call: Call, request: api.AddClientIDToOpenIDConnectProviderRequest) -> None:
    """Add an audience; nothing changes if it is there."""
    row = _provider(call, request.open_id_connect_provider_arn)
    _save(call, replace(row, client_ids=_client_ids([*row.client_ids, request.client_id])))


@iam.operation("RemoveClientIDFromOpenIDConnectProvider", resource=_named)
def remove_client_id(
    call: Call, request: api.RemoveClientIDFromOpenIDConnectProviderRequest
) -> None:
    """Remove an audience; nothing changes if it is not there."""
    row = _provider(call, request.open_id_connect_provider_arn)
    kept = tuple(name for name in row.client_ids if name != request.client_id)
    _save(call, replace(row, client_ids=kept))


@iam.operation("UpdateOpenIDConnectProviderThumbprint", resource=_named)
def update_thumbprint(
    call: Call, request: api.UpdateOpenIDConnectProviderThumbprintRequest
) -> None:
    """Replace the thumbprints."""
    row = _provider(call, request.open_id_connect_provider_arn)
    _save(call, replace(row, thumbprints=_thumbprints(request.thumbprint_list)))


@iam.operation(
    "TagOpenIDConnectProvider", resource=_named, tags=lambda request: tags.given(request.tags)
)
def tag_open_id_connect_provider(call: Call, request: api.TagOpenIDConnectProviderRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = _provider(call, request.open_id_connect_provider_arn)
    _save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@iam.operation(
    "UntagOpenIDConnectProvider",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_open_id_connect_provider(
    call: Call, request: api.UntagOpenIDConnectProviderRequest
) -> None:
    """Remove tags."""
    row = _provider(call, request.open_id_connect_provider_arn)
    _save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@iam.operation("ListOpenIDConnectProviderTags", resource=_named)
def list_open_id_connect_provider_tags(
    call: Call, request: api.ListOpenIDConnectProviderTagsRequest
) -> api.ListOpenIDConnectProviderTagsResponse:
    """A provider's tags."""
    row = _provider(call, request.open_id_connect_provider_arn)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key)
    return api.ListOpenIDConnectProviderTagsResponse(
        tags=found, is_truncated=marker is not None, marker=marker
    )
