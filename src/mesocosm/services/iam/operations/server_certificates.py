"""Server certificates: checked against their private key, never giving it away."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources import arns
from mesocosm.services.iam.resources.certificates import ServerCertificate, server_certificates
from mesocosm.services.iam.rules import certificates, quotas, tags
from mesocosm.wire.errors import AwsError

KIND = "server-certificate"
_new = common.made(KIND, "server_certificate_name")


def _named(call: Call, request: Any) -> str:
    row = call.rows(server_certificates).get(request.server_certificate_name.lower())
    if row is not None:
        return arns.arn_of(call.account, KIND, row)
    return call.arn(f"{KIND}/{request.server_certificate_name}")


def _certificate(call: Call, name: str) -> ServerCertificate:
    found = call.rows(server_certificates).get(name.lower())
    if found is None:
        raise common.missing(f"The Server Certificate with name {name} cannot be found.")
    return found


def _save(call: Call, row: ServerCertificate) -> None:
    call.rows(server_certificates)[row.name.lower()] = row


def _shape(call: Call, row: ServerCertificate) -> api.ServerCertificateMetadata:
    return api.ServerCertificateMetadata(
        path=row.path,
        server_certificate_name=row.name,
        server_certificate_id=row.id,
        arn=arns.arn_of(call.account, KIND, row),
        upload_date=row.uploaded,
        expiration=row.expires,
    )


@iam.operation(
    "UploadServerCertificate",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagServerCertificate", _new),
    hide=("PrivateKey",),
)
def upload_server_certificate(
    call: Call, request: api.UploadServerCertificateRequest
) -> api.UploadServerCertificateResponse:
    """Keep a certificate with its private key and chain."""
    cell, name = call.rows(server_certificates), request.server_certificate_name
    if name.lower() in cell:
        raise common.exists(f"The Server Certificate with name {name} already exists.")
    quotas.limit("ServerCertificatesPerAccount", len(cell), quotas.SERVER_CERTIFICATES)
    parsed = certificates.certificate(request.certificate_body)
    if certificates.public_key_of(request.private_key) != parsed.public_key:
        raise AwsError("KeyPairMismatch", "Private key and certificate do not match.")
    if request.certificate_chain is not None:
        certificates.checked_chain(request.certificate_chain)
    row = ServerCertificate(
        name=name,
        id=common.unique(call, "ASCA"),
        path=request.path or "/",
        uploaded=common.instant(call),
        expires=parsed.expires,
        body=request.certificate_body.strip(),  # as AWS gives it back
        private_key=request.private_key,
        chain=request.certificate_chain and request.certificate_chain.strip(),
        tags=tags.checked(request.tags),
    )
    _save(call, row)
    return api.UploadServerCertificateResponse(
        server_certificate_metadata=_shape(call, row),
        tags=common.tag_list(row.tags) if row.tags else None,
    )


@iam.operation("GetServerCertificate", resource=_named)
def get_server_certificate(
    call: Call, request: api.GetServerCertificateRequest
) -> api.GetServerCertificateResponse:
    """A certificate with its chain."""
    row = _certificate(call, request.server_certificate_name)
    return api.GetServerCertificateResponse(
        server_certificate=api.ServerCertificate(
            server_certificate_metadata=_shape(call, row),
            certificate_body=row.body,
            certificate_chain=row.chain,
            tags=common.tag_list(row.tags) if row.tags else None,
        )
    )


@iam.operation("ListServerCertificates", resource=lambda call, _: "*")
def list_server_certificates(
    call: Call, request: api.ListServerCertificatesRequest
) -> api.ListServerCertificatesResponse:
    """The certificates below a path."""
    cell = call.rows(server_certificates)
    found = [row for row in cell.values() if common.under(row.path, request.path_prefix)]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListServerCertificatesResponse(
        server_certificate_metadata_list=[_shape(call, row) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("UpdateServerCertificate", resource=_named)
def update_server_certificate(call: Call, request: api.UpdateServerCertificateRequest) -> None:
    """Rename or move a certificate."""
    row, cell = _certificate(call, request.server_certificate_name), call.rows(server_certificates)
    name = request.new_server_certificate_name or row.name
    if name.lower() != row.name.lower():
        if name.lower() in cell:
            raise common.exists(f"The Server Certificate with name {name} already exists.")
        del cell[row.name.lower()]
    _save(call, replace(row, name=name, path=request.new_path or row.path))


@iam.operation("DeleteServerCertificate", resource=_named)
def delete_server_certificate(call: Call, request: api.DeleteServerCertificateRequest) -> None:
    """Delete a certificate."""
    row = _certificate(call, request.server_certificate_name)
    del call.rows(server_certificates)[row.name.lower()]


@iam.operation(
    "TagServerCertificate", resource=_named, tags=lambda request: tags.given(request.tags)
)
def tag_server_certificate(call: Call, request: api.TagServerCertificateRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = _certificate(call, request.server_certificate_name)
    _save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@iam.operation(
    "UntagServerCertificate",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_server_certificate(call: Call, request: api.UntagServerCertificateRequest) -> None:
    """Remove tags."""
    row = _certificate(call, request.server_certificate_name)
    _save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@iam.operation("ListServerCertificateTags", resource=_named)
def list_server_certificate_tags(
    call: Call, request: api.ListServerCertificateTagsRequest
) -> api.ListServerCertificateTagsResponse:
    """A certificate's tags."""
    row = _certificate(call, request.server_certificate_name)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key)
    return api.ListServerCertificateTagsResponse(
        tags=found, is_truncated=marker is not None, marker=marker
    )
