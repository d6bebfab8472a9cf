"""What Mesocosm's services publish about themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]


def total(metrics: Any, cloud: LocalCloud, namespace: str, name: str, **where: str) -> float | None:
    """The newest value of a metric within the last minutes, summed up; None: no data."""
    points = metrics.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in where.items()],
        StartTime=cloud.now() - 300,
        EndTime=cloud.now(),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points) if points else None


def test_queues_publish_what_happens_to_them(cloud: LocalCloud, client: Client) -> None:
    sqs, metrics = client("sqs"), client("cloudwatch")
    cloud.advance(61 - cloud.now() % 60)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    for body in ("a", "bcd", "e"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    got = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    sqs.receive_message(QueueUrl=url)
    cloud.advance(60)

    def of(name: str) -> float | None:
        return total(metrics, cloud, "AWS/SQS", name, QueueName="q")

    assert of("NumberOfMessagesSent") == 3
    assert of("SentMessageSize") == 5
    assert of("NumberOfMessagesReceived") == 2
    assert of("NumberOfMessagesDeleted") == 1
    assert of("NumberOfEmptyReceives") is None
    assert of("ApproximateNumberOfMessagesVisible") is not None
    listed = metrics.list_metrics(Namespace="AWS/SQS", MetricName="SentMessageSize")["Metrics"]
    assert [one["Dimensions"] for one in listed] == [[{"Name": "QueueName", "Value": "q"}]]


def test_an_alarm_on_a_queue(cloud: LocalCloud, client: Client) -> None:
    sqs, metrics = client("sqs"), client("cloudwatch")
    cloud.advance(61 - cloud.now() % 60)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    metrics.put_metric_alarm(
        AlarmName="deep",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "q"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    cloud.advance(180)
    (alarm,) = metrics.describe_alarms()["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
    sqs.purge_queue(QueueUrl=url)
    cloud.advance(180)
    (alarm,) = metrics.describe_alarms()["MetricAlarms"]
    assert alarm["StateValue"] == "OK"


def test_a_queue_that_nobody_uses_is_silent_after_six_hours(
    cloud: LocalCloud, client: Client
) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    cloud.advance(7 * 3600)
    position = cloud.do(lambda: cloud.world.position)
    cloud.advance(12 * 3600)
    assert cloud.do(lambda: cloud.world.position) <= position + 3


def test_a_rewind_takes_the_points_back(cloud: LocalCloud, client: Client) -> None:
    sqs, metrics = client("sqs"), client("cloudwatch")
    cloud.advance(61 - cloud.now() % 60)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    cloud.snapshot("before")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    cloud.advance(60)
    assert total(metrics, cloud, "AWS/SQS", "NumberOfMessagesSent", QueueName="q") == 1
    cloud.rewind("before")
    cloud.advance(120)
    assert total(metrics, cloud, "AWS/SQS", "NumberOfMessagesSent", QueueName="q") is None


def test_buckets_publish_their_size_at_midnight(cloud: LocalCloud, client: Client) -> None:
    s3, metrics = client("s3"), client("cloudwatch")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 1000)
    s3.put_object(Bucket="bucket", Key="cold", Body=b"y" * 10, StorageClass="GLACIER")
    upload = s3.create_multipart_upload(Bucket="bucket", Key="big")["UploadId"]
    s3.upload_part(Bucket="bucket", Key="big", UploadId=upload, PartNumber=1, Body=b"z" * 7)
    midnight = cloud.now() // 86_400 * 86_400 + 86_400
    cloud.advance(midnight - cloud.now() + 1)

    def of(name: str, kind: str) -> float | None:
        return total(metrics, cloud, "AWS/S3", name, BucketName="bucket", StorageType=kind)

    assert of("BucketSizeBytes", "StandardStorage") == 1007
    assert of("BucketSizeBytes", "GlacierStorage") == 10
    assert of("NumberOfObjects", "AllStorageTypes") == 3
    s3.delete_object(Bucket="bucket", Key="k")
    cloud.advance(86_400)
    assert of("BucketSizeBytes", "StandardStorage") == 7


def test_buckets_publish_their_requests_where_asked_to(cloud: LocalCloud, client: Client) -> None:
    s3, metrics = client("s3"), client("cloudwatch")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_metrics_configuration(
        Bucket="bucket", Id="docs", MetricsConfiguration={"Id": "docs", "Filter": {"Prefix": "d/"}}
    )
    cloud.advance(61 - cloud.now() % 60)
    s3.put_object(Bucket="bucket", Key="d/k", Body=b"x" * 100)
    s3.put_object(Bucket="bucket", Key="other", Body=b"x")
    s3.get_object(Bucket="bucket", Key="d/k")["Body"].read()
    with suppress(ClientError):
        s3.get_object(Bucket="bucket", Key="d/none")
    cloud.advance(60)

    def of(name: str) -> float | None:
        return total(metrics, cloud, "AWS/S3", name, BucketName="bucket", FilterId="docs")

    assert of("AllRequests") == 3
    assert (of("PutRequests"), of("GetRequests"), of("4xxErrors")) == (1, 2, 1)
    assert (of("BytesUploaded"), of("BytesDownloaded")) == (100, 100)
