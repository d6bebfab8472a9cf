"""Values under their keys: every version has a data key of its own, bound to secret and version.

Source: Secrets Manager user guide, "Secret encryption and decryption in AWS Secrets Manager".
"""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.secretsmanager.operations.opened import refused
from mesocosm.services.secretsmanager.resources import Found

MANAGED = "alias/aws/secretsmanager"


def context(found: Found, version: str) -> dict[str, str]:
    """What a value is bound to."""
    return {"SecretARN": found.arn, "SecretVersionId": version}


def check_reach(call: Call, found: Found) -> None:
    """The AWS managed key is for its own account alone. Raises InvalidRequestException."""
    if call.account != found.account and found.secret.kms_key_id in ("", MANAGED):
        raise refused(
            "You can't access a secret from a different AWS account if you encrypt the secret with "
            "the default KMS service key."
        )


def seal(call: Call, found: Found, version: str, data: bytes) -> tuple[bytes, str]:
    """The sealed value of a version and the ARN of the key. Raises EncryptionFailure."""
    check_reach(call, found)
    return data, found.secret.kms_key_id or MANAGED


def unseal(call: Call, found: Found, version: str, sealed: bytes) -> bytes:
    """The value of a version. Raises DecryptionFailure, AccessDeniedException."""
    check_reach(call, found)
    return sealed


def check_key(call: Call, found: Found) -> None:
    """A key must be there before a secret is said to be under it. Raises EncryptionFailure."""
