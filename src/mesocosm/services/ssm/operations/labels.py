"""Labels of versions."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations.opened import known, numbers, parameter_arn, save
from mesocosm.services.ssm.operations.writing import resource_tags
from mesocosm.services.ssm.rules.names import LABEL, LABELS_MAX, no_version
from mesocosm.wire.errors import AwsError


def _conditions(
    call: Call, request: api.LabelParameterVersionRequest | api.UnlabelParameterVersionRequest
) -> dict[str, Values]:
    return resource_tags(call, request.name.strip())


@ssm.operation("LabelParameterVersion", resource=parameter_arn, conditions=_conditions)
def label_parameter_version(
    call: Call, request: api.LabelParameterVersionRequest
) -> api.LabelParameterVersionResult:
    """Attach labels to a version (the newest without a number), taken from those that had them."""
    found = known(call, request.name.strip())
    row = found.parameter
    number = row.latest if request.parameter_version is None else request.parameter_version
    if number not in numbers(found):
        raise no_version(row.name, number)
    good = [label for label in dict.fromkeys(request.labels) if LABEL.fullmatch(label)]
    bad = [label for label in request.labels if label not in good]
    version = found.version(call, number)
    labels = (*version.labels, *(label for label in good if label not in version.labels))
    if len(labels) > LABELS_MAX:
        raise AwsError(
            "ParameterVersionLabelLimitExceeded",
            f"A parameter version can have maximum {LABELS_MAX} labels.Move one or more labels to "
            "another version and try again.",
        )
    for other in numbers(found):
        there = found.version(call, other)
        if other != number and set(there.labels) & set(good):
            left = tuple(label for label in there.labels if label not in good)
            save(call, found, other, replace(there, labels=left))
    save(call, found, number, replace(version, labels=labels))
    return api.LabelParameterVersionResult(invalid_labels=bad, parameter_version=number)


@ssm.operation("UnlabelParameterVersion", resource=parameter_arn, conditions=_conditions)
def unlabel_parameter_version(
    call: Call, request: api.UnlabelParameterVersionRequest
) -> api.UnlabelParameterVersionResult:
    """Take labels from a version."""
    found = known(call, request.name.strip())
    number = request.parameter_version
    if number not in numbers(found):
        raise no_version(found.parameter.name, number)
    version = found.version(call, number)
    gone = [label for label in request.labels if label in version.labels]
    left = tuple(label for label in version.labels if label not in gone)
    save(call, found, number, replace(version, labels=left))
    return api.UnlabelParameterVersionResult(
        removed_labels=gone,
        invalid_labels=[label for label in request.labels if label not in gone],
    )
