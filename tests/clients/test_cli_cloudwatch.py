"""The unmodified AWS CLI and CloudWatch."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud


@pytest.mark.needs("aws")
def test_points_and_an_alarm_by_the_cli(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli, "cloudwatch", "--endpoint-url", cloud.endpoint, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    metric = ("--namespace", "App", "--metric-name", "m")
    assert aws("put-metric-data", *metric, "--value", "5", "--dimensions", "Host=a") is None
    assert aws("list-metrics", "--namespace", "App") == {
        "Metrics": [
            {
                "Namespace": "App",
                "MetricName": "m",
                "Dimensions": [{"Name": "Host", "Value": "a"}],
            }
        ]
    }
    alarm = ("--alarm-name", "high", "--statistic", "Sum", "--period", "60")
    comparison = ("--comparison-operator", "GreaterThanThreshold", "--threshold", "1")
    aws(
        "put-metric-alarm",
        *alarm,
        *metric,
        *comparison,
        "--evaluation-periods=1",
        "--dimensions=Name=Host,Value=a",
    )
    cloud.advance(62)
    (found,) = aws("describe-alarms", "--alarm-names", "high")["MetricAlarms"]
    assert found["StateValue"] == "ALARM"
    error = aws("set-alarm-state", "--alarm-name=x", "--state-value=OK", "--state-reason=x")
    assert "(ResourceNotFound) when calling the SetAlarmState operation" in error
