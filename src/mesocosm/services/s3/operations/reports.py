"""Configurations with ids: analytics, metrics, Intelligent-Tiering and inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3 as api
from mesocosm.call.paging import page
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import inventory as inventory_control
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import reports
from mesocosm.services.s3.rules.attributes import argument
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Values

LISTED_MAX = 100
KEPT_MAX = 1000
"""Configurations of one kind per bucket."""


def _put(call: Call, request: Any, kind: str, document: Any) -> rows.Bucket:
    bucket = open_bucket(call, request)
    verify_document(call)
    wellformed(document)
    if request.id is None or document.id != request.id:
        raise argument("The ID in the request and in the document differ", "id", request.id or "")
    reports.check_id(request.id)
    reports.CHECKS[kind](document)
    kept = configurations.listed(call.world, bucket, kind)
    if len(kept) >= KEPT_MAX and all(name != request.id for name, _ in kept):
        raise AwsError(
            "TooManyConfigurations",
            "You are attempting to create a new configuration but have already reached the "
            "1,000-configuration limit.",
            status=400,
        )
    configurations.put(call.world, bucket, kind, document, request.id)
    return bucket


def _get(call: Call, request: Any, kind: str) -> Any:
    found = configurations.get(call.world, open_bucket(call, request), kind, request.id or "")
    if found is None:
        raise _missing()
    return found


def _delete(call: Call, request: Any, kind: str) -> None:
    if not configurations.delete(call.world, open_bucket(call, request), kind, request.id or ""):
        raise _missing()


def _missing() -> AwsError:
    return AwsError(
        "NoSuchConfiguration", "The specified configuration does not exist.", status=404
    )


def _list(call: Call, request: Any, kind: str, answer: Any, member: str) -> Any:
    kept = configurations.listed(call.world, open_bucket(call, request), kind)

    def refuse() -> AwsError:
        return argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            request.continuation_token or "",
        )

    found, token = page(kept, lambda item: item[0], request.continuation_token, LISTED_MAX, refuse)
    setattr(answer, member, [value for _, value in found] or None)
    answer.is_truncated = token is not None
    answer.next_continuation_token = token
    answer.continuation_token = request.continuation_token
    return answer


# -- analytics --------------------------------------------------------------------------------


@s3.operation(
    "PutBucketAnalyticsConfiguration",
    action="s3:PutAnalyticsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_analytics(call: Call, request: api.PutBucketAnalyticsConfigurationRequest) -> None:
    """Keep an analytics configuration; a data export, which nothing would deliver, is refused."""
    document = request.analytics_configuration
    wellformed(document)
    if document.storage_class_analysis.data_export is not None:
        raise call.not_implemented("the export of storage class analysis")
    _put(call, request, "analytics", document)


@s3.operation(
    "GetBucketAnalyticsConfiguration",
    action="s3:GetAnalyticsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_analytics(
    call: Call, request: api.GetBucketAnalyticsConfigurationRequest
) -> api.GetBucketAnalyticsConfigurationOutput:
    """One analytics configuration."""
    return api.GetBucketAnalyticsConfigurationOutput(
        analytics_configuration=_get(call, request, "analytics")
    )


@s3.operation(
    "DeleteBucketAnalyticsConfiguration",
    action="s3:PutAnalyticsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_analytics(call: Call, request: api.DeleteBucketAnalyticsConfigurationRequest) -> None:
    """Remove an analytics configuration."""
    _delete(call, request, "analytics")


@s3.operation(
    "ListBucketAnalyticsConfigurations",
    action="s3:GetAnalyticsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def list_analytics(
    call: Call, request: api.ListBucketAnalyticsConfigurationsRequest
) -> api.ListBucketAnalyticsConfigurationsOutput:
    """The analytics configurations by id."""
    answer = api.ListBucketAnalyticsConfigurationsOutput()
    _list(call, request, "analytics", answer, "analytics_configuration_list")
    return answer


# -- metrics ----------------------------------------------------------------------------------


@s3.operation(
    "PutBucketMetricsConfiguration",
    action="s3:PutMetricsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_metrics(call: Call, request: api.PutBucketMetricsConfigurationRequest) -> None:
    """Keep a metrics configuration: which requests are to be counted."""
    _put(call, request, "metrics", request.metrics_configuration)


@s3.operation(
    "GetBucketMetricsConfiguration",
    action="s3:GetMetricsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_metrics(
    call: Call, request: api.GetBucketMetricsConfigurationRequest
) -> api.GetBucketMetricsConfigurationOutput:
    """One metrics configuration."""
    return api.GetBucketMetricsConfigurationOutput(
        metrics_configuration=_get(call, request, "metrics")
    )


@s3.operation(
    "DeleteBucketMetricsConfiguration",
    action="s3:PutMetricsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_metrics(call: Call, request: api.DeleteBucketMetricsConfigurationRequest) -> None:
    """Remove a metrics configuration."""
    _delete(call, request, "metrics")


@s3.operation(
    "ListBucketMetricsConfigurations",
    action="s3:GetMetricsConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def list_metrics(
    call: Call, request: api.ListBucketMetricsConfigurationsRequest
) -> api.ListBucketMetricsConfigurationsOutput:
    """The metrics configurations by id."""
    answer = api.ListBucketMetricsConfigurationsOutput()
    _list(call, request, "metrics", answer, "metrics_configuration_list")
    return answer


# -- Intelligent-Tiering ----------------------------------------------------------------------


@s3.operation(
    "PutBucketIntelligentTieringConfiguration",
    action="s3:PutIntelligentTieringConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_tiering(call: Call, request: api.PutBucketIntelligentTieringConfigurationRequest) -> None:
    """Keep an Intelligent-Tiering configuration."""
    _put(call, request, "intelligent-tiering", request.intelligent_tiering_configuration)


@s3.operation(
    "GetBucketIntelligentTieringConfiguration",
    action="s3:GetIntelligentTieringConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_tiering(
    call: Call, request: api.GetBucketIntelligentTieringConfigurationRequest
) -> api.GetBucketIntelligentTieringConfigurationOutput:
    """One Intelligent-Tiering configuration."""
    return api.GetBucketIntelligentTieringConfigurationOutput(
        intelligent_tiering_configuration=_get(call, request, "intelligent-tiering")
    )


@s3.operation(
    "DeleteBucketIntelligentTieringConfiguration",
    action="s3:PutIntelligentTieringConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_tiering(
    call: Call, request: api.DeleteBucketIntelligentTieringConfigurationRequest
) -> None:
    """Remove an Intelligent-Tiering configuration."""
    _delete(call, request, "intelligent-tiering")


@s3.operation(
    "ListBucketIntelligentTieringConfigurations",
    action="s3:GetIntelligentTieringConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def list_tiering(
    call: Call, request: api.ListBucketIntelligentTieringConfigurationsRequest
) -> api.ListBucketIntelligentTieringConfigurationsOutput:
    """The Intelligent-Tiering configurations by id."""
    answer = api.ListBucketIntelligentTieringConfigurationsOutput()
    _list(call, request, "intelligent-tiering", answer, "intelligent_tiering_configuration_list")
    return answer


# -- inventory --------------------------------------------------------------------------------


def _inventory_keys(
    call: Call, request: api.PutBucketInventoryConfigurationRequest
) -> dict[str, Values]:
    found = request_keys(call, request)
    document = request.inventory_configuration
    if document is not None and document.optional_fields:
        found["s3:InventoryAccessibleOptionalFields"] = list(document.optional_fields)
    return found


@s3.operation(
    "PutBucketInventoryConfiguration",
    action="s3:PutInventoryConfiguration",
    resource=bucket_arn,
    conditions=_inventory_keys,
)
def put_inventory(call: Call, request: api.PutBucketInventoryConfigurationRequest) -> None:
    """Keep an inventory configuration; reports are delivered as CSV."""
    document = request.inventory_configuration
    wellformed(document)
    to = document.destination.s3_bucket_destination
    if to.format != "CSV":
        raise call.not_implemented(f"an inventory as {to.format}")
    bucket = _put(call, request, "inventory", document)
    inventory_control.plan(call, bucket)


@s3.operation(
    "GetBucketInventoryConfiguration",
    action="s3:GetInventoryConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_inventory(
    call: Call, request: api.GetBucketInventoryConfigurationRequest
) -> api.GetBucketInventoryConfigurationOutput:
    """One inventory configuration."""
    return api.GetBucketInventoryConfigurationOutput(
        inventory_configuration=_get(call, request, "inventory")
    )


@s3.operation(
    "DeleteBucketInventoryConfiguration",
    action="s3:PutInventoryConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_inventory(call: Call, request: api.DeleteBucketInventoryConfigurationRequest) -> None:
    """Remove an inventory configuration."""
    _delete(call, request, "inventory")


@s3.operation(
    "ListBucketInventoryConfigurations",
    action="s3:GetInventoryConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def list_inventory(
    call: Call, request: api.ListBucketInventoryConfigurationsRequest
) -> api.ListBucketInventoryConfigurationsOutput:
    """The inventory configurations by id."""
    answer = api.ListBucketInventoryConfigurationsOutput()
    _list(call, request, "inventory", answer, "inventory_configuration_list")
    return answer
