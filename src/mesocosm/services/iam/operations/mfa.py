"""Virtual MFA devices: seeds, codes checked by the world's clock (RFC 6238), and whom they belong
to."""

from __future__ import annotations

import base64
import io
from urllib.parse import quote

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, users
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import arns
from mesocosm.services.iam.resources.credentials import MfaDevice, mfa_by_user, mfa_devices
from mesocosm.services.iam.rules import quotas, tags, totp
from mesocosm.wire.errors import AwsError

ENABLE_WINDOW = 10
"""Steps by which a new device's clock may be off: five minutes."""
RESYNC_WINDOW = 2880
"""The same for ResyncMFADevice: a day."""

_named = common.given_arn("serial_number")
_new = common.made("mfa", "virtual_mfa_device_name")


def serial(call: Call, row: MfaDevice) -> str:
    """A device's serial number, which for virtual ones is its ARN."""
    return arns.arn_of(call.account, "mfa", row)


def device(call: Call, number: str | None) -> MfaDevice:
    """The virtual device of that serial number; raises NoSuchEntity."""
    found = call.rows(mfa_devices).get((number or "").partition(":mfa")[2])
    if found is None or serial(call, found) != number:
        raise common.missing(f"VirtualMFADevice with serial number {number} doesn't exist.")
    return found


def _save(call: Call, row: MfaDevice) -> None:
    call.rows(mfa_devices)[row.path + row.name] = row


def picture(text: str) -> bytes:
    """A QR code (ISO/IEC 18004) as PNG."""
    import segno  # only here: nothing else draws

    out = io.BytesIO()
    segno.make(text, micro=False).save(out, kind="png", scale=4)
    return out.getvalue()


@iam.operation(
    "CreateVirtualMFADevice",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagMFADevice", _new),
    hide=("Base32StringSeed", "QRCodePNG"),
)
def create_virtual_mfa_device(
    call: Call, request: api.CreateVirtualMFADeviceRequest
) -> api.CreateVirtualMFADeviceResponse:
    """Make a device; its seed is given this once, as text and as the picture authenticator apps
    read."""
    name, path = request.virtual_mfa_device_name, request.path or "/"
    if path + name in call.rows(mfa_devices):
        raise common.exists("MFADevice entity at the same path and name already exists.")
    row = MfaDevice(
        name=name,
        path=path,
        seed=call.ids.bytes(totp.SEED_BYTES),
        created=common.instant(call),
        tags=tags.checked(request.tags),
    )
    _save(call, row)
    seed = base64.b32encode(row.seed)
    label = quote(f"Amazon Web Services:{name}@{call.account}")
    issuer = quote("Amazon Web Services")
    return api.CreateVirtualMFADeviceResponse(
        virtual_mfa_device=api.VirtualMFADevice(
            serial_number=serial(call, row),
            base32_string_seed=seed,
            qr_code_png=picture(f"otpauth://totp/{label}?secret={seed.decode()}&issuer={issuer}"),
            tags=common.tag_list(row.tags) if row.tags else None,
        )
    )


def _codes(request: api.EnableMFADeviceRequest | api.ResyncMFADeviceRequest) -> tuple[str, str]:
    return request.authentication_code1, request.authentication_code2


def _wrong_code() -> AwsError:
    return AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.")


@on("user", "EnableMFADevice")
def enable_mfa_device(call: Call, request: api.EnableMFADeviceRequest) -> None:
    """Give a device to a user who shows two of its codes in a row."""
    user = common.user(call, request.user_name)
    row, key = device(call, request.serial_number), user.name.lower()
    if row.enabled is not None:
        raise common.exists("MFA Device is already in use.")
    held = call.rows(mfa_devices).find(mfa_by_user, key)
    quotas.limit("MFADevicesPerUser", len(held), quotas.MFA_DEVICES_PER_USER)
    now = totp.step_at(call.now)
    found = totp.find(row.seed, _codes(request), now, ENABLE_WINDOW)
    if found is None:
        raise _wrong_code()
    _save(call, replace(row, user=key, enabled=call.now, step=found, drift=found - now))


def _of_user(call: Call, name: str | None, number: str | None) -> MfaDevice:
    """An enabled device of a user; without a name the caller's."""
    row = device(call, number)
    own = common.own_name(call, name)
    if row.enabled is None or row.user != own.lower():
        raise common.missing("MFA Device invalid for user.")
    return row


