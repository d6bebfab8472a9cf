"""Values of SecureStrings under KMS keys.

A standard parameter is encrypted by KMS itself, an advanced one under a data key of its own; both
are bound to the parameter's ARN. Source: Systems Manager user guide, "How AWS Systems Manager
Parameter Store uses AWS KMS".
"""

from __future__ import annotations

import base64

import msgspec

from mesocosm.api import kms as kms_api
from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.services.ssm.resources import Version
from mesocosm.wire.errors import AwsError

MANAGED = "alias/aws/ssm"


def _errors(error: AwsError) -> AwsError:
    text = f"{error.message} (Service: AWSKMS; Status Code: 400; Error Code: {error.code})"
    if error.code.startswith("AccessDenied"):
        return AwsError("AccessDeniedException", text, status=400)
    return AwsError("InvalidKeyId", text)


def seal(call: Call, version: Version, arn: str, value: str) -> Version:
    """A version with its value encrypted. Raises InvalidKeyId, AccessDeniedException."""
    context = {"PARAMETER_ARN": arn}
    data = value.encode()
    if version.tier != "Standard":
        sealed = encryption.seal(call, version.key_id, data, context, errors=_errors)
        return msgspec.structs.replace(version, value="", sealed=sealed)
    key = encryption.resolve(call, version.key_id, errors=_errors)
    request = kms_api.EncryptRequest(key_id=key, plaintext=data, encryption_context=context)
    try:
        made = call.invoke("kms", "Encrypt", request)
    except AwsError as error:
        raise _errors(error) from None
    return msgspec.structs.replace(version, value="", cipher=made.ciphertext_blob)


def unseal(call: Call, version: Version, arn: str) -> str:
    """The value of a version. Raises InvalidKeyId, AccessDeniedException."""
    context = {"PARAMETER_ARN": arn}
    if version.sealed is not None:
        return encryption.unseal(call, version.sealed, context, errors=_errors).decode()
    request = kms_api.DecryptRequest(ciphertext_blob=version.cipher, encryption_context=context)
    try:
        made = call.invoke("kms", "Decrypt", request)
    except AwsError as error:
        raise _errors(error) from None
    plain: bytes = made.plaintext
    return plain.decode()


def shown(call: Call, version: Version, arn: str, decrypt: bool) -> str:
    """The value as an answer has it: a SecureString decrypted, or as it is kept (base64)."""
    if version.type != "SecureString":
        return version.value
    if decrypt:
        return unseal(call, version, arn)
    kept = version.cipher
    if version.sealed is not None:
        kept = version.sealed.wrapped + version.sealed.data
    return base64.b64encode(kept).decode()
