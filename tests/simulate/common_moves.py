"""The moves of the common services: keys, secrets, parameters, logs, metrics."""

from __future__ import annotations

import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulate.model import A, Caller, Model

if TYPE_CHECKING:
    from tests.simulate.moves import Move

GROUP, STREAM = "group-a", "stream"
GROUP_ARN = f"arn:aws:logs:us-east-1:{A}:log-group:{GROUP}"
PARAMETER = "/shop/value"
PARAMETER_ARN = f"arn:aws:ssm:us-east-1:{A}:parameter{PARAMETER}"
NAMESPACE, METRIC = "Shop", "Orders"
DAY = datetime.timedelta(days=1)
COMMON_ACTIONS = ("kms:*", "kms:Decrypt", "secretsmanager:*", "ssm:*Parameter", "logs:*",
                  "cloudwatch:*")  # fmt: skip


def _move(*given: Any, **more: Any) -> Move:
    from tests.simulate.moves import Move

    return Move(*given, **more)


def _need(action: str, resource: str) -> Any:
    from tests.simulate.moves import Need

    return Need(action, resource, A)


def encrypt(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    text, context = f"secret {serial}".encode(), {"serial": str(serial)}

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.sealed = [*model.sealed[-9:], (answer["CiphertextBlob"], context, text)]

    parameters = {"KeyId": model.arns["key"], "Plaintext": text, "EncryptionContext": context}
    need = _need("kms:Encrypt", model.arns["key"])
    return _move(caller, "kms", "encrypt", parameters, (need,), effect=effect)


def decrypt(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    if not model.sealed:
        return encrypt(random, caller, serial, model)
    sealed, context, text = random.choice(model.sealed)

    def check(model: Model, answer: dict[str, Any]) -> None:
        assert answer["Plaintext"] == text

    need = _need("kms:Decrypt", model.arns["key"])
    parameters = {"CiphertextBlob": sealed, "EncryptionContext": context}
    return _move(caller, "kms", "decrypt", parameters, (need,), check=check)


def put_secret(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    value = f"value {serial}"

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.secret = value

    arn = model.arns["secret"]
    parameters = {"SecretId": arn, "SecretString": value, "ClientRequestToken": f"{serial:032}"}
    needs = (
        _need("secretsmanager:PutSecretValue", arn),
        _need("kms:GenerateDataKey", model.arns["key"]),
    )
    return _move(caller, "secretsmanager", "put_secret_value", parameters, needs, effect=effect)


def get_secret(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    def check(model: Model, answer: dict[str, Any]) -> None:
        assert answer["SecretString"] == model.secret

    arn = model.arns["secret"]
    needs = (
        _need("secretsmanager:GetSecretValue", arn),
        _need("kms:Decrypt", model.arns["key"]),
    )
    return _move(
        caller, "secretsmanager", "get_secret_value", {"SecretId": arn}, needs, check=check
    )


def put_parameter(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    value = f"value {serial}"

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.parameter = value
        model.parameter_version += 1
        assert answer["Version"] == model.parameter_version

    parameters = {"Name": PARAMETER, "Value": value, "Type": "String", "Overwrite": True}
    need = _need("ssm:PutParameter", PARAMETER_ARN)
    return _move(caller, "ssm", "put_parameter", parameters, (need,), effect=effect)


def get_parameter(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    def check(model: Model, answer: dict[str, Any]) -> None:
        assert answer["Parameter"]["Value"] == model.parameter

    need = _need("ssm:GetParameter", PARAMETER_ARN)
    return _move(caller, "ssm", "get_parameter", {"Name": PARAMETER}, (need,), check=check)


def put_events(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    count = random.choice((1, 5, 200))
    messages = [f"event {serial} {number}" for number in range(count)]

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.events = [*model.events, *messages]

    def late(now: float) -> dict[str, Any]:
        at = int(now * 1000)
        return {"logEvents": [{"timestamp": at, "message": message} for message in messages]}

    parameters = {"logGroupName": GROUP, "logStreamName": STREAM}
    need = _need("logs:PutLogEvents", f"{GROUP_ARN}:log-stream:{STREAM}")
    return _move(caller, "logs", "put_log_events", parameters, (need,), effect=effect, late=late)


def filter_events(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    wanted = random.randint(1, serial)

    def check(model: Model, answer: dict[str, Any]) -> None:
        found = sorted(event["message"] for event in answer["events"])
        assert found == sorted(one for one in model.events if one.split()[1] == str(wanted))

    need = _need("logs:FilterLogEvents", f"{GROUP_ARN}:log-stream:")
    parameters = {"logGroupName": GROUP, "filterPattern": f'"event {wanted} "'}
    return _move(caller, "logs", "filter_log_events", parameters, (need,), check=check)


def put_metric(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    values = [float(random.randint(0, 100)) for _ in range(random.randint(1, 3))]

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.measured = [*model.measured, *values]

    data = [{"MetricName": METRIC, "Values": values, "Counts": [1.0] * len(values)}]
    parameters = {"Namespace": NAMESPACE, "MetricData": data}
    need = _need("cloudwatch:PutMetricData", "*")
    return _move(caller, "cloudwatch", "put_metric_data", parameters, (need,), effect=effect)


def get_metric(random: Random, caller: Caller, serial: int, model: Model) -> Move:
    def late(now: float) -> dict[str, Any]:
        at = datetime.datetime.fromtimestamp(now, datetime.UTC)
        return {"StartTime": at - 30 * DAY, "EndTime": at + DAY}

    def check(model: Model, answer: dict[str, Any]) -> None:
        assert sum(one["Sum"] for one in answer["Datapoints"]) == sum(model.measured)
        assert sum(one["SampleCount"] for one in answer["Datapoints"]) == len(model.measured)

    parameters = {
        "Namespace": NAMESPACE, "MetricName": METRIC, "Period": 86_400,
        "Statistics": ["Sum", "SampleCount"],
    }  # fmt: skip
    need = _need("cloudwatch:GetMetricStatistics", "*")
    return _move(
        caller, "cloudwatch", "get_metric_statistics", parameters, (need,), check=check, late=late
    )


COMMON = (
    encrypt, decrypt, put_secret, get_secret, put_parameter, get_parameter, put_events, put_events,
    filter_events, put_metric, get_metric,
)  # fmt: skip
