"""The account as a whole: alias, summary, preferences, credential report, token issuer."""

from __future__ import annotations

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources import accounts, arns, certificates, credentials, rows
from mesocosm.services.iam.rules import quotas, report
from mesocosm.wire.errors import AwsError

DAY = 86_400


# -- alias


@iam.operation("CreateAccountAlias")
def create_account_alias(call: Call, request: api.CreateAccountAliasRequest) -> None:
    """Give the account a name; it replaces the one it had."""
    cell, name = call.rows(accounts.aliases, *rows.PARTITION_WIDE), request.account_alias
    taken = cell.get(name)
    if taken is not None:
        raise common.exists(f"The account alias {name} already exists.")
    old = accounts.of(call).alias
    if old:
        del cell[old]
    cell[name] = accounts.Alias(account=call.account)
    accounts.change(call, alias=name)


@iam.operation("DeleteAccountAlias")
def delete_account_alias(call: Call, request: api.DeleteAccountAliasRequest) -> None:
    """Take the account's name away."""
    if accounts.of(call).alias != request.account_alias:
        raise common.missing(f"The account alias {request.account_alias} does not exist.")
    del call.rows(accounts.aliases, *rows.PARTITION_WIDE)[request.account_alias]
    accounts.change(call, alias="")


@iam.operation("ListAccountAliases")
def list_account_aliases(
    call: Call, request: api.ListAccountAliasesRequest
) -> api.ListAccountAliasesResponse:
    """The account's name: none or one."""
    alias = accounts.of(call).alias
    found, marker = paged(request, [alias] if alias else [], str)
    return api.ListAccountAliasesResponse(
        account_aliases=found, is_truncated=marker is not None, marker=marker
    )


# -- summary and preferences


@iam.operation("GetAccountSummary")
def get_account_summary(call: Call, request: object) -> api.GetAccountSummaryResponse:
    """What the account has, and its quotas."""
    policies = call.rows(rows.policies)
    devices = call.rows(credentials.mfa_devices)
    in_use = sum(row.enabled is not None for row in devices.values())
    root_keys = call.rows(rows.access_keys, *rows.PARTITION_WIDE).find(
        rows.keys_by_owner, (call.account, "")
    )
    providers = len(call.rows(certificates.oidc_providers)) + len(
        call.rows(certificates.saml_providers)
    )
    versions = sum(len(row.versions) for row in policies.values())
    counts = {
        "Users": len(call.rows(rows.users)),
        "UsersQuota": quotas.USERS,
        "Groups": len(call.rows(rows.groups)),
        "GroupsQuota": quotas.GROUPS,
        "Roles": len(call.rows(rows.roles)),
        "RolesQuota": quotas.ROLES,
        "InstanceProfiles": len(call.rows(rows.instance_profiles)),
        "InstanceProfilesQuota": quotas.INSTANCE_PROFILES,
        "ServerCertificates": len(call.rows(certificates.server_certificates)),
        "ServerCertificatesQuota": quotas.SERVER_CERTIFICATES,
        "Policies": len(policies),
        "PoliciesQuota": quotas.POLICIES,
        "PolicyVersionsInUse": versions,
        "PolicyVersionsInUseQuota": quotas.POLICY_VERSIONS_IN_USE,
        "VersionsPerPolicyQuota": quotas.VERSIONS_PER_POLICY,
        "PolicySizeQuota": quotas.MANAGED_POLICY_SIZE,
        "UserPolicySizeQuota": quotas.INLINE_SIZE["user"],
        "GroupPolicySizeQuota": quotas.INLINE_SIZE["group"],
        "RolePolicySizeQuota": quotas.INLINE_SIZE["role"],
        "AssumeRolePolicySizeQuota": quotas.TRUST_POLICY_SIZE,
        "GroupsPerUserQuota": quotas.GROUPS_PER_USER,
        "SigningCertificatesPerUserQuota": quotas.SIGNING_CERTIFICATES_PER_USER,
        "AccessKeysPerUserQuota": quotas.ACCESS_KEYS_PER_USER,
        "AttachedPoliciesPerGroupQuota": quotas.ATTACHED_PER_ENTITY,
        "AttachedPoliciesPerRoleQuota": quotas.ATTACHED_PER_ENTITY,
        "AttachedPoliciesPerUserQuota": quotas.ATTACHED_PER_ENTITY,
        "MFADevices": len(devices),
        "MFADevicesInUse": in_use,
        "Providers": providers,
        "AccountMFAEnabled": int(bool(devices.find(credentials.mfa_by_user, ""))),
        "AccountAccessKeysPresent": int(bool(root_keys)),
        # The root user of a Mesocosm account has no password: there is no console to sign in to.
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": int(
            bool(call.rows(credentials.signing_certificates).find(credentials.signing_by_user, ""))
        ),
        "GlobalEndpointTokenVersion": accounts.of(call).token_version,
    }
    return api.GetAccountSummaryResponse(summary_map=counts)


@iam.operation("SetSecurityTokenServicePreferences")
def set_security_token_service_preferences(
    call: Call, request: api.SetSecurityTokenServicePreferencesRequest
) -> None:
    """Which tokens the global endpoint of STS gives: version 1 or 2."""
    version = 1 if request.global_endpoint_token_version == "v1Token" else 2
    accounts.change(call, token_version=version)


# -- outbound web identity federation


