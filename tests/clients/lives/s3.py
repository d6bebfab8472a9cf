"""Terraform: buckets with all that can be configured, and objects."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    queues = cloud.client("sqs", account=ACCOUNT)
    allowed = (
        '{"Statement": {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},'
        f' "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:{ACCOUNT}:events"}}}}'
    )
    queues.create_queue(QueueName="events", Attributes={"Policy": allowed})
    queues.close()
    abroad = provider(cloud.endpoint, alias="abroad", region="eu-west-1")
    run.configure("s3", provider(cloud.endpoint), abroad)
    run.apply(team="a")
    client = cloud.client("s3", account=ACCOUNT)
    assert len(client.list_buckets()["Buckets"]) == 5
    outputs = run.outputs()
    assert (outputs["index"], outputs["region"]) == ("<h1>a</h1>", "us-east-1")
    assert outputs["keys"] == ["copy.html", "index.html"]

    run.apply(team="b")
    rules = client.get_bucket_lifecycle_configuration(Bucket=f"it-{ACCOUNT}")["Rules"]
    assert rules[0]["Transitions"][0]["Days"] == 60
    assert run.outputs()["index"] == "<h1>b</h1>"

    run.destroy(team="b")
    assert client.list_buckets()["Buckets"] == []
    client.close()
