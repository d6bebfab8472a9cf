"""SSH public keys and X.509 signing certificates of users."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.access_keys import owner
from mesocosm.services.iam.operations.common import in_order, on
from mesocosm.services.iam.resources.credentials import (
    SigningCertificate,
    SshKey,
    signing_by_user,
    signing_certificates,
    ssh_by_user,
    ssh_keys,
)
from mesocosm.services.iam.rules import certificates, quotas
from mesocosm.wire.errors import AwsError


def _status(active: bool) -> str:
    return "Active" if active else "Inactive"


def _active(status: str) -> bool:
    if status not in ("Active", "Inactive"):
        raise AwsError("InvalidInput", f"Status {status} is not valid.")
    return status == "Active"


# -- SSH


def _ssh(call: Call, user: str | None, key: str) -> tuple[SshKey, str]:
    """A key of a user, and the user's name."""
    row = call.rows(ssh_keys).get(key)
    found = common.user(call, user)
    if row is None or row.user != found.name.lower():
        raise common.missing(f"The Public Key with id {key} cannot be found.")
    return row, found.name


@on("user", "UploadSSHPublicKey")
def upload_ssh_public_key(
    call: Call, request: api.UploadSSHPublicKeyRequest
) -> api.UploadSSHPublicKeyResponse:
    """Keep a user's SSH public key (for CodeCommit)."""
    user, cell = common.user(call, request.user_name), call.rows(ssh_keys)
    parsed = certificates.ssh_key(request.ssh_public_key_body)
    held = [cell[key] for key in cell.find(ssh_by_user, user.name.lower())]
    if any(row.fingerprint == parsed.fingerprint for row in held):
        raise AwsError(
            "DuplicateSSHPublicKey",
            "The SSH public key is already associated with the specified IAM user.",
        )
    quotas.limit("SSHPublicKeysPerUser", len(held), quotas.SSH_KEYS_PER_USER)
    row = SshKey(
        id="APKA" + call.ids.upper(16),
        user=user.name.lower(),
        body=request.ssh_public_key_body,
        fingerprint=parsed.fingerprint,
        uploaded=common.instant(call),
    )
    cell[row.id] = row
    return api.UploadSSHPublicKeyResponse(ssh_public_key=_ssh_shape(row, user.name, row.body))


def _ssh_shape(row: SshKey, name: str, body: str) -> api.SSHPublicKey:
    return api.SSHPublicKey(
        user_name=name,
        ssh_public_key_id=row.id,
        fingerprint=row.fingerprint,
        ssh_public_key_body=body,
        status=_status(row.active),
        upload_date=row.uploaded,
    )


@on("user", "GetSSHPublicKey")
def get_ssh_public_key(
    call: Call, request: api.GetSSHPublicKeyRequest
) -> api.GetSSHPublicKeyResponse:
    """A key in the encoding asked for."""
    row, name = _ssh(call, request.user_name, request.ssh_public_key_id)
    parsed = certificates.ssh_key(row.body)
    if request.encoding not in ("SSH", "PEM"):
        raise AwsError("UnrecognizedPublicKeyEncoding", "The encoding has to be SSH or PEM.")
    body = parsed.ssh if request.encoding == "SSH" else parsed.pem
    return api.GetSSHPublicKeyResponse(ssh_public_key=_ssh_shape(row, name, body))


@on("user", "ListSSHPublicKeys")
def list_ssh_public_keys(
    call: Call, request: api.ListSSHPublicKeysRequest
) -> api.ListSSHPublicKeysResponse:
    """The keys of a user."""
    user, name = owner(call, request.user_name)
    cell = call.rows(ssh_keys)
    found = [cell[key] for key in cell.find(ssh_by_user, user)]
    chosen, marker = in_order(request, found)
    return api.ListSSHPublicKeysResponse(
        ssh_public_keys=[
            api.SSHPublicKeyMetadata(
                user_name=name,
                ssh_public_key_id=row.id,
                status=_status(row.active),
                upload_date=row.uploaded,
            )
            for row in chosen
        ],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "UpdateSSHPublicKey")
def update_ssh_public_key(call: Call, request: api.UpdateSSHPublicKeyRequest) -> None:
    """Switch a key on or off."""
    row, _ = _ssh(call, request.user_name, request.ssh_public_key_id)
    call.rows(ssh_keys)[row.id] = replace(row, active=_active(request.status))


@on("user", "DeleteSSHPublicKey")
def delete_ssh_public_key(call: Call, request: api.DeleteSSHPublicKeyRequest) -> None:
    """Delete a key."""
    row, _ = _ssh(call, request.user_name, request.ssh_public_key_id)
    del call.rows(ssh_keys)[row.id]


# -- signing certificates


def _signing(call: Call, user: str | None, key: str) -> SigningCertificate:
    row = call.rows(signing_certificates).get(key)
    if row is None or row.user != owner(call, user)[0]:
        raise common.missing(f"The Certificate with id {key} cannot be found.")
    return row


def _signing_shape(row: SigningCertificate, name: str) -> api.SigningCertificate:
    return api.SigningCertificate(
        user_name=name,
        certificate_id=row.id,
        certificate_body=row.body,
        status=_status(row.active),
        upload_date=row.uploaded,
    )


@on("user", "UploadSigningCertificate")
def upload_signing_certificate(
    call: Call, request: api.UploadSigningCertificateRequest
) -> api.UploadSigningCertificateResponse:
    """Keep a user's signing certificate."""
    user, name = owner(call, request.user_name)
    cell = call.rows(signing_certificates)
    parsed = certificates.certificate(request.certificate_body)
    if parsed.expires <= call.now:
        raise AwsError("InvalidCertificate", "The certificate has expired.")
    if any(row.fingerprint == parsed.fingerprint for row in cell.values()):
        raise AwsError(
            "DuplicateCertificate", "The same certificate is associated with an IAM user already."
        )
    held = cell.find(signing_by_user, user)
    quotas.limit("SigningCertificatesPerUser", len(held), quotas.SIGNING_CERTIFICATES_PER_USER)
    row = SigningCertificate(
        id=call.ids.upper(32),
        user=user,
        body=request.certificate_body,
        fingerprint=parsed.fingerprint,
        uploaded=common.instant(call),
    )
    cell[row.id] = row
    return api.UploadSigningCertificateResponse(certificate=_signing_shape(row, name))


@on("user", "ListSigningCertificates")
def list_signing_certificates(
    call: Call, request: api.ListSigningCertificatesRequest
) -> api.ListSigningCertificatesResponse:
    """The signing certificates of a user."""
    user, name = owner(call, request.user_name)
    cell = call.rows(signing_certificates)
    found = [cell[key] for key in cell.find(signing_by_user, user)]
    chosen, marker = in_order(request, found)
    return api.ListSigningCertificatesResponse(
        certificates=[_signing_shape(row, name) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "UpdateSigningCertificate")
def update_signing_certificate(call: Call, request: api.UpdateSigningCertificateRequest) -> None:
    """Switch a certificate on or off."""
    row = _signing(call, request.user_name, request.certificate_id)
    call.rows(signing_certificates)[row.id] = replace(row, active=_active(request.status))


@on("user", "DeleteSigningCertificate")
def delete_signing_certificate(call: Call, request: api.DeleteSigningCertificateRequest) -> None:
    """Delete a certificate."""
    row = _signing(call, request.user_name, request.certificate_id)
    del call.rows(signing_certificates)[row.id]
