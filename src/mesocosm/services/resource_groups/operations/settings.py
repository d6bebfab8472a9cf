"""Settings of the account: events about groups."""

from __future__ import annotations

from mesocosm.api import resource_groups as api
from mesocosm.call.call import Call
from mesocosm.services.resource_groups import resource_groups

OFF = "INACTIVE"


def _settings() -> api.AccountSettings:
    return api.AccountSettings(
        group_lifecycle_events_desired_status=OFF, group_lifecycle_events_status=OFF
    )


@resource_groups.operation("GetAccountSettings")
def get_account_settings(call: Call, request: object) -> api.GetAccountSettingsOutput:
    """Whether events are sent about groups: they cannot be turned on before there is a bus."""
    return api.GetAccountSettingsOutput(account_settings=_settings())


@resource_groups.operation("UpdateAccountSettings")
def update_account_settings(
    call: Call, request: api.UpdateAccountSettingsInput
) -> api.UpdateAccountSettingsOutput:
    """Leave events off."""
    if request.group_lifecycle_events_desired_status not in (None, OFF):
        raise call.not_implemented("sending events about groups to EventBridge")
    return api.UpdateAccountSettingsOutput(account_settings=_settings())
