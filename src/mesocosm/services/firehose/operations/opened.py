"""The stream a request names, and acting in a role."""

from __future__ import annotations

from typing import Protocol

from mesocosm.api import sts as sts_api
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.iam import Principal
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.resources import Stream, arn_of, no_such_stream, streams

SESSION = "AWSFirehoseToS3"


class OfStream(Protocol):
    """A request that names a stream."""

    delivery_stream_name: str


def stream_arn(call: Call, request: OfStream) -> str:
    """The ARN a request is decided on."""
    return arn_of(call.region, call.account, request.delivery_stream_name)


def known(call: Call, name: str) -> Stream:
    """The stream of a name. Raises ResourceNotFoundException."""
    row = call.rows(streams).get(name)
    if row is None:
        raise no_such_stream(call, name)
    return row


def save(call: Call, row: Stream) -> Stream:
    """Store a stream as it is now."""
    call.rows(streams)[row.name] = row
    return row


def acting(call: Call, role: str, name: str) -> Principal:
    """A session of a role, assumed as Firehose does (developer guide, "Controlling access": the
    external id is the account). Raises AccessDenied.
    """
    request = sts_api.AssumeRoleRequest(
        role_arn=role,
        role_session_name=SESSION,
        duration_seconds=3600,
        external_id=call.account,
    )
    answer = call.invoke(
        "sts",
        "AssumeRole",
        request,
        principal=service_principal(firehose.source),
        account=role.split(":")[4],
        conditions={
            "aws:SourceAccount": call.account,
            "aws:SourceArn": arn_of(call.region, call.account, name),
        },
    )
    credential = call.cloud.identity.credential(answer.credentials.access_key_id)
    assert credential is not None
    return credential.principal
