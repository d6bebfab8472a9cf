"""Destinations: what one may be, its defaults, changing it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import firehose as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations.opened import acting, known, save, stream_arn
from mesocosm.services.firehose.resources import ACTIVE
from mesocosm.services.firehose.rules import expressions, jq, processing
from mesocosm.services.firehose.rules.expressions import refused
from mesocosm.wire.errors import AwsError

ID = "destinationId-000000000001"
SIZE_MB, INTERVAL = 5, 300
DYNAMIC_SIZE_MB = 64

OTHERS = (
    "redshift",
    "elasticsearch",
    "amazonopensearchservice",
    "splunk",
    "http_endpoint",
    "amazon_open_search_serverless",
    "snowflake",
    "iceberg",
)
"""The kinds of destinations that are not there."""

DEFAULTS: dict[str, Any] = {
    "Prefix": "",
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
}


def refuse_others(call: Call, request: Any, kind: str) -> None:
    """Destinations other than S3, said plainly. `kind`: "configuration" or "update"."""
    for name in OTHERS:
        ending = f"destination_{kind}"
        if getattr(request, f"{name}_{ending}", None) is not None:
            words = name.replace("_", " ")
            raise call.not_implemented(f"delivery to other destinations than S3 ({words})")


def plain(value: Any) -> dict[str, Any]:
    """A structure of a request with AWS's names, what is not given left out."""
    found = msgspec.to_builtins(value)
    return {key: _pruned(one) for key, one in found.items() if one is not None}


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(one) for key, one in value.items() if one is not None}
    return [_pruned(one) for one in value] if isinstance(value, list) else value


def completed(given: dict[str, Any]) -> dict[str, Any]:
    """A destination with every default."""
    made = {**DEFAULTS, **given}
    dynamic = made.get("DynamicPartitioningConfiguration", {}).get("Enabled", False)
    hints = {
        "SizeInMBs": DYNAMIC_SIZE_MB if dynamic else SIZE_MB,
        "IntervalInSeconds": INTERVAL,
        **made.get("BufferingHints", {}),
    }
    return {**made, "BufferingHints": hints}


def checked(call: Call, given: dict[str, Any], name: str) -> dict[str, Any]:
    """A destination with its defaults, if it can be. Raises InvalidArgumentException."""
    made = completed(given)
    made.setdefault("S3BackupMode", "Disabled")
    if made.get("DataFormatConversionConfiguration", {}).get("Enabled"):
        raise call.not_implemented("conversion of record formats: its schemas are kept in AWS Glue")
    for form in (made["CompressionFormat"], _backup(made).get("CompressionFormat", "UNCOMPRESSED")):
        if form not in expressions.EXTENSIONS:
            raise call.not_implemented(f"the compression format {form}")
    _check_names(call, made)
    if made["S3BackupMode"] == "Enabled":
        if "S3BackupConfiguration" not in made:
            raise refused("S3BackupConfiguration is required when S3BackupMode is Enabled.")
        made["S3BackupConfiguration"] = completed(made["S3BackupConfiguration"])
    for role in {made["RoleARN"], _backup(made).get("RoleARN", made["RoleARN"])}:
        _check_role(call, role, name)
    return made


