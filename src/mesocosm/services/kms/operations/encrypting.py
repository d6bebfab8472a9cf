"""Encrypt, Decrypt, ReEncrypt, and data keys."""

from __future__ import annotations

from typing import Any, NamedTuple

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need, Values
from mesocosm.services.kms import kms
from mesocosm.services.kms.engine import making, pairs, symmetric
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.shared import check_algorithm, conditions, key_arn
from mesocosm.services.kms.resources.finding import key_arn as arn_of
from mesocosm.services.kms.resources.finding import named
from mesocosm.services.kms.resources.rows import Key, keys, materials
from mesocosm.services.kms.rules import ciphertexts
from mesocosm.services.kms.rules.specs import ENCRYPT, SYMMETRIC
from mesocosm.wire.errors import AwsError

OAEP_OVERHEAD = {"RSAES_OAEP_SHA_1": 42, "RSAES_OAEP_SHA_256": 66}


def sealed(call: Call, key: Key, plaintext: bytes, context: dict[str, str] | None) -> bytes:
    """A ciphertext blob under the current material of a symmetric key."""
    origin = (key.account, key.id, key.material)
    shared.noted(call, keyMaterialId=key.material)
    nonce = call.ids.bytes(ciphertexts.NONCE)
    return symmetric.encrypt(shared.current(call, key), origin, nonce, plaintext, context)


def invalid_ciphertext() -> AwsError:
    """AWS says nothing more of a ciphertext that cannot be decrypted."""
    return AwsError("InvalidCiphertextException", "")


def _encrypt(
    call: Call, key: Key, algorithm: str, plaintext: bytes, context: dict[str, str] | None
) -> bytes:
    check_algorithm(key, algorithm)
    if key.spec == SYMMETRIC:
        return sealed(call, key, plaintext, context)
    _no_context(context, algorithm)
    room = int(key.spec[4:]) // 8 - OAEP_OVERHEAD[algorithm]
    if len(plaintext) > room:
        raise AwsError(
            "ValidationException",
            f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than "
            f"{room} bytes.",
        )
    return pairs.encrypt(shared.current(call, key), algorithm, plaintext)


def _no_context(context: dict[str, str] | None, algorithm: str) -> None:
    if context:
        raise AwsError(
            "ValidationException",
            f"EncryptionContext is not supported with the {algorithm} algorithm.",
        )


@kms.operation("Encrypt", resource=key_arn, conditions=conditions, read_only=True, answers=False)
def encrypt(call: Call, request: api.EncryptRequest) -> api.EncryptResponse:
    """Encrypt up to 4,096 bytes under a key."""
    key = shared.usable(call, request.key_id, ENCRYPT, "Encrypt")
    algorithm = request.encryption_algorithm or SYMMETRIC
    data = _encrypt(call, key, algorithm, request.plaintext, request.encryption_context)
    shared.finish(call, request, key, "Encrypt")
    return api.EncryptResponse(ciphertext_blob=data, key_id=key.arn, encryption_algorithm=algorithm)


# -- Decrypt -----------------------------------------------------------------------------------


class Opened(NamedTuple):
    """What a ciphertext held, and which key and material it was under."""

    key: Key
    plaintext: bytes
    material: str


def source_arn(call: Call, given: str | None, data: bytes | None) -> str:
    """The ARN of the key that a ciphertext is to be decrypted under: the one named, or the one the
    blob names itself."""
    if given is not None:
        return named(call, given).arn
    blob = ciphertexts.parse(data or b"")
    if blob is None:
        raise invalid_ciphertext()
    arn = arn_of(blob.account, call.region, blob.key)
    if blob.key not in call.world.rows(keys, blob.account, call.region):
        raise AwsError(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist "
            "in this region, or you are not allowed to access.",
        )
    return arn


