"""Values under their keys: every version has a data key of its own, bound to secret and version.

Source: Secrets Manager user guide, "Secret encryption and decryption in AWS Secrets Manager".
"""

from __future__ import annotations

from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.call.encryption import Errors, Sealed
from mesocosm.services.secretsmanager.operations.opened import refused
from mesocosm.services.secretsmanager.resources import Found
from mesocosm.wire.errors import AwsError

MANAGED = "alias/aws/secretsmanager"


def _context(found: Found, version: str) -> dict[str, str]:
    """What a value is bound to."""
    return {"SecretARN": found.arn, "SecretVersionId": version}


def _there(call: Call, found: Found) -> Call:
    """The same call, where the secret lies: keys are named in its cell."""
    if (call.account, call.region) == (found.account, found.region):
        return call
    return call.elsewhere(found.account, found.region)


def _reach(call: Call, found: Found, managed: bool) -> None:
    if managed and call.principal.account != found.account and not call.principal.services:
        raise refused(
            "You can't access a secret from a different AWS account if you encrypt the secret with "
            "the default KMS service key."
        )


def _errors(code: str, doing: str) -> Errors:
    """Secrets Manager's errors for those of KMS."""

    def errors(error: AwsError) -> AwsError:
        if error.code.startswith("AccessDenied"):
            return AwsError("AccessDeniedException", "Access to KMS is not allowed", status=400)
        return AwsError(
            code,
            f"Secrets Manager can't {doing} the secret value: {error.message} (Service: AWSKMS; "
            f"Status Code: 400; Error Code: {error.code})",
        )

    return errors


SEALING = _errors("EncryptionFailure", "encrypt")
OPENING = _errors("DecryptionFailure", "decrypt")


def is_managed(key: str) -> bool:
    """Whether a KmsKeyId means the AWS managed key."""
    return not key or key.endswith(MANAGED)


def seal(call: Call, found: Found, version: str, data: bytes) -> Sealed:
    """The sealed value of a version. Raises EncryptionFailure, AccessDeniedException.

    A caller who may not decrypt under a customer's key may not seal under it either.
    """
    key = found.secret.kms_key_id or MANAGED
    _reach(call, found, is_managed(key))
    there, context = _there(call, found), _context(found, version)
    sealed = encryption.seal(there, key, data, context, errors=SEALING)
    if not is_managed(key):
        encryption.unwrapped(there, sealed.wrapped, context, errors=SEALING)
    return sealed


def unseal(call: Call, found: Found, version: str, sealed: Sealed, managed: bool) -> bytes:
    """The value of a version. Raises DecryptionFailure, AccessDeniedException."""
    _reach(call, found, managed)
    there = _there(call, found)
    return encryption.unseal(there, sealed, _context(found, version), errors=OPENING)


def check_key(call: Call, found: Found) -> None:
    """A key must be there before a secret is said to be under it. Raises EncryptionFailure."""
    key = found.secret.kms_key_id or MANAGED
    encryption.resolve(_there(call, found), key, errors=SEALING)
