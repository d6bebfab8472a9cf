"""IAM's operations, a file for each kind of resource."""

from __future__ import annotations

from mesocosm.services.iam.operations import (  # noqa: F401
    access_keys,
    attachments,
    boundaries,
    groups,
    inline,
    instance_profiles,
    policies,
    roles,
    users,
)
