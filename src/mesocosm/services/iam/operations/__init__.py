"""IAM's operations, a file for each kind of resource."""

from __future__ import annotations

from mesocosm.services.iam.operations import (  # noqa: F401
    access_keys,
    account,
    attachments,
    authorization_details,
    boundaries,
    groups,
    inline,
    instance_profiles,
    last_accessed,
    mfa,
    oidc,
    organization_reports,
    passwords,
    policies,
    public_keys,
    roles,
    root_access,
    saml,
    server_certificates,
    service_credentials,
    service_linked,
    simulators,
    tagged,
    users,
)