def _open(
    call: Call,
    given: str | None,
    algorithm: str,
    data: bytes,
    context: dict[str, str] | None,
    operation: str,
) -> Opened:
    if given is None and algorithm != SYMMETRIC:
        raise AwsError(
            "ValidationException",
            f"KeyId is required for the {algorithm} encryption algorithm.",
        )
    key = shared.usable(call, source_arn(call, given, data), ENCRYPT, operation)
    check_algorithm(key, algorithm)
    if algorithm != SYMMETRIC:
        _no_context(context, algorithm)
        plain = pairs.decrypt(shared.current(call, key), algorithm, data)
        if plain is None:
            raise invalid_ciphertext()
        return Opened(key, plain, "")
    blob = ciphertexts.parse(data)
    if blob is None:
        raise invalid_ciphertext()
    if (blob.account, blob.key) != (key.account, key.id):
        raise AwsError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    secret = shared.material(call, key, blob.material)
    if secret is None:
        raise _gone(call, key, blob.material)
    opened = symmetric.decrypt(secret.secret, blob, context)
    if opened is None:
        raise invalid_ciphertext()
    return Opened(key, opened, blob.material)


def _gone(call: Call, key: Key, material: str) -> AwsError:
    """Material that was deleted or has expired makes the key wait for it; any other never was."""
    rows = call.world.rows(materials, key.account, key.region)
    if (key.id, material) in rows:
        return AwsError("KMSInvalidStateException", f"{key.arn} is pending import.")
    return invalid_ciphertext()


def _decrypt_arn(call: Call, request: api.DecryptRequest) -> str:
    return source_arn(call, request.key_id, request.ciphertext_blob)


def _decrypt_conditions(call: Call, request: api.DecryptRequest) -> dict[str, Values]:
    if request.key_id is not None:
        return conditions(call, request)
    found = shared.key_conditions(call, named(call, _decrypt_arn(call, request)))
    found["kms:EncryptionAlgorithm"] = request.encryption_algorithm or SYMMETRIC
    if request.encryption_context:
        found.update(shared.context_conditions(request.encryption_context))
    return found


@kms.operation(
    "Decrypt",
    resource=_decrypt_arn,
    conditions=_decrypt_conditions,
    read_only=True,
    answers=False,
)
def decrypt(call: Call, request: api.DecryptRequest) -> api.DecryptResponse:
    """Decrypt what Encrypt, GenerateDataKey or ReEncrypt made, under the same context."""
    shared.no_recipient(call, request)
    if _blind(call, request, request.key_id, "Decrypt"):
        raise shared.dry_run()
    algorithm = request.encryption_algorithm or SYMMETRIC
    data = _blob(request.ciphertext_blob)
    opened = _open(call, request.key_id, algorithm, data, request.encryption_context, "Decrypt")
    shared.finish(call, request, opened.key, "Decrypt")
    shared.noted(call, keyMaterialId=opened.material)
    return api.DecryptResponse(
        key_id=opened.key.arn,
        plaintext=opened.plaintext,
        encryption_algorithm=algorithm,
        key_material_id=opened.material or None,
    )


def _blob(data: bytes | None) -> bytes:
    if data is None:
        raise AwsError("ValidationException", "CiphertextBlob must be specified.")
    return data


def _blind(call: Call, request: Any, key_id: str | None, operation: str) -> bool:
    """Whether a dry run looks at the permissions and the key alone (IGNORE_CIPHERTEXT)."""
    if not request.dry_run_modifiers:
        return False
    if not request.dry_run:
        raise AwsError("ValidationException", "DryRunModifiers can be used only with DryRun.")
    if key_id is None:
        raise AwsError("ValidationException", "A key must be specified to ignore the ciphertext.")
    shared.usable(call, key_id, ENCRYPT, operation)
    return True


# -- ReEncrypt ---------------------------------------------------------------------------------


def _from_arn(call: Call, request: api.ReEncryptRequest) -> str:
    return source_arn(call, request.source_key_id, request.ciphertext_blob)