@on("user", "ResyncMFADevice")
def resync_mfa_device(call: Call, request: api.ResyncMFADeviceRequest) -> None:
    """Follow a device whose clock has drifted, by two of its codes in a row."""
    common.user(call, request.user_name)
    row = _of_user(call, request.user_name, request.serial_number)
    now = totp.step_at(call.now)
    found = totp.find(row.seed, _codes(request), now, RESYNC_WINDOW)
    if found is None or found <= row.step:
        raise _wrong_code()
    _save(call, replace(row, step=found, drift=found - now))


@on("user", "DeactivateMFADevice")
def deactivate_mfa_device(call: Call, request: api.DeactivateMFADeviceRequest) -> None:
    """Take a device from its user; the device remains."""
    row = _of_user(call, request.user_name, request.serial_number)
    _save(call, replace(row, user="", enabled=None, step=0, drift=0))


@iam.operation("DeleteVirtualMFADevice", resource=_named)
def delete_virtual_mfa_device(call: Call, request: api.DeleteVirtualMFADeviceRequest) -> None:
    """Delete a device that belongs to nobody."""
    row = device(call, request.serial_number)
    if row.enabled is not None:
        raise common.conflict("MFA VirtualDevice in use. Must deactivate first.")
    del call.rows(mfa_devices)[row.path + row.name]


@on("user", "ListMFADevices")
def list_mfa_devices(call: Call, request: api.ListMFADevicesRequest) -> api.ListMFADevicesResponse:
    """The devices of a user."""
    name = common.own_name(call, request.user_name)
    key, shown = ("", "") if not name else (name.lower(), common.user(call, name).name)
    cell = call.rows(mfa_devices)
    found = [cell[place] for place in cell.find(mfa_by_user, key)]
    chosen, marker = paged(request, found, lambda row: serial(call, row))
    return api.ListMFADevicesResponse(
        mfa_devices=[
            api.MFADevice(
                user_name=shown, serial_number=serial(call, row), enable_date=row.enabled or 0
            )
            for row in chosen
        ],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "GetMFADevice")
def get_mfa_device(call: Call, request: api.GetMFADeviceRequest) -> api.GetMFADeviceResponse:
    """One device, assigned or not."""
    row = device(call, request.serial_number)
    name = request.user_name
    if name is not None and row.user != common.user(call, name).name.lower():
        raise common.missing("MFA Device invalid for user.")
    return api.GetMFADeviceResponse(
        user_name=common.user(call, row.user).name if row.user else None,
        serial_number=serial(call, row),
        enable_date=row.enabled,
    )


@iam.operation("ListVirtualMFADevices", resource=lambda call, _: call.arn("mfa/"))
def list_virtual_mfa_devices(
    call: Call, request: api.ListVirtualMFADevicesRequest
) -> api.ListVirtualMFADevicesResponse:
    """The account's virtual devices by whether they belong to somebody."""
    status = request.assignment_status or "Any"
    found = [
        row
        for row in call.rows(mfa_devices).values()
        if status == "Any" or (row.enabled is not None) == (status == "Assigned")
    ]
    chosen, marker = paged(request, found, lambda row: serial(call, row))
    return api.ListVirtualMFADevicesResponse(
        virtual_mfa_devices=[
            api.VirtualMFADevice(
                serial_number=serial(call, row),
                enable_date=row.enabled,
                user=users.shape(call, common.user(call, row.user)) if row.user else None,
            )
            for row in chosen
        ],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("TagMFADevice", resource=_named, tags=lambda request: tags.given(request.tags))
def tag_mfa_device(call: Call, request: api.TagMFADeviceRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = device(call, request.serial_number)
    _save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@iam.operation(
    "UntagMFADevice",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_mfa_device(call: Call, request: api.UntagMFADeviceRequest) -> None:
    """Remove tags."""
    row = device(call, request.serial_number)
    _save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@iam.operation("ListMFADeviceTags", resource=_named)
def list_mfa_device_tags(
    call: Call, request: api.ListMFADeviceTagsRequest
) -> api.ListMFADeviceTagsResponse:
    """A device's tags."""
    row = device(call, request.serial_number)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key)
    return api.ListMFADeviceTagsResponse(tags=found, is_truncated=marker is not None, marker=marker)
