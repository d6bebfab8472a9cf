"""Terraform: streams to a bucket, plain and partitioned."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("firehose", provider(cloud.endpoint))
    run.apply(seconds="60")
    client = cloud.client("firehose", account=ACCOUNT)
    s3 = cloud.client("s3", account=ACCOUNT)
    assert run.outputs()["arn"].endswith(":deliverystream/clicks")
    record = {"Data": b'{"customer_id":"a"}'}
    client.put_record(DeliveryStreamName="clicks", Record=record)
    cloud.advance(61)
    (found,) = s3.list_objects_v2(Bucket="lake")["Contents"]
    assert found["Key"].startswith("c=a/clicks-1-")

    run.apply(seconds="90")
    shown = client.describe_delivery_stream(DeliveryStreamName="clicks")
    (destination,) = shown["DeliveryStreamDescription"]["Destinations"]
    hints = destination["ExtendedS3DestinationDescription"]["BufferingHints"]
    assert hints == {"SizeInMBs": 64, "IntervalInSeconds": 90}

    run.destroy(seconds="90")
    assert client.list_delivery_streams()["DeliveryStreamNames"] == []
    client.close()
    s3.close()