def _same_key(call: Call, request: api.ReEncryptRequest) -> str:
    same = _from_arn(call, request) == named(call, request.destination_key_id).arn
    return "true" if same else "false"


def _side(
    call: Call, request: api.ReEncryptRequest, given: str, algorithm: str | None, context: Any
) -> dict[str, Values]:
    found = shared.key_conditions(call, named(call, given))
    found["kms:EncryptionAlgorithm"] = algorithm or SYMMETRIC
    found["kms:ReEncryptOnSameKey"] = _same_key(call, request)
    if context:
        found.update(shared.context_conditions(context))
    return found


def _from_conditions(call: Call, request: api.ReEncryptRequest) -> dict[str, Values]:
    given = request.source_key_id or _from_arn(call, request)
    algorithm, context = request.source_encryption_algorithm, request.source_encryption_context
    return _side(call, request, given, algorithm, context)


def _to(call: Call, request: api.ReEncryptRequest) -> list[Need]:
    given = request.destination_key_id
    algorithm = request.destination_encryption_algorithm
    context = request.destination_encryption_context
    found = _side(call, request, given, algorithm, context)
    return [Need("kms:ReEncryptTo", named(call, given).arn, found)]


@kms.operation(
    "ReEncrypt",
    action="kms:ReEncryptFrom",
    resource=_from_arn,
    conditions=_from_conditions,
    needs=_to,
    read_only=True,
    answers=False,
)
def re_encrypt(call: Call, request: api.ReEncryptRequest) -> api.ReEncryptResponse:
    """Decrypt and encrypt anew, without showing the plaintext."""
    if _blind(call, request, request.source_key_id, "ReEncryptFrom"):
        shared.usable(call, request.destination_key_id, ENCRYPT, "ReEncryptTo")
        raise shared.dry_run()
    source = request.source_encryption_algorithm or SYMMETRIC
    algorithm = request.destination_encryption_algorithm or SYMMETRIC
    data = _blob(request.ciphertext_blob)
    context = request.source_encryption_context
    opened = _open(call, request.source_key_id, source, data, context, "ReEncryptFrom")
    key = shared.usable(call, request.destination_key_id, ENCRYPT, "ReEncryptTo")
    context = request.destination_encryption_context
    made = _encrypt(call, key, algorithm, opened.plaintext, context)
    shared.finish(call, request, key, "ReEncrypt")
    shared.used(call, opened.key, "ReEncrypt")
    target = key.material if key.spec == SYMMETRIC else ""
    shared.noted(call, sourceKeyMaterialId=opened.material, destinationKeyMaterialId=target)
    return api.ReEncryptResponse(
        ciphertext_blob=made,
        source_key_id=opened.key.arn,
        key_id=key.arn,
        source_encryption_algorithm=source,
        destination_encryption_algorithm=algorithm,
        source_key_material_id=opened.material or None,
        destination_key_material_id=target or None,
    )


# -- data keys ---------------------------------------------------------------------------------


def _length(spec: str | None, size: int | None) -> int:
    if (spec is None) == (size is None):
        raise AwsError("ValidationException", "Please specify either number of bytes or key spec.")
    if spec is not None:
        return 32 if spec == "AES_256" else 16
    assert size is not None
    return size


@kms.operation(
    "GenerateDataKey", resource=key_arn, conditions=conditions, read_only=True, answers=False
)
def generate_data_key(
    call: Call, request: api.GenerateDataKeyRequest
) -> api.GenerateDataKeyResponse:
    """A new random key, and the same encrypted."""
    shared.no_recipient(call, request)
    size = _length(request.key_spec, request.number_of_bytes)
    key = shared.symmetric(call, request.key_id, "GenerateDataKey")
    plain = call.ids.bytes(size)
    data = sealed(call, key, plain, request.encryption_context)
    shared.finish(call, request, key, "GenerateDataKey")
    return api.GenerateDataKeyResponse(
        ciphertext_blob=data, plaintext=plain, key_id=key.arn, key_material_id=key.material
    )


