"""Service settings of Parameter Store."""

from __future__ import annotations

from typing import Any

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.resources import Setting, settings
from mesocosm.services.ssm.rules.names import invalid
from mesocosm.wire.errors import AwsError

CHOICES = {
    "/ssm/parameter-store/default-parameter-tier": ("Standard", "Advanced", "Intelligent-Tiering"),
    "/ssm/parameter-store/high-throughput-enabled": ("false", "true"),
}
"""The settings there are, with their values: the default first."""

OTHERS = (
    "/ssm/appmanager/",
    "/ssm/automation/",
    "/ssm/documents/",
    "/ssm/managed-instance/",
    "/ssm/opsinsights/",
)


def setting(call: Call, name: str) -> str:
    """The value of a setting, by its path."""
    row = call.rows(settings).get(name)
    return row.value if row is not None else CHOICES[name][0]


def _name(text: str) -> str:
    return text.rpartition(":servicesetting")[2]


def _arn(call: Call, request: Any) -> str:
    return call.arn(f"servicesetting{_name(request.setting_id)}")


def _known(call: Call, text: str) -> str:
    name = _name(text)
    if name.startswith(OTHERS):
        raise call.not_implemented(f"the service setting {name}")
    if name not in CHOICES:
        raise AwsError(
            "ServiceSettingNotFound",
            "The specified service setting wasn't found. Either the service name or the setting "
            "hasn't been provisioned by the AWS service team.",
        )
    return name


def _shown(call: Call, name: str) -> api.ServiceSetting:
    row = call.rows(settings).get(name)
    return api.ServiceSetting(
        setting_id=name,
        setting_value=setting(call, name),
        last_modified_date=row.modified if row is not None else None,
        last_modified_user=row.user if row is not None else "System",
        arn=call.arn(f"servicesetting{name}"),
        status="Customized" if row is not None else "Default",
    )


@ssm.operation("GetServiceSetting", resource=_arn)
def get_service_setting(
    call: Call, request: api.GetServiceSettingRequest
) -> api.GetServiceSettingResult:
    """A setting of the account in this Region."""
    return api.GetServiceSettingResult(
        service_setting=_shown(call, _known(call, request.setting_id))
    )


@ssm.operation("UpdateServiceSetting", resource=_arn)
def update_service_setting(
    call: Call, request: api.UpdateServiceSettingRequest
) -> api.UpdateServiceSettingResult:
    """Change a setting."""
    name = _known(call, request.setting_id)
    if request.setting_value not in CHOICES[name]:
        raise invalid(f"Invalid value for the setting {name}: {request.setting_value}")
    call.rows(settings)[name] = Setting(request.setting_value, call.now, call.principal.arn)
    return api.UpdateServiceSettingResult()


@ssm.operation("ResetServiceSetting", resource=_arn)
def reset_service_setting(
    call: Call, request: api.ResetServiceSettingRequest
) -> api.ResetServiceSettingResult:
    """Back to the default."""
    name = _known(call, request.setting_id)
    call.rows(settings).pop(name, None)
    return api.ResetServiceSettingResult(service_setting=_shown(call, name))
