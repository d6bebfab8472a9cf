"""Terraform: log groups with filters, subscriptions, destinations and policies."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("logs", provider(cloud.endpoint))
    run.apply(days="7")
    client = cloud.client("logs", account=ACCOUNT)
    [group] = client.describe_log_groups(logGroupNamePrefix="/app/web")["logGroups"]
    assert group["retentionInDays"] == 7
    assert group["metricFilterCount"] == 2
    assert run.outputs()["group"] == group["logGroupArn"]

    run.apply(days="30")
    [group] = client.describe_log_groups(logGroupNamePrefix="/app/web")["logGroups"]
    assert group["retentionInDays"] == 30
    [found] = client.describe_subscription_filters(logGroupName="/app/web")["subscriptionFilters"]
    assert found["filterPattern"] == "ERROR 30"

    run.destroy(days="30")
    assert client.describe_log_groups()["logGroups"] == []
    assert (
        client.describe_account_policies(policyType="DATA_PROTECTION_POLICY")["accountPolicies"]
        == []
    )
    client.close()
