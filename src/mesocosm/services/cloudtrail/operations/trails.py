"""Trails: creating, changing, deleting, describing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.api import cloudtrail as api
from mesocosm.call import encryption, paging
from mesocosm.call.service import Need
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import digests, feeding, notices, storage
from mesocosm.services.cloudtrail.operations.tags import check_tags
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.resources import trails as found
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

TRAILS_MAX = 5
NO_KEY = "KmsKeyNotFoundException"
PAGE = 1_000


def named(call: Call, request: Any) -> str:
    """The ARN of the trail that a request names."""
    return found.arn_of(call, request.name)


def _create_needs(call: Call, request: api.CreateTrailRequest) -> list[Need]:
    needs = _passing(call, request)
    if request.tags_list:
        needs.append(Need("cloudtrail:AddTags", named(call, request)))
    return needs


def _passing(call: Call, request: Any) -> list[Need]:
    """The permission to give CloudTrail a role."""
    role = request.cloud_watch_logs_role_arn
    conditions = {"iam:PassedToService": cloudtrail.source}
    return [Need("iam:PassRole", role, conditions)] if role else []


@cloudtrail.operation(
    "CreateTrail",
    resource=named,
    tags=lambda request: {tag.key: tag.value or "" for tag in request.tags_list or ()},
    needs=_create_needs,
)
def create_trail(call: Call, request: api.CreateTrailRequest) -> api.CreateTrailResponse:
    """A trail; it logs once StartLogging is called."""
    names.check_name(request.name)
    _check_logs(request)
    multi = bool(request.is_multi_region_trail)
    organization = ""
    account = call.account
    if request.is_organization_trail:
        organization, account = _organization(call)
    here = call.rows(rows.trails, account)
    if request.name in here:
        raise AwsError(
            "TrailAlreadyExistsException",
            f"Trail {request.name} already exists for customer: {account}",
        )
    shadows = sum(1 for row in found.visible(call) if row.account == account)
    if shadows >= TRAILS_MAX:
        raise AwsError(
            "MaximumNumberOfTrailsExceededException",
            f"User: {account} already has {TRAILS_MAX} trails in {call.region}.",
        )
    row = rows.Trail(
        name=request.name,
        account=account,
        region=call.region,
        bucket=request.s3_bucket_name,
        prefix=request.s3_key_prefix or "",
        created=call.now,
        include_global=request.include_global_service_events is not False,
        multi_region=multi,
        validation=bool(request.enable_log_file_validation),
        organization=organization,
        recursive=request.recursive_logging,
        tags=check_tags(request.tags_list, {}),
        kms_key=_kms_key(call, request.kms_key_id),
        topic=request.sns_topic_name or "",
        log_group=request.cloud_watch_logs_log_group_arn or "",
        log_role=request.cloud_watch_logs_role_arn or "",
    )
    _check(call, row)
    here[row.name] = row
    return api.CreateTrailResponse(**_configuration(row))


@cloudtrail.operation("UpdateTrail", resource=named, needs=_passing)
def update_trail(call: Call, request: api.UpdateTrailRequest) -> api.UpdateTrailResponse:
    """Change what is given; logging goes on."""
    row = found.own(call, request.name)
    changes = _changes(call, request)
    new = msgspec.structs.replace(row, **changes)
    if new != row:
        _check(call, new, row)
        found.put(call, new)
        if new.logging and new.validation and not row.validation:
            digests.begin(call, new)
        if row.validation and not new.validation:
            digests.end(call, new)
        if new.logging and new.log_group and not row.log_group:
            feeding.begin(call, new)
        if row.log_group and not new.log_group:
            feeding.end(call, new)
    return api.UpdateTrailResponse(**_configuration(new))


def _changes(call: Call, request: api.UpdateTrailRequest) -> dict[str, Any]:
    """What is to be different; an empty name takes something away."""
    _check_logs(request)
    changes: dict[str, Any] = {}
    if request.s3_bucket_name is not None:
        changes["bucket"] = request.s3_bucket_name
    if request.s3_key_prefix is not None:
        changes["prefix"] = request.s3_key_prefix
    if request.include_global_service_events is not None:
        changes["include_global"] = request.include_global_service_events
    if request.is_multi_region_trail is not None:
        changes["multi_region"] = request.is_multi_region_trail
    if request.enable_log_file_validation is not None:
        changes["validation"] = request.enable_log_file_validation
    if request.recursive_logging is not None:
        changes["recursive"] = request.recursive_logging
    if request.kms_key_id is not None:
        changes["kms_key"] = _kms_key(call, request.kms_key_id)
    if request.is_organization_trail is not None:
        changes["organization"] = _organization(call)[0] if request.is_organization_trail else ""
    if request.sns_topic_name is not None:
        changes["topic"] = request.sns_topic_name
    if request.cloud_watch_logs_log_group_arn is not None:
        changes["log_group"] = request.cloud_watch_logs_log_group_arn
        changes["log_role"] = request.cloud_watch_logs_role_arn or ""
    return changes


@cloudtrail.operation("DeleteTrail", resource=named)
def delete_trail(call: Call, request: api.DeleteTrailRequest) -> api.DeleteTrailResponse:
    """Deliver what is left, and forget the trail."""
    row = found.own(call, request.name)
    digests.settle(call, row)
    digests.end(call, row)
    feeding.end(call, row)
    call.timers.cancel(cloudtrail.name, "deliver", row.name, row.account, row.region)
    call.rows(rows.progress, row.account, row.region).pop(row.name, None)
    del call.rows(rows.trails, row.account, row.region)[row.name]
    return api.DeleteTrailResponse()


def _check_logs(request: Any) -> None:
    """A log group and the role to write to it are given together, also when one changes alone."""
    group, role = request.cloud_watch_logs_log_group_arn, request.cloud_watch_logs_role_arn
    if group and not role:
        raise AwsError(
            "InvalidCloudWatchLogsRoleArnException",
            "You must specify a role ARN as well as a log group.",
        )
    if role and not group:
        raise AwsError(
            "InvalidCloudWatchLogsLogGroupArnException",
            "You must specify a log group as well as a role ARN.",
        )


def _kms_key(call: Call, given: str | None) -> str:
    """The ARN of the key that log files are to be encrypted under."""
    if not given:
        return ""
    errors = encryption.worded({"InvalidArnException": "InvalidKmsKeyIdException"}, NO_KEY)
    return encryption.resolve(call, given, errors=errors)


def _check(call: Call, row: rows.Trail, before: rows.Trail | None = None) -> None:
    if row.multi_region and not row.include_global:
        raise AwsError(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        )
    names.check_bucket(row.bucket, row.prefix)
    places = [
        (one.bucket, one.prefix, one.organization, one.kms_key) for one in (row, before) if one
    ]
    if len(set(places)) == len(places):
        accounts = [row.account]
        storage.check(call, row, accounts)
    if row.topic and (before is None or row.topic != before.topic):
        notices.check(call, row)
    streams = [(one.log_group, one.log_role) for one in (row, before) if one]
    if row.log_group and len(set(streams)) == len(streams):
        feeding.check(call, row)


def _organization(call: Call) -> tuple[str, str]:
    """The organization's id and management account, for who may make trails of organizations.

    Raises OrganizationsNotInUseException, NotOrganizationMasterAccountException,
    CloudTrailAccessNotEnabledException.
    """
    organization = found.organization_of(call, call.account)
    provider: Any = call.cloud.provider("organization")
    if not organization:
        raise AwsError(
            "OrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    management: str = provider.management(call.account)
    delegated = provider.delegated(call.account, cloudtrail.source)
    if call.account != management and not delegated:
        raise AwsError(
            "NotOrganizationMasterAccountException",
            "This operation can be performed only by the organization's management account or "
            "the delegated administrator account for CloudTrail.",
        )
    if not provider.trusted(management, cloudtrail.source):
        raise AwsError(
            "CloudTrailAccessNotEnabledException",
            "Trusted access for CloudTrail is not enabled in AWS Organizations.",
        )
    return organization, management


# -- describing -----------------------------------------------------------------------------------


@cloudtrail.operation("GetTrail", resource=named)
def get_trail(call: Call, request: api.GetTrailRequest) -> api.GetTrailResponse:
    """One trail."""
    return api.GetTrailResponse(trail=_shown(found.find(call, request.name)))


@cloudtrail.operation("DescribeTrails")
def describe_trails(call: Call, request: api.DescribeTrailsRequest) -> api.DescribeTrailsResponse:
    """The trails of this Region, with the shadows of trails made elsewhere unless told not to."""
    shadows = request.include_shadow_trails is not False
    seen = {
        row.arn: row
        for row in found.visible(call)
        if shadows or (row.region == call.region and row.account == call.account)
    }
    if request.trail_name_list:
        wanted: dict[str, rows.Trail] = {}
        for name in request.trail_name_list:
            row = _known(call, name)
            if row is not None and (row.arn in seen or (name == row.arn and shadows)):
                wanted[row.arn] = row
        seen = wanted
    ordered = sorted(seen.values(), key=lambda row: row.arn)
    return api.DescribeTrailsResponse(trail_list=[_shown(row) for row in ordered])


def _known(call: Call, name: str) -> rows.Trail | None:
    try:
        return found.find(call, name)
    except AwsError as error:
        if error.code == "TrailNotFoundException":
            return None
        raise


@cloudtrail.operation("ListTrails")
def list_trails(call: Call, request: api.ListTrailsRequest) -> api.ListTrailsResponse:
    """All trails of the account, with their home Regions."""
    organization = found.organization_of(call, call.account)
    mine = [
        row
        for row in rows.all_trails(call.world)
        if row.account == call.account or (organization and row.organization == organization)
    ]
    page, token = paging.page(mine, lambda row: row.arn, request.next_token, PAGE, _invalid_token)
    return api.ListTrailsResponse(
        trails=[
            api.TrailInfo(trail_arn=row.arn, name=row.name, home_region=row.region) for row in page
        ],
        next_token=token,
    )


def _invalid_token() -> AwsError:
    return AwsError("ValidationException", "The NextToken is not valid.")


def _configuration(row: rows.Trail) -> dict[str, Any]:
    return {
        "name": row.name,
        "s3_bucket_name": row.bucket,
        "s3_key_prefix": row.prefix or None,
        "include_global_service_events": row.include_global,
        "is_multi_region_trail": row.multi_region,
        "trail_arn": row.arn,
        "log_file_validation_enabled": row.validation,
        "is_organization_trail": bool(row.organization),
        "recursive_logging": row.recursive,
        "kms_key_id": row.kms_key or None,
        "sns_topic_name": row.topic or None,
        "sns_topic_arn": row.topic_arn or None,
        "cloud_watch_logs_log_group_arn": row.log_group or None,
        "cloud_watch_logs_role_arn": row.log_role or None,
    }


def _shown(row: rows.Trail) -> api.Trail:
    custom = row.advanced is not None or row.selectors != (rows.Selector(),)
    return api.Trail(
        **_configuration(row),
        home_region=row.region,
        has_custom_event_selectors=custom,
        has_insight_selectors=False,
    )