def _backup(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made.get("S3BackupConfiguration") or {}
    return found


def _check_names(call: Call, made: dict[str, Any]) -> None:
    configured = made.get("ProcessingConfiguration", {})
    processors = configured.get("Processors", []) if configured.get("Enabled") else []
    if any(one["Type"] == "Lambda" for one in processors):
        raise call.not_implemented("transformation of records by AWS Lambda")
    plan = processing.plan(processors)
    dynamic = made.get("DynamicPartitioningConfiguration", {}).get("Enabled", False)
    if plan.query and not dynamic:
        raise refused("MetadataExtraction needs dynamic partitioning to be enabled.")
    if dynamic and not plan.query:
        raise refused("Dynamic partitioning needs the MetadataExtraction processor.")
    if dynamic and made["BufferingHints"]["SizeInMBs"] < DYNAMIC_SIZE_MB:
        raise refused(
            f"BufferingHints.SizeInMBs must be at least {DYNAMIC_SIZE_MB} when dynamic "
            "partitioning is enabled."
        )
    expressions.zone(made.get("CustomTimeZone", ""))
    keys: frozenset[str] = frozenset()
    if plan.query:
        try:
            found = jq.compiled(plan.query)({})
            keys = frozenset(found) if isinstance(found, dict) else keys
        except jq.JqError:
            pass  # the names of the keys are not known without a record
    error_prefix = made.get("ErrorOutputPrefix", "")
    expressions.check(made["Prefix"], error_prefix, keys, dynamic)


def _check_role(call: Call, role: str, name: str) -> None:
    try:
        acting(call, role, name)
    except AwsError:
        raise refused(
            f"Firehose is unable to assume role {role}. Please check the role provided."
        ) from None


def roles(given: dict[str, Any]) -> set[str]:
    """The roles a destination names."""
    found = {given.get("RoleARN"), _backup(given).get("RoleARN")}
    found.add((given.get("S3BackupUpdate") or {}).get("RoleARN"))
    return {role for role in found if role}


def passing(given: dict[str, Any]) -> list[Need]:
    """The permission to pass these roles to Firehose."""
    conditions = {"iam:PassedToService": firehose.source}
    return [Need("iam:PassRole", role, conditions) for role in sorted(roles(given))]


def given(request: Any, kind: str) -> dict[str, Any] | None:
    """The S3 destination of a request; None without. Raises InvalidArgumentException."""
    plain_s3 = getattr(request, f"s3_destination_{kind}")
    extended = getattr(request, f"extended_s3_destination_{kind}")
    if plain_s3 is not None and extended is not None:
        raise refused("Exactly one destination configuration is supported for a Firehose.")
    chosen = extended if extended is not None else plain_s3
    return plain(chosen) if chosen is not None else None


def description(made: dict[str, Any]) -> api.DestinationDescription:
    """A destination as DescribeDeliveryStream shows it: in the older form, too."""
    backup = made.get("S3BackupConfiguration")
    shown = {key: one for key, one in made.items() if key != "S3BackupConfiguration"}
    if backup is not None:
        shown["S3BackupDescription"] = backup
    return api.DestinationDescription(
        destination_id=ID,
        s3_destination_description=msgspec.convert(made, api.S3DestinationDescription),
        extended_s3_destination_description=msgspec.convert(
            shown, api.ExtendedS3DestinationDescription
        ),
    )


def _needs(call: Call, request: api.UpdateDestinationInput) -> list[Need]:
    found = given(request, "update")
    return passing(found) if found else []


@firehose.operation("UpdateDestination", resource=stream_arn, needs=_needs)
def update_destination(
    call: Call, request: api.UpdateDestinationInput
) -> api.UpdateDestinationOutput:
    """Change what is given of a destination; what is gathered goes to the new one."""
    refuse_others(call, request, "update")
    row = known(call, request.delivery_stream_name)
    if row.status != ACTIVE:
        raise AwsError(
            "ResourceInUseException",
            f"Firehose {row.name} under accountId {call.account} is not in the ACTIVE state.",
        )
    if request.destination_id != ID:
        raise refused(f"Destination Id {request.destination_id} not found")
    if request.current_delivery_stream_version_id != str(row.version):
        raise AwsError(
            "ConcurrentModificationException",
            f"Cannot update firehose: {row.name} since the current version id: {row.version} and "
            f"specified version id: {request.current_delivery_stream_version_id} do not match",
        )
    changes = given(request, "update")
    if changes is None:
        raise refused("A destination update is required.")
    backup = changes.pop("S3BackupUpdate", None)
    made = {**row.destination, **changes}
    if backup is not None:
        made["S3BackupConfiguration"] = {**_backup(row.destination), **backup}
    hints = {**row.destination["BufferingHints"], **changes.get("BufferingHints", {})}
    made["BufferingHints"] = hints
    made = checked(call, made, row.name)
    save(call, replace(row, destination=made, version=row.version + 1, updated=call.now))
    return api.UpdateDestinationOutput()
