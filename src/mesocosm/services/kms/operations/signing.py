"""Signatures, MACs, and shared secrets."""

from __future__ import annotations

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.engine import pairs, symmetric
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.shared import check_algorithm, conditions, key_arn
from mesocosm.services.kms.resources.rows import Key
from mesocosm.services.kms.rules.specs import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    MAC,
    SIGN,
    algorithms,
    asymmetric,
)
from mesocosm.wire.errors import AwsError

# -- signatures ----------------------------------------------------------------------------------


def _check_message(key: Key, algorithm: str, kind: str) -> None:
    lattice = key.spec.startswith("ML_DSA_")
    edwards = key.spec == "ECC_NIST_EDWARDS25519"
    if (lattice and kind == "DIGEST") or (not lattice and kind == "EXTERNAL_MU"):
        raise AwsError(
            "ValidationException", f"Message type {kind} is incompatible with key spec {key.spec}."
        )
    if edwards and (kind == "DIGEST") != (algorithm == pairs.PREHASHED):
        raise AwsError(
            "ValidationException",
            f"Message type {kind} is incompatible with signing algorithm {algorithm}.",
        )


def _mismatch(error: pairs.Mismatch) -> AwsError:
    return AwsError("ValidationException", str(error))


@kms.operation("Sign", resource=key_arn, conditions=conditions, read_only=True, answers=False)
def sign(call: Call, request: api.SignRequest) -> api.SignResponse:
    """Sign a message, or its digest."""
    key = shared.usable(call, request.key_id, SIGN, "Sign")
    algorithm, kind = request.signing_algorithm, request.message_type or "RAW"
    check_algorithm(key, algorithm)
    _check_message(key, algorithm, kind)
    try:
        made = pairs.sign(shared.current(call, key), algorithm, request.message, kind)
    except pairs.Mismatch as error:
        raise _mismatch(error) from None
    shared.finish(call, request, key, "Sign")
    return api.SignResponse(key_id=key.arn, signature=made, signing_algorithm=algorithm)


@kms.operation("Verify", resource=key_arn, conditions=conditions, read_only=True, answers=False)
def verify(call: Call, request: api.VerifyRequest) -> api.VerifyResponse:
    """Verify a signature; one that is not valid is an error."""
    key = shared.usable(call, request.key_id, SIGN, "Verify")
    algorithm, kind = request.signing_algorithm, request.message_type or "RAW"
    check_algorithm(key, algorithm)
    _check_message(key, algorithm, kind)
    secret = shared.current(call, key)
    try:
        valid = pairs.verify(secret, algorithm, request.message, kind, request.signature)
    except pairs.Mismatch as error:
        raise _mismatch(error) from None
    if not valid:
        raise AwsError("KMSInvalidSignatureException", "")
    shared.finish(call, request, key, "Verify")
    return api.VerifyResponse(key_id=key.arn, signature_valid=True, signing_algorithm=algorithm)


@kms.operation("GetPublicKey", resource=key_arn, conditions=conditions)
def get_public_key(call: Call, request: api.GetPublicKeyRequest) -> api.GetPublicKeyResponse:
    """The public key of a pair (DER, SubjectPublicKeyInfo)."""
    key = shared.existing(call, request.key_id)
    if not asymmetric(key.spec):
        raise AwsError(
            "UnsupportedOperationException",
            f"{key.arn} key spec is {key.spec} which is not valid for GetPublicKey.",
        )
    shared.living(key)
    shared.check_tokens(call, request)

    def of(usage: str) -> list[str] | None:
        return list(algorithms(key.spec, usage)) if key.usage == usage else None

    return api.GetPublicKeyResponse(
        key_id=key.arn,
        public_key=key.public,
        customer_master_key_spec=key.spec,
        key_spec=key.spec,
        key_usage=key.usage,
        encryption_algorithms=of(ENCRYPT),
        signing_algorithms=of(SIGN),
        key_agreement_algorithms=of(AGREE),
        encapsulation_algorithms=of(ENCAPSULATE),
    )


