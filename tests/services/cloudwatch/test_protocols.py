"""CBOR, JSON and the query protocol: the same service."""

from __future__ import annotations

import datetime as dt
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud


@pytest.fixture(params=["smithy-rpc-v2-cbor", "json", "query"])
def metrics(cloud: LocalCloud, request: pytest.FixtureRequest) -> Any:
    """A client of AWS's SDK that speaks one of the protocols of the model."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def only(name: str, kind: str, **rest: Any) -> Any:
        model = load(name, kind, **rest)
        if name == "cloudwatch" and kind == "service-2":
            model = {**model, "metadata": {**model["metadata"], "protocols": [request.param]}}
            model["metadata"]["protocol"] = request.param
        return model

    loader.load_service_model = only
    client = session.create_client(
        "cloudwatch",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id="000000000000",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 1}),
    )
    assert client.meta.service_model.protocol == request.param
    yield client
    client.close()


def test_a_point_goes_in_and_out(cloud: LocalCloud, metrics: Any) -> None:
    minute = cloud.now() // 60 * 60
    metrics.put_metric_data(
        Namespace="App",
        MetricData=[
            {
                "MetricName": "m",
                "Value": 1.5,
                "Timestamp": dt.datetime.fromtimestamp(minute, dt.UTC),
                "Dimensions": [{"Name": "n", "Value": str(number)}],
                "Unit": "Count",
            }
            for number in range(300)  # large enough for SDKs to compress it
        ],
    )
    answer = metrics.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m1",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "App",
                        "MetricName": "m",
                        "Dimensions": [{"Name": "n", "Value": "7"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=minute,
        EndTime=minute + 60,
    )
    (one,) = answer["MetricDataResults"]
    assert (one["Values"], one["StatusCode"]) == ([1.5], "Complete")
    assert one["Timestamps"][0].timestamp() == minute
    assert len(metrics.list_metrics(Namespace="App")["Metrics"]) == 300


def test_alarms_and_errors(metrics: Any) -> None:
    metrics.put_composite_alarm(AlarmName="a", AlarmRule="TRUE", Tags=[{"Key": "k", "Value": "v"}])
    (alarm,) = metrics.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (alarm["StateValue"], alarm["ActionsEnabled"]) == ("ALARM", True)
    with pytest.raises(ClientError) as error:
        metrics.put_metric_data(Namespace="AWS/X", MetricData=[{"MetricName": "m", "Value": 1}])
    assert (
        error.value.response["Error"]
        == {
            "Code": "InvalidParameterValue",
            "Message": "The value AWS/X for parameter Namespace is invalid.",
            "Type": "Sender",
        }
        or error.value.response["Error"]["Code"] == "InvalidParameterValue"
    )
    with pytest.raises(ClientError) as error:
        metrics.set_alarm_state(AlarmName="no", StateValue="OK", StateReason="x")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
