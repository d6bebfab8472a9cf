"""Finding resources by their tags; the keys and values in use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mesocosm.api import resourcegroupstaggingapi as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.tagged import Found, tagged_resources
from mesocosm.services.resourcegroupstaggingapi import resourcegroupstaggingapi as tagging
from mesocosm.services.resourcegroupstaggingapi import rules
from mesocosm.wire.errors import AwsError

RESOURCES_MAX = 100
TAGS_MIN, TAGS_MAX, TAGS_STEP = 100, 500, 100
LISTED_MAX = 1_000


def invalid(message: str) -> AwsError:
    """InvalidParameterException."""
    return AwsError("InvalidParameterException", message)


def bad_token() -> AwsError:
    """The refusal of a token that was not given."""
    return invalid("The specified PaginationToken is invalid.")


def policy_of(call: Call, account: str) -> Any:
    """The effective tag policy of an account; None without one."""
    organization = call.cloud.provider("organization")
    return organization.effective(account, "TAG_POLICY") if organization else None


def matches(found: Found, filters: Iterable[api.TagFilter]) -> bool:
    """Whether a resource has every key wanted, with one of the values wanted."""
    return all(
        (wanted.key or "") in found.tags
        and (not wanted.values or found.tags[wanted.key or ""] in wanted.values)
        for wanted in filters
    )


@tagging.operation("GetResources")
def get_resources(call: Call, request: api.GetResourcesInput) -> api.GetResourcesOutput:
    """The resources of the Region that have tags, by their tags, kinds or ARNs."""
    _check(request)
    resources: Iterable[Found] = tagged_resources(call.cloud, call.account, call.region)
    if request.resource_arn_list:
        wanted = set(request.resource_arn_list)
        resources = (found for found in resources if found.arn in wanted)
    if request.resource_type_filters:
        kinds = request.resource_type_filters
        resources = (found for found in resources if any(found.is_of(kind) for kind in kinds))
    if request.tag_filters:
        filters = request.tag_filters
        resources = (found for found in resources if matches(found, filters))
    policy = policy_of(call, call.account) if request.include_compliance_details else None
    shown = [_shown(found, policy, request) for found in resources]
    kept = [one for one in shown if one is not None]
    limit = request.resources_per_page or RESOURCES_MAX
    listed, token = page(
        kept, lambda one: one.resource_arn or "", request.pagination_token, limit, bad_token
    )
    if request.tags_per_page:
        listed, token = _of_tags(listed, token, request, kept)
    return api.GetResourcesOutput(resource_tag_mapping_list=listed, pagination_token=token or "")


def _check(request: api.GetResourcesInput) -> None:
    if request.resource_arn_list and (
        request.tag_filters
        or request.resource_type_filters
        or request.resources_per_page
        or request.tags_per_page
        or request.pagination_token
    ):
        raise invalid(
            "The ResourceARNList parameter can't be combined with filters or pagination parameters."
        )
    per_page, tags = request.resources_per_page, request.tags_per_page
    if per_page is not None and not 1 <= per_page <= RESOURCES_MAX:
        raise invalid(f"ResourcesPerPage must be between 1 and {RESOURCES_MAX}.")
    if tags is not None and (not TAGS_MIN <= tags <= TAGS_MAX or tags % TAGS_STEP):
        raise invalid(
            f"TagsPerPage must be between {TAGS_MIN} and {TAGS_MAX}, in steps of {TAGS_STEP}."
        )
    if request.exclude_compliant_resources and not request.include_compliance_details:
        raise invalid(
            "ExcludeCompliantResources can be used only if IncludeComplianceDetails is true."
        )


def _shown(
    found: Found, policy: Any, request: api.GetResourcesInput
) -> api.ResourceTagMapping | None:
    details = None
    if request.include_compliance_details:
        state = rules.compliance(policy, found.types, found.tags)
        if state.complete and request.exclude_compliant_resources:
            return None
        details = api.ComplianceDetails(
            noncompliant_keys=list(state.keys),
            keys_with_noncompliant_values=list(state.values),
            missing_tag_keys=list(state.missing),
            compliance_status=state.complete,
        )
    tags = [api.Tag(key=key, value=value) for key, value in sorted(found.tags.items())]
    return api.ResourceTagMapping(resource_arn=found.arn, tags=tags, compliance_details=details)


def _of_tags(
    listed: list[api.ResourceTagMapping],
    token: str | None,
    request: api.GetResourcesInput,
    kept: list[api.ResourceTagMapping],
) -> tuple[list[api.ResourceTagMapping], str | None]:
    """As many whole resources as have so many tags together."""
    limit, count = request.tags_per_page or TAGS_MAX, 0
    for at, one in enumerate(listed):
        count += len(one.tags or ()) or 1
        if count > limit:
            return page(
                kept, lambda one: one.resource_arn or "", request.pagination_token, at, bad_token
            )
    return listed, token


@tagging.operation("GetTagKeys")
def get_tag_keys(call: Call, request: api.GetTagKeysInput) -> api.GetTagKeysOutput:
    """The keys in use in the Region."""
    keys = {
        key
        for found in tagged_resources(call.cloud, call.account, call.region)
        for key in found.tags
    }
    listed, token = page(keys, str, request.pagination_token, LISTED_MAX, bad_token)
    return api.GetTagKeysOutput(tag_keys=listed, pagination_token=token or "")


@tagging.operation("GetTagValues")
def get_tag_values(call: Call, request: api.GetTagValuesInput) -> api.GetTagValuesOutput:
    """The values in use with a key in the Region."""
    values = {
        found.tags[request.key]
        for found in tagged_resources(call.cloud, call.account, call.region)
        if request.key in found.tags
    }
    listed, token = page(values, str, request.pagination_token, LISTED_MAX, bad_token)
    return api.GetTagValuesOutput(tag_values=listed, pagination_token=token or "")


@tagging.operation("ListRequiredTags")
def list_required_tags(
    call: Call, request: api.ListRequiredTagsInput
) -> api.ListRequiredTagsOutput:
    """The tags that the account's effective tag policy wants reported when they are missing."""
    wanted = rules.required(policy_of(call, call.account))
    kinds, token = page(wanted, str, request.next_token, request.max_results or 200, bad_token)
    return api.ListRequiredTagsOutput(
        required_tags=[
            api.RequiredTag(
                resource_type=kind,
                cloud_formation_resource_types=_cloudformation(call, kind),
                reporting_tag_keys=wanted[kind],
            )
            for kind in kinds
        ],
        next_token=token,
    )


def _cloudformation(call: Call, kind: str) -> list[str]:
    """CloudFormation's names of a kind, of the services there are."""
    name, _, wanted = kind.lower().partition(":")
    service = call.cloud.catalogue.service(name)
    return sorted(
        known.type
        for known in (service.tagged_kinds if service else ())
        if wanted in (rules.ALL, known.type.rpartition("::")[2].lower())
    )
