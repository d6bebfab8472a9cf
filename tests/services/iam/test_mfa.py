"""Virtual MFA devices: real codes, checked by the world's clock."""

from __future__ import annotations

import base64
from typing import Any

from tests.services.iam.support import ARN, policy, refusal, status

from mesocosm.services.iam.rules import totp
from mesocosm.testing.local import LocalCloud


def device(iam: Any, name: str = "phone") -> tuple[str, bytes]:
    """A new device: its serial number and its seed."""
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    return made["SerialNumber"], base64.b32decode(made["Base32StringSeed"])


def codes(cloud: LocalCloud, seed: bytes, drift: int = 0) -> dict[str, str]:
    """Two codes in a row, as the device shows them now."""
    now = totp.step_at(cloud.do(cloud.world.clock.now)) + drift
    return {
        "AuthenticationCode1": totp.code(seed, now),
        "AuthenticationCode2": totp.code(seed, now + 1),
    }


def test_a_device_is_enabled_with_two_codes(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    serial, seed = device(iam)
    assert serial == f"{ARN}:mfa/phone"
    assert len(base64.b32encode(seed)) == 64
    wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    whom = {"UserName": "u", "SerialNumber": serial}
    assert refusal(iam.enable_mfa_device, **whom, **wrong) == (
        "InvalidAuthenticationCode",
        "Authentication code for device is not valid.",
    )
    assert status(iam.enable_mfa_device, **whom, **wrong) == 403
    iam.enable_mfa_device(**whom, **codes(cloud, seed))
    assert refusal(iam.enable_mfa_device, **whom, **codes(cloud, seed))[0] == "EntityAlreadyExists"
    assert [row["SerialNumber"] for row in iam.list_mfa_devices(UserName="u")["MFADevices"]] == [
        serial
    ]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert assigned[0]["User"]["UserName"] == "u"
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    assert iam.get_mfa_device(SerialNumber=serial)["UserName"] == "u"
    assert refusal(iam.delete_user, UserName="u") == (
        "DeleteConflict",
        "Cannot delete entity, must delete MFA device first.",
    )
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial) == (
        "DeleteConflict",
        "MFA VirtualDevice in use. Must deactivate first.",
    )
    iam.deactivate_mfa_device(**whom)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "NoSuchEntity"


def test_a_drifted_device_is_followed_after_a_resync(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    serial, seed = device(iam)
    whom = {"UserName": "u", "SerialNumber": serial}
    late = codes(cloud, seed, drift=40)
    assert refusal(iam.enable_mfa_device, **whom, **late)[0] == "InvalidAuthenticationCode"
    iam.enable_mfa_device(**whom, **codes(cloud, seed))
    iam.resync_mfa_device(**whom, **codes(cloud, seed, drift=40))


def test_a_session_with_a_code_has_mfa(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    serial, seed = device(iam)
    iam.enable_mfa_device(UserName="u", SerialNumber=serial, **codes(cloud, seed))
    present = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=policy("iam:ListUsers", Condition=present)
    )
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert refusal(cloud.client("iam", credentials=key).list_users)[0] == "AccessDenied"
    sts = cloud.client("sts", credentials=key)
    wrong = "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    for code in codes(cloud, seed).values():  # used up when the device was enabled
        assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode=code) == wrong
    cloud.advance(60)
    code = codes(cloud, seed)["AuthenticationCode1"]
    assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode="000000")[0] == (
        "AccessDenied"
    )
    session = sts.get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]
    assert len(cloud.client("iam", credentials=session).list_users()["Users"]) == 1
    assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode=code) == wrong
    cloud.advance(60)
    code = codes(cloud, seed)["AuthenticationCode1"]
    sts.get_session_token(SerialNumber=serial, TokenCode=code)


def test_devices_have_tags(iam: Any) -> None:
    serial, _ = device(iam)
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.untag_mfa_device(SerialNumber=serial, TagKeys=["a"])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == []
    assert refusal(iam.create_virtual_mfa_device, VirtualMFADeviceName="phone") == (
        "EntityAlreadyExists",
        "MFADevice entity at the same path and name already exists.",
    )
