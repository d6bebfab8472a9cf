"""Data protection policies of groups and of the account, and masking by them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.auditing import prepare, protections
from mesocosm.services.logs.resources.events import Event
from mesocosm.services.logs.resources.rows import groups
from mesocosm.services.logs.resources.targets import (
    Found,
    bad,
    find,
    group_arn,
    standard_only,
)
from mesocosm.services.logs.rules.protection import (
    POLICY_BYTES,
    compiled,
    findings_destination,
)


def masker(call: Call, found: Found, *, unmask: bool = False) -> Callable[[Event], str] | None:
    """How the messages of a group are shown; None when they are shown as they are.

    Only what was ingested after a policy was set is masked by it, as AWS documents.
    """
    kinds = [] if unmask else protections(call, found)
    if not kinds:
        return None

    def mask(event: Event) -> str:
        message = event.message
        for each in kinds:
            if event.ingested >= int(each.since):
                message = each.finding.mask(message)
        return message

    return mask


def check_policy(call: Call, document: str) -> None:
    """Whether a policy is sound, and asks for nothing that is not done here."""
    if len(document) > POLICY_BYTES:
        raise bad("The data protection policy is too long.")
    compiled(document)
    prepare(call, findings_destination(document))


@logs.operation("PutDataProtectionPolicy", resource=group_arn)
def put_data_protection_policy(
    call: Call, request: api.PutDataProtectionPolicyRequest
) -> api.PutDataProtectionPolicyResponse:
    """Mask sensitive data in what a group takes in from now on."""
    found = find(call, request.log_group_identifier)
    standard_only(found, "PutDataProtectionPolicy")
    check_policy(call, request.policy_document)
    call.rows(groups)[found.group.name] = replace(
        found.group, data_protection=request.policy_document, data_protection_set=call.now
    )
    return api.PutDataProtectionPolicyResponse(
        log_group_identifier=request.log_group_identifier,
        policy_document=request.policy_document,
        last_updated_time=int(call.now * 1000),
    )


@logs.operation("GetDataProtectionPolicy", resource=group_arn)
def get_data_protection_policy(
    call: Call, request: api.GetDataProtectionPolicyRequest
) -> api.GetDataProtectionPolicyResponse:
    """The policy of a group."""
    found = find(call, request.log_group_identifier)
    group = found.group
    return api.GetDataProtectionPolicyResponse(
        log_group_identifier=request.log_group_identifier,
        policy_document=group.data_protection or None,
        last_updated_time=int(group.data_protection_set * 1000) if group.data_protection else None,
    )


@logs.operation("DeleteDataProtectionPolicy", resource=group_arn)
def delete_data_protection_policy(
    call: Call, request: api.DeleteDataProtectionPolicyRequest
) -> None:
    """Mask no longer."""
    found = find(call, request.log_group_identifier)
    call.rows(groups)[found.group.name] = replace(
        found.group, data_protection="", data_protection_set=call.now
    )