@kms.operation(
    "GenerateDataKeyWithoutPlaintext",
    resource=key_arn,
    conditions=conditions,
    read_only=True,
    answers=False,
)
def generate_data_key_without_plaintext(
    call: Call, request: api.GenerateDataKeyWithoutPlaintextRequest
) -> api.GenerateDataKeyWithoutPlaintextResponse:
    """A new random key, encrypted."""
    if request.key_spec is None and request.number_of_bytes is None:
        size = 32
    else:
        size = _length(request.key_spec, request.number_of_bytes)
    key = shared.symmetric(call, request.key_id, "GenerateDataKeyWithoutPlaintext")
    data = sealed(call, key, call.ids.bytes(size), request.encryption_context)
    shared.finish(call, request, key, "GenerateDataKeyWithoutPlaintext")
    return api.GenerateDataKeyWithoutPlaintextResponse(
        ciphertext_blob=data, key_id=key.arn, key_material_id=key.material
    )


def _pair(call: Call, request: Any, operation: str) -> tuple[Key, bytes, bytes, bytes]:
    """The key, the private key, the public key and the private key encrypted."""
    key = shared.symmetric(call, request.key_id, operation)
    private = making.generate(call, request.key_pair_spec)
    if private is None:
        raise AwsError(
            "UnsupportedOperationException",
            f"The key pair spec {request.key_pair_spec} is not supported in this Region.",
        )
    blob = sealed(call, key, private, request.encryption_context)
    shared.finish(call, request, key, operation)
    return key, private, pairs.public(private), blob


@kms.operation(
    "GenerateDataKeyPair",
    resource=key_arn,
    conditions=conditions,
    read_only=True,
    answers=False,
)
def generate_data_key_pair(
    call: Call, request: api.GenerateDataKeyPairRequest
) -> api.GenerateDataKeyPairResponse:
    """A new key pair, and its private key encrypted."""
    shared.no_recipient(call, request)
    key, private, public, blob = _pair(call, request, "GenerateDataKeyPair")
    return api.GenerateDataKeyPairResponse(
        private_key_ciphertext_blob=blob,
        private_key_plaintext=private,
        public_key=public,
        key_id=key.arn,
        key_pair_spec=request.key_pair_spec,
        key_material_id=key.material,
    )


@kms.operation(
    "GenerateDataKeyPairWithoutPlaintext",
    resource=key_arn,
    conditions=conditions,
    read_only=True,
    answers=False,
)
def generate_data_key_pair_without_plaintext(
    call: Call, request: api.GenerateDataKeyPairWithoutPlaintextRequest
) -> api.GenerateDataKeyPairWithoutPlaintextResponse:
    """A new key pair whose private key is only shown encrypted."""
    operation = "GenerateDataKeyPairWithoutPlaintext"
    key, _, public, blob = _pair(call, request, operation)
    return api.GenerateDataKeyPairWithoutPlaintextResponse(
        private_key_ciphertext_blob=blob,
        public_key=public,
        key_id=key.arn,
        key_pair_spec=request.key_pair_spec,
        key_material_id=key.material,
    )


@kms.operation(
    "GenerateRandom",
    conditions=lambda call, _: shared.caller_conditions(call),
    read_only=True,
    answers=False,
)
def generate_random(call: Call, request: api.GenerateRandomRequest) -> api.GenerateRandomResponse:
    """Random bytes."""
    shared.no_recipient(call, request)
    if request.custom_key_store_id is not None:
        raise call.not_implemented("a custom key store")
    if request.number_of_bytes is None:
        raise AwsError("ValidationException", "NumberOfBytes must be specified.")
    return api.GenerateRandomResponse(plaintext=call.ids.bytes(request.number_of_bytes))
