"""Parameters as lists show them."""

from __future__ import annotations

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.services.ssm.resources import Found, Version


def inline(version: Version) -> list[api.ParameterInlinePolicy]:
    """The policies of a version and how far they are."""
    return [
        api.ParameterInlinePolicy(
            policy_text=one.text, policy_type=one.type, policy_status=one.status
        )
        for one in version.policies
    ]


def metadata(call: Call, found: Found) -> api.ParameterMetadata:
    """A parameter without its value."""
    version = found.latest(call)
    return api.ParameterMetadata(
        name=found.parameter.name,
        arn=found.arn,
        type=version.type,
        key_id=version.key_id or None,
        last_modified_date=version.modified,
        last_modified_user=version.user,
        description=version.description or None,
        allowed_pattern=version.pattern or None,
        version=found.parameter.latest,
        tier=version.tier,
        policies=inline(version),
        data_type=version.data_type,
    )
