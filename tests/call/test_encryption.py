"""Envelope encryption: what a service keeps under a KMS key can be read only with the key's
permission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mesocosm.api import kms as kms_api
from mesocosm.api import sqs as sqs_api
from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.identity import root_principal
from mesocosm.call.service import Catalogue, Service
from mesocosm.services import find
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

A = "111111111111"
CONTEXT = {"aws:sqs:arn": "arn:aws:sqs:us-east-1:111111111111:q"}
MANAGED = "alias/aws/sqs"


@pytest.fixture
def call(tmp_path: Any) -> Iterator[Call]:
    """A call of a service made for these tests, in a cloud that has the real KMS."""
    service = Service("sqs")

    @service.operation("CreateQueue")
    def create_queue(call: Call, request: sqs_api.CreateQueueRequest) -> None:
        """Never run: a call needs an operation."""

    catalogue = Catalogue(
        lambda name: service if name == "sqs" else find(name),
        ("sqs", "kms", "iam"),
        {"keys": "kms", "identity": "iam"},
        {},
    )
    world = World.open(tmp_path / "world")
    world.clock.pause()
    cloud = Cloud(world, catalogue, Settings(account=A))
    operation = service.operations["CreateQueue"]
    made = Call(cloud, service, operation, root_principal(A, ""), A, "us-east-1", "request")
    with world.transaction():
        yield made
    world.close()


def test_what_is_sealed_is_opened_under_the_same_context_only(call: Call) -> None:
    sealed = encryption.seal(call, MANAGED, b"secret", CONTEXT)
    assert b"secret" not in sealed.data
    assert encryption.unseal(call, sealed, CONTEXT) == b"secret"
    with pytest.raises(AwsError, match="InvalidCiphertextException"):
        encryption.unseal(call, sealed, {"aws:sqs:arn": "another"})


def test_data_that_was_changed_is_refused(call: Call) -> None:
    made = encryption.data_key(call, MANAGED, CONTEXT)
    locked = encryption.lock(call, made.plain, b"data", CONTEXT)
    assert encryption.unlock(made.plain, locked, CONTEXT) == b"data"
    with pytest.raises(ValueError, match="changed"):
        encryption.unlock(made.plain, locked[:-1] + bytes([locked[-1] ^ 1]), CONTEXT)
    with pytest.raises(ValueError, match="changed"):
        encryption.unlock(made.plain, locked, {})


def test_an_aws_managed_key_is_made_once_and_only_for_its_service(call: Call) -> None:
    arn = encryption.resolve(call, MANAGED)
    assert encryption.resolve(call, MANAGED) == arn == encryption.check(call, MANAGED)
    other = encryption.resolve(call, "alias/aws/s3")
    assert other != arn
    with pytest.raises(AwsError, match="not authorized to perform: kms:GenerateDataKey"):
        encryption.data_key(call, "alias/aws/s3", CONTEXT)


def test_a_disabled_key_makes_the_read_fail_in_the_words_of_the_service(call: Call) -> None:
    created = call.invoke("kms", "CreateKey", kms_api.CreateKeyRequest())
    arn = created.key_metadata.arn
    sealed = encryption.seal(call, created.key_metadata.key_id, b"x", CONTEXT)
    assert sealed.key == arn
    call.invoke("kms", "DisableKey", kms_api.DisableKeyRequest(key_id=arn))
    errors = encryption.worded({"DisabledException": "KmsDisabled"}, "KmsInvalidState")
    with pytest.raises(AwsError, match=f"KmsDisabled: {arn} is disabled."):
        encryption.unseal(call, sealed, CONTEXT, errors=errors)
    with pytest.raises(AwsError, match="KmsDisabled"):
        encryption.check(call, arn, errors=errors)
    request = kms_api.ScheduleKeyDeletionRequest(key_id=arn)
    call.invoke("kms", "ScheduleKeyDeletion", request)
    with pytest.raises(AwsError, match=r"KmsInvalidState: .* is pending deletion."):
        encryption.unseal(call, sealed, CONTEXT, errors=errors)


def test_a_data_key_is_reused_as_long_as_asked(call: Call) -> None:
    created = call.invoke("kms", "CreateKey", kms_api.CreateKeyRequest())
    arn = created.key_metadata.arn
    one = encryption.data_key(call, arn, CONTEXT, reuse=300)
    assert encryption.data_key(call, arn, CONTEXT, reuse=300) == one
    assert encryption.data_key(call, arn, {}, reuse=300) != one
    call.invoke("kms", "DisableKey", kms_api.DisableKeyRequest(key_id=arn))
    assert encryption.unwrapped(call, one.wrapped, CONTEXT, reuse=300) == one.plain
    with pytest.raises(AwsError, match="DisabledException"):
        encryption.unwrapped(call, one.wrapped, CONTEXT)
    keys = call.world.derived(encryption.DataKeys)
    keys._kept = {name: kept._replace(until=call.now) for name, kept in keys._kept.items()}
    with pytest.raises(AwsError, match="DisabledException"):
        encryption.data_key(call, arn, CONTEXT, reuse=300)
