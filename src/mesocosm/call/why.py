"""Why a past call was allowed or denied: its decisions, explained from the policies as they were
then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.call.documents import documents
from mesocosm.call.gate import _resource_policy as resource_policy
from mesocosm.call.gate import levels, stack_of
from mesocosm.call.record import CallRecord, Judgement, decode
from mesocosm.call.texts import ResourceTexts, StackTexts
from mesocosm.iam import AuthorizationRequest, Context

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud


def find(cloud: Cloud, request_id: str) -> CallRecord | None:
    """The record of a call: from the newest calls, else from the journal.

    A call that a rewind has left behind is not found: its policies are not to be had here.
    """
    kept = cloud.world.rows(documents, "", "aws-global")
    for record in reversed(cloud.calls):
        if record.request_id == request_id:
            return record if _explicable(record, kept) else None
    for entry in cloud.world.records():
        for record in decode(entry.record):
            if record.request_id == request_id:
                return record if _explicable(record, kept) else None
    return None


def _explicable(record: CallRecord, kept: Mapping[str, Any]) -> bool:
    return all(
        one.stack in kept and (not one.resource_texts or one.resource_texts in kept)
        for one in record.judgements
    )


def explanation(cloud: Cloud, request_id: str) -> dict[str, Any] | None:
    """The call with every decision explained; None when no call has that request id."""
    record = find(cloud, request_id)
    if record is None:
        return None
    return {
        "requestId": record.request_id,
        "time": record.time,
        "service": record.service,
        "operation": record.operation,
        "principal": record.principal.arn,
        "account": record.account,
        "region": record.region,
        "error": record.error,
        "message": record.message,
        "decisions": [_explain(cloud, record, judgement) for judgement in record.judgements],
    }


def _explain(cloud: Cloud, record: CallRecord, judgement: Judgement) -> dict[str, Any]:
    from mesocosm.iam.explain import explain  # slow and seldom: not needed to serve

    rows = cloud.world.rows(documents, "", "aws-global")
    stack = stack_of(msgspec.json.decode(rows[judgement.stack].text, type=StackTexts))
    if judgement.resource_texts:
        texts = msgspec.json.decode(rows[judgement.resource_texts].text, type=ResourceTexts)
        stack = stack.at(
            resource=resource_policy(texts),
            resource_kind=texts.kind,  # type: ignore[arg-type]
            rcp=levels(texts.rcps, "rcp"),
            grants=texts.grants,
        )
    request = AuthorizationRequest(
        judgement.action,
        judgement.resource,
        judgement.account,
        record.principal,
        Context(judgement.context),
    )
    found = msgspec.to_builtins(explain(request, stack))
    assert isinstance(found, dict)
    return {
        "action": judgement.action,
        "resource": judgement.resource,
        "result": judgement.result,
        "by": judgement.by,
        "explanation": found,
    }