# -- MACs ----------------------------------------------------------------------------------------


@kms.operation(
    "GenerateMac", resource=key_arn, conditions=conditions, read_only=True, answers=False
)
def generate_mac(call: Call, request: api.GenerateMacRequest) -> api.GenerateMacResponse:
    """An HMAC of a message."""
    key = shared.usable(call, request.key_id, MAC, "GenerateMac")
    algorithm = request.mac_algorithm
    check_algorithm(key, algorithm)
    made = symmetric.mac(shared.current(call, key), algorithm, request.message)
    shared.finish(call, request, key, "GenerateMac")
    return api.GenerateMacResponse(mac=made, mac_algorithm=algorithm, key_id=key.arn)


@kms.operation("VerifyMac", resource=key_arn, conditions=conditions, read_only=True, answers=False)
def verify_mac(call: Call, request: api.VerifyMacRequest) -> api.VerifyMacResponse:
    """Verify an HMAC; one that is not valid is an error."""
    key = shared.usable(call, request.key_id, MAC, "VerifyMac")
    algorithm = request.mac_algorithm
    check_algorithm(key, algorithm)
    made = symmetric.mac(shared.current(call, key), algorithm, request.message)
    if not symmetric.same(made, request.mac):
        raise AwsError("KMSInvalidMacException", "")
    shared.finish(call, request, key, "VerifyMac")
    return api.VerifyMacResponse(key_id=key.arn, mac_valid=True, mac_algorithm=algorithm)


# -- shared secrets ------------------------------------------------------------------------------


@kms.operation(
    "DeriveSharedSecret", resource=key_arn, conditions=conditions, read_only=True, answers=False
)
def derive_shared_secret(
    call: Call, request: api.DeriveSharedSecretRequest
) -> api.DeriveSharedSecretResponse:
    """The raw secret that the key's private key and a peer's public key share (ECDH)."""
    shared.no_recipient(call, request)
    key = shared.usable(call, request.key_id, AGREE, "DeriveSharedSecret")
    algorithm = request.key_agreement_algorithm
    check_algorithm(key, algorithm)
    try:
        secret = pairs.agree(shared.current(call, key), request.public_key)
    except pairs.Mismatch as error:
        raise _mismatch(error) from None
    shared.finish(call, request, key, "DeriveSharedSecret")
    return api.DeriveSharedSecretResponse(
        key_id=key.arn,
        shared_secret=secret,
        key_agreement_algorithm=algorithm,
        key_origin=key.origin,
    )


@kms.operation(
    "Encapsulate", resource=key_arn, conditions=conditions, read_only=True, answers=False
)
def encapsulate(call: Call, request: api.EncapsulateRequest) -> api.EncapsulateResponse:
    """A new shared secret, and the form in which only the key's holder can read it (ML-KEM)."""
    key = shared.usable(call, request.key_id, ENCAPSULATE, "Encapsulate")
    secret, sealed = pairs.encapsulate(shared.current(call, key))
    shared.finish(call, request, key, "Encapsulate")
    return api.EncapsulateResponse(
        key_id=key.arn,
        shared_secret=secret,
        shared_secret_ciphertext_blob=sealed,
        encapsulation_algorithm=request.encapsulation_algorithm,
    )


@kms.operation(
    "Decapsulate", resource=key_arn, conditions=conditions, read_only=True, answers=False
)
def decapsulate(call: Call, request: api.DecapsulateRequest) -> api.DecapsulateResponse:
    """The shared secret that was encapsulated (ML-KEM)."""
    key = shared.usable(call, request.key_id, ENCAPSULATE, "Decapsulate")
    sealed = request.shared_secret_ciphertext_blob
    secret = pairs.decapsulate(shared.current(call, key), sealed)
    if secret is None:
        raise AwsError("InvalidCiphertextException", "")
    shared.finish(call, request, key, "Decapsulate")
    return api.DecapsulateResponse(
        key_id=key.arn,
        shared_secret=secret,
        encapsulation_algorithm=request.encapsulation_algorithm,
    )
