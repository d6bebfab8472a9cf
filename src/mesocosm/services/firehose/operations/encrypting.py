"""Server-side encryption of what is gathered.

Source: Amazon Data Firehose developer guide, "Data protection in Amazon Data Firehose".
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mesocosm.api import firehose as api
from mesocosm.api import kms as kms_api
from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations.opened import known, save, stream_arn
from mesocosm.services.firehose.resources import (
    ACTIVE,
    Encryption,
    Gathered,
    Stream,
    arn_of,
)
from mesocosm.services.firehose.rules.expressions import refused
from mesocosm.wire.errors import AwsError

OWNED, CUSTOMER = "AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"
CONTEXT = "aws:kinesis-firehose:arn"
SETTLING = 1.0
REUSE = 300.0
"""Seconds for which one data key serves."""


def kms_error(error: AwsError) -> AwsError:
    """Firehose's error for KMS's."""
    return AwsError("InvalidKMSResourceException", error.message, code=error.code)


def _context(call: Call, row: Stream) -> dict[str, str]:
    return {CONTEXT: arn_of(call.region, call.account, row.name)}


def enable(
    call: Call, row: Stream, wanted: api.DeliveryStreamEncryptionConfigurationInput
) -> Stream:
    """A stream that will be encrypted; with a customer's key Firehose gets a grant from the caller.

    Raises InvalidArgumentException, InvalidKMSResourceException.
    """
    key, grant = wanted.key_arn or "", ""
    if wanted.key_type == CUSTOMER:
        if not key:
            raise refused("KeyARN is required when KeyType is CUSTOMER_MANAGED_CMK.")
        encryption.check(call, key, errors=kms_error)
        request = kms_api.CreateGrantRequest(
            key_id=key,
            grantee_service_principal=firehose.source,
            retiring_service_principal=firehose.source,
            operations=["GenerateDataKey", "Decrypt"],
            constraints=kms_api.GrantConstraints(
                encryption_context_subset=_context(call, row),
                source_arn=arn_of(call.region, call.account, row.name),
            ),
        )
        try:
            grant = call.invoke("kms", "CreateGrant", request).grant_id
        except AwsError as error:
            raise kms_error(error) from None
    elif key:
        raise refused("KeyARN must not be given when KeyType is AWS_OWNED_CMK.")
    call.at(call.now + SETTLING, "encryption", row.name)
    former = _former(row.encryption)
    made = Encryption(status="ENABLING", type=wanted.key_type, key=key, grant=grant, former=former)
    return replace(row, encryption=made)


def _former(one: Encryption) -> tuple[tuple[str, str], ...]:
    return (*one.former, (one.key, one.grant)) if one.grant else one.former


def disabled(row: Stream) -> Stream:
    """A stream that is encrypted no longer; the grant stays until all is delivered."""
    return replace(row, encryption=Encryption(former=_former(row.encryption)))


def retire(call: Call, row: Stream, grants: tuple[tuple[str, str], ...]) -> None:
    """Give grants on customers' keys back. Raises InvalidKMSResourceException."""
    for key, grant in grants:
        request = kms_api.RetireGrantRequest(key_id=key, grant_id=grant)
        who = service_principal(firehose.source, call.account)
        try:
            call.invoke("kms", "RetireGrant", request, principal=who)
        except AwsError as error:
            if error.code != "NotFoundException":
                raise kms_error(error) from None


def settled(call: Call, row: Stream) -> None:
    """Everything gathered is delivered: former keys are needed no longer."""
    one = row.encryption
    if not one.former:
        return
    try:
        retire(call, row, one.former)
    except AwsError:
        return  # the next delivery tries again
    save(call, replace(row, encryption=replace(one, former=())))


def release(call: Call, row: Stream, force: bool) -> bool:
    """Give every grant of a stream back; False when that failed and is not forced."""
    try:
        retire(call, row, _former(row.encryption))
    except AwsError:
        return force
    return True


def sealed(call: Call, row: Stream, records: tuple[bytes, ...]) -> Gathered:
    """Records as they are kept. Raises InvalidKMSResourceException."""
    one = row.encryption
    if one.status != "ENABLED" or one.type != CUSTOMER:
        return Gathered(records=records)
    context = _context(call, row)
    made = encryption.data_key(
        call,
        one.key,
        context,
        errors=kms_error,
        principal=service_principal(firehose.source, call.account),
        reuse=REUSE,
        source=context[CONTEXT],
    )
    data = encryption.lock(call, made.plain, msgspec.msgpack.encode(records), context)
    return Gathered(sealed=encryption.Sealed(made.key, made.wrapped, data))


def opened(call: Call, row: Stream, kept: Gathered) -> tuple[bytes, ...]:
    """Records as they were given. Raises InvalidKMSResourceException."""
    if kept.sealed is None:
        return kept.records
    context = _context(call, row)
    plain = encryption.unwrapped(
        call,
        kept.sealed.wrapped,
        context,
        errors=kms_error,
        principal=service_principal(firehose.source, call.account),
        reuse=REUSE,
        source=context[CONTEXT],
    )
    data = encryption.unlock(plain, kept.sealed.data, context)
    return msgspec.msgpack.decode(data, type=tuple[bytes, ...])


@firehose.operation("StartDeliveryStreamEncryption", resource=stream_arn)
def start_delivery_stream_encryption(
    call: Call, request: api.StartDeliveryStreamEncryptionInput
) -> api.StartDeliveryStreamEncryptionOutput:
    """Encrypt what comes from now on, or change the key."""
    row = _settled(call, request.delivery_stream_name)
    wanted = request.delivery_stream_encryption_configuration_input
    if wanted is None:
        wanted = api.DeliveryStreamEncryptionConfigurationInput(key_type=OWNED)
    save(call, enable(call, row, wanted))
    return api.StartDeliveryStreamEncryptionOutput()


@firehose.operation("StopDeliveryStreamEncryption", resource=stream_arn)
def stop_delivery_stream_encryption(
    call: Call, request: api.StopDeliveryStreamEncryptionInput
) -> api.StopDeliveryStreamEncryptionOutput:
    """Encrypt no longer what comes."""
    row = _settled(call, request.delivery_stream_name)
    if row.encryption.status == "ENABLED":
        save(call, replace(row, encryption=replace(row.encryption, status="DISABLING")))
        call.at(call.now + SETTLING, "encryption", row.name)
    return api.StopDeliveryStreamEncryptionOutput()


def _settled(call: Call, name: str) -> Stream:
    row = known(call, name)
    if row.status != ACTIVE or row.encryption.status in ("ENABLING", "DISABLING"):
        raise AwsError(
            "ResourceInUseException",
            f"Firehose {name} under accountId {call.account} is being changed.",
        )
    return row