@iam.operation("EnableOutboundWebIdentityFederation")
def enable_outbound_web_identity_federation(
    call: Call, request: object
) -> api.EnableOutboundWebIdentityFederationResponse:
    """Let principals of the account have tokens signed by an issuer of its own
    (sts:GetWebIdentityToken). Its URL is one that leads here: the host is that of this call.
    """
    account = accounts.of(call)
    if account.vends_tokens:
        raise AwsError(
            "FeatureEnabled", "Outbound web identity federation is already enabled for the account."
        )
    name = account.issuer.rpartition("/")[2] or call.ids.uuid()
    http = call.http
    host = http.host if http is not None and http.host else "localhost:4566"
    issuer = f"{'https' if call.secure else 'http'}://{host}/_sts/{name}"
    accounts.change(call, issuer=issuer, vends_tokens=True)
    return api.EnableOutboundWebIdentityFederationResponse(issuer_identifier=issuer)


def _federating(call: Call) -> accounts.Account:
    account = accounts.of(call)
    if not account.vends_tokens:
        raise AwsError(
            "FeatureDisabled", "Outbound web identity federation is not enabled for the account."
        )
    return account


@iam.operation("DisableOutboundWebIdentityFederation")
def disable_outbound_web_identity_federation(call: Call, request: object) -> None:
    """No further tokens; the issuer's URL is kept for the next time."""
    _federating(call)
    accounts.change(call, vends_tokens=False)


@iam.operation("GetOutboundWebIdentityFederationInfo")
def get_outbound_web_identity_federation_info(
    call: Call, request: object
) -> api.GetOutboundWebIdentityFederationInfoResponse:
    """The issuer of the account."""
    return api.GetOutboundWebIdentityFederationInfoResponse(
        issuer_identifier=_federating(call).issuer, jwt_vending_enabled=True
    )


# -- credential report


@iam.operation("GenerateCredentialReport", read_only=True)
def generate_credential_report(call: Call, request: object) -> api.GenerateCredentialReportResponse:
    """Make a report unless there is one of the last four hours. It is ready at once."""
    made = accounts.of(call).report_at
    if made is not None and call.now - made < report.VALID_FOR:
        return api.GenerateCredentialReportResponse(state="COMPLETE")
    found = [_root_line(call)]
    found += [_user_line(call, row) for row in call.rows(rows.users).values()]
    accounts.change(call, report=report.written(found), report_at=call.now)
    return api.GenerateCredentialReportResponse(
        state="STARTED",
        description="No report exists. Starting a new report generation task",
    )


@iam.operation("GetCredentialReport")
def get_credential_report(call: Call, request: object) -> api.GetCredentialReportResponse:
    """The report made last; it is good for four hours."""
    account = accounts.of(call)
    if account.report_at is None:
        raise AwsError("ReportNotPresent", "No credential report is available. Generate one first.")
    if call.now - account.report_at >= report.VALID_FOR:
        raise AwsError("ReportExpired", "The credential report has expired. Generate a new one.")
    return api.GetCredentialReportResponse(
        content=account.report, report_format="text/csv", generated_time=account.report_at
    )


def _root_line(call: Call) -> dict[str, str]:
    account = accounts.of(call)
    devices = call.rows(credentials.mfa_devices).find(credentials.mfa_by_user, "")
    return {
        "user": "<root_account>",
        "arn": f"arn:aws:iam::{call.account}:root",
        "user_creation_time": report.instant(account.created or call.now),
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": report.truth(bool(devices)),
        **_key_columns(call, ""),
        **_certificate_columns(call, ""),
    }


def _user_line(call: Call, user: rows.User) -> dict[str, str]:
    key = user.name.lower()
    profile = call.rows(credentials.login_profiles).get(key)
    devices = call.rows(credentials.mfa_devices).find(credentials.mfa_by_user, key)
    line = {
        "user": user.name,
        "arn": arns.arn_of(call.account, "user", user),
        "user_creation_time": report.instant(user.created),
        "password_enabled": report.truth(profile is not None),
        "mfa_active": report.truth(bool(devices)),
        **_key_columns(call, key),
        **_certificate_columns(call, key),
    }
    if profile is not None:
        policy = accounts.of(call).password_policy
        rotates = policy is not None and policy.max_age is not None
        due = profile.changed + policy.max_age * DAY if policy and policy.max_age else None
        line["password_last_used"] = report.instant(profile.used, "no_information")
        line["password_last_changed"] = report.instant(profile.changed)
        line["password_next_rotation"] = report.instant(due) if rotates else "N/A"
    return line


def _key_columns(call: Call, user: str) -> dict[str, str]:
    cell = call.rows(rows.access_keys, *rows.PARTITION_WIDE)
    uses = call.rows(rows.key_uses, *rows.PARTITION_WIDE)
    columns = {"access_key_1_active": "false", "access_key_2_active": "false"}
    found = cell.find(rows.keys_by_owner, (call.account, user))
    for number, key in enumerate(sorted(found, key=lambda key: cell[key].created), 1):
        row, use, prefix = cell[key], uses.get(key), f"access_key_{number}_"
        columns[prefix + "active"] = report.truth(row.active)
        columns[prefix + "last_rotated"] = report.instant(row.created)
        if use is not None:
            columns[prefix + "last_used_date"] = report.instant(use.time)
            columns[prefix + "last_used_region"] = use.region
            columns[prefix + "last_used_service"] = use.service
    return columns


def _certificate_columns(call: Call, user: str) -> dict[str, str]:
    cell = call.rows(credentials.signing_certificates)
    columns = {"cert_1_active": "false", "cert_2_active": "false"}
    for number, key in enumerate(cell.find(credentials.signing_by_user, user), 1):
        columns[f"cert_{number}_active"] = report.truth(cell[key].active)
        columns[f"cert_{number}_last_rotated"] = report.instant(cell[key].uploaded)
    return columns
