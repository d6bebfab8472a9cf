"""What a user holds besides access keys: password, MFA devices, SSH keys, certificates, service
credentials.

Keys of single things are their ids; `user` is the key of the user, empty for the root user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mesocosm.services.iam.resources import rows
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.call.call import Call


class LoginProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A console password, salted and hashed (scrypt); `old` are the hashes that may not come
    again."""

    created: float
    salt: bytes
    hash: bytes
    changed: float
    reset_required: bool = False
    used: float | None = None
    old: tuple[tuple[bytes, bytes], ...] = ()


class MfaDevice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A virtual MFA device. `seed` is the secret of RFC 6238; `drift` in steps of 30 s; `step` the
    last one used."""

    name: str
    path: str
    seed: bytes
    created: float
    user: str = ""
    enabled: float | None = None
    drift: int = 0
    step: int = 0
    tags: dict[str, str] = {}


class SshKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An SSH public key, in the form it was given."""

    id: str
    user: str
    body: str
    fingerprint: str
    uploaded: float
    active: bool = True


class SigningCertificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An X.509 signing certificate (PEM)."""

    id: str
    user: str
    body: str
    fingerprint: str
    uploaded: float
    active: bool = True


class ServiceCredential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user name and password for one service (CodeCommit, Keyspaces), or an API key (Bedrock)."""

    id: str
    user: str
    service: str
    service_user: str
    secret: str
    created: float
    expires: float | None = None
    status: str = "Active"


login_profiles = Table("iam.login_profiles", LoginProfile)
mfa_devices = Table("iam.mfa_devices", MfaDevice)
ssh_keys = Table("iam.ssh_keys", SshKey)
signing_certificates = Table("iam.signing_certificates", SigningCertificate)
service_credentials = Table("iam.service_credentials", ServiceCredential)

# An enabled device belongs to a user; "" stands for the root user, so None leaves unassigned ones
# out.
mfa_by_user = mfa_devices.index("user", lambda row: row.user if row.enabled is not None else None)
ssh_by_user = ssh_keys.index("user", lambda row: row.user)
signing_by_user = signing_certificates.index("user", lambda row: row.user)
service_by_user = service_credentials.index("user", lambda row: row.user)

OWNED: tuple[tuple[Table[str, Any], Any, str], ...] = (
    (mfa_devices, mfa_by_user, "delete MFA device"),
    (signing_certificates, signing_by_user, "delete signing certificates"),
    (ssh_keys, ssh_by_user, "delete SSH public keys"),
    (service_credentials, service_by_user, "delete service specific credentials"),
)


def held(call: Call, user: str) -> str:
    """What must be done with these before a user can be deleted; empty when there is nothing."""
    if user in call.rows(login_profiles):
        return "delete login profile"
    for table, index, what in OWNED:
        if call.rows(table).find(index, user):
            return what
    return ""


def renamed(call: Call, old: str, new: str) -> None:
    """A user has another key now: what it holds follows."""
    keys = call.rows(rows.access_keys, *rows.PARTITION_WIDE)
    for key in keys.find(rows.keys_by_owner, (call.account, old)):
        keys[key] = replace(keys[key], user=new)
    profiles = call.rows(login_profiles)
    if old in profiles:
        profiles[new] = profiles[old]
        del profiles[old]
    for table, index, _ in OWNED:
        cell = call.rows(table)
        for key in cell.find(index, old):
            cell[key] = replace(cell[key], user=new)
