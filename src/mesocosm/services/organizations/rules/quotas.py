"""The quotas of Organizations (user guide, "Quotas for AWS Organizations")."""

from __future__ import annotations

ACCOUNTS = 10
UNITS = 2_000
UNIT_DEPTH = 5
TAGS = 50
DELEGATED_ADMINISTRATORS_PER_SERVICE = 100_000

POLICY_TYPES = (
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "SECURITYHUB_POLICY",
    "SECURITYHUB_CSPM_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "BEDROCK_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "GUARDDUTY_POLICY",
)

POLICIES = {"SERVICE_CONTROL_POLICY": 10_000}
POLICIES_OF_OTHER_TYPES = 1_000
CHARACTERS = {
    "SERVICE_CONTROL_POLICY": 5_120,
    "RESOURCE_CONTROL_POLICY": 5_120,
    "AISERVICES_OPT_OUT_POLICY": 2_500,
}
CHARACTERS_OF_OTHER_TYPES = 10_000
PER_TARGET = {
    "SERVICE_CONTROL_POLICY": 5,
    "RESOURCE_CONTROL_POLICY": 5,
    "AISERVICES_OPT_OUT_POLICY": 5,
    "CHATBOT_POLICY": 5,
}
PER_TARGET_OF_OTHER_TYPES = 10
RESOURCE_POLICY_CHARACTERS = 40_000

DAY = 86_400
INVITATION_S = 15 * DAY
ALL_FEATURES_S = 90 * DAY
HANDSHAKE_KEPT_S = 30 * DAY
"""A finished handshake is shown for 30 days."""
LEAVE_AFTER_S = 4 * DAY
"""An account made by Organizations must be this old to leave."""
CLOSED_KEPT_S = 90 * DAY
"""A closed account stays in its organization for 90 days."""
CREATION_KEPT_S = 90 * DAY
CLOSING_WINDOW_S = 30 * DAY
CREATION_S = 3
"""How long the creation of an account takes here."""
CLOSING_S = 3


def closings(accounts: int) -> int:
    """How many accounts may be closed within 30 days: a tenth, but at least ten and at most a
    thousand.
    """
    return min(max(10, accounts // 10), 1_000)
