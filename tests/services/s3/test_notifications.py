"""Event notifications to queues and topics."""

from __future__ import annotations

import json

import pytest

QUEUE = "arn:aws:sqs:us-east-1:000000000000:events"


def policy(bucket="a-bucket"):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "s3.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": QUEUE,
                    "Condition": {
                        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                        "StringEquals": {"aws:SourceAccount": "000000000000"},
                    },
                }
            ],
        }
    )


@pytest.fixture
def sqs(client):
    return client("sqs")


@pytest.fixture
def queue(sqs):
    """A queue that takes events of the bucket."""
    return sqs.create_queue(QueueName="events", Attributes={"Policy": policy()})["QueueUrl"]


@pytest.fixture
def told(sqs, queue):
    """What has come since: the records of the messages, oldest first."""

    def told():
        found = []
        while True:
            batch = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages")
            if not batch:
                return sorted(
                    found, key=lambda r: r.get("s3", {}).get("object", {}).get("sequencer", "")
                )
            for message in batch:
                body = json.loads(message["Body"])
                found += body.get("Records", [body])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    return told


@pytest.fixture
def notify(s3, bucket, queue, told):
    """`notify(*events, filters)`: put a configuration; its test message is taken."""

    def notify(*events, **filters):
        given = {"Id": "c", "QueueArn": QUEUE, "Events": list(events)}
        if filters:
            rules = [{"Name": name, "Value": value} for name, value in filters.items()]
            given["Filter"] = {"Key": {"FilterRules": rules}}
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [given]}
        )
        (test,) = told()
        assert test["Event"] == "s3:TestEvent"
        assert test["Bucket"] == bucket

    return notify


def names(records):
    return [record["eventName"] for record in records]


def test_an_event_has_the_structure_of_s3(s3, bucket, notify, told):
    notify("s3:ObjectCreated:*")
    put = s3.put_object(Bucket=bucket, Key="red flower/ä.jpg", Body=b"hello")
    (record,) = told()
    assert record["eventVersion"] == "2.1"
    assert record["eventSource"] == "aws:s3"
    assert record["awsRegion"] == "us-east-1"
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["userIdentity"] == {"principalId": "AWS:000000000000"}
    assert record["requestParameters"] == {"sourceIPAddress": "127.0.0.1"}
    metadata = put["ResponseMetadata"]
    assert record["responseElements"] == {
        "x-amz-request-id": metadata["RequestId"],
        "x-amz-id-2": metadata["HostId"],
    }
    what = record["s3"]
    assert what["s3SchemaVersion"] == "1.0"
    assert what["configurationId"] == "c"
    assert what["bucket"]["name"] == bucket
    assert what["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert set(what["object"]) == {"key", "size", "eTag", "sequencer"}
    assert what["object"]["key"] == "red+flower/%C3%A4.jpg"
    assert what["object"]["size"] == 5
    assert f'"{what["object"]["eTag"]}"' == put["ETag"]


def test_every_kind_of_write_and_removal_is_told(s3, versioned, notify, told):
    notify("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    first = s3.put_object(Bucket=versioned, Key="a", Body=b"1")["VersionId"]
    s3.copy_object(Bucket=versioned, Key="b", CopySource=f"{versioned}/a")
    upload = s3.create_multipart_upload(Bucket=versioned, Key="c")["UploadId"]
    part = {"Bucket": versioned, "Key": "c", "UploadId": upload}
    etag = s3.upload_part(**part, PartNumber=1, Body=b"1")["ETag"]
    s3.complete_multipart_upload(
        **part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    s3.put_object_tagging(
        Bucket=versioned, Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]}
    )
    s3.delete_object_tagging(Bucket=versioned, Key="a")
    marker = s3.delete_object(Bucket=versioned, Key="a")["VersionId"]
    s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "a", "VersionId": first}]})
    records = told()
    assert names(records) == [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRemoved:Delete",
    ]
    assert records[5]["s3"]["object"]["versionId"] == marker
    assert records[6]["s3"]["object"]["versionId"] == first
    assert [record["eventVersion"] for record in records[2:6]] == ["2.1", "2.3", "2.3", "2.1"]


def test_only_keys_that_fit_are_told(s3, bucket, notify, told):
    notify("s3:ObjectCreated:Put", prefix="in/", suffix=".jpg")
    for key in ("in/a.jpg", "in/a.png", "out/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [record["s3"]["object"]["key"] for record in told()] == ["in/a.jpg"]


def test_lifecycle_tells_what_it_did(cloud, s3, bucket, notify, told):
    notify("s3:LifecycleExpiration:*")
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
        },
    )
    cloud.advance(2 * 86_400)
    (record,) = told()
    assert record["eventName"] == "LifecycleExpiration:Delete"
    assert record["userIdentity"] == {"principalId": "s3.amazonaws.com"}


def test_restores_are_told_when_they_end(cloud, s3, bucket, notify, told):
    notify("s3:ObjectRestore:*")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", StorageClass="GLACIER")
    s3.restore_object(Bucket=bucket, Key="a", RestoreRequest={"Days": 1})
    assert names(told()) == ["ObjectRestore:Post"]
    cloud.advance(6 * 3600)
    (record,) = told()
    assert record["eventName"] == "ObjectRestore:Completed"
    assert record["glacierEventData"]["restoreEventData"]["lifecycleRestoreStorageClass"] == (
        "GLACIER"
    )
    cloud.advance(3 * 86_400)
    assert names(told()) == ["ObjectRestore:Delete"]
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="a")


def test_a_queue_that_fails_fails_no_upload_and_is_tried_again(
    cloud, s3, sqs, bucket, queue, notify, told
):
    notify("s3:ObjectCreated:*")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert told() == []
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy()})
    cloud.advance(60)
    assert names(told()) == ["ObjectCreated:Put"]


def test_a_queue_must_be_there_and_let_s3_in(s3, sqs, bucket, refused):
    def put(arn=QUEUE, **options):
        s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
            },
            **options,
        )

    unable = "Unable to validate the following destination configurations"
    with refused("InvalidArgument", 400) as refusal:
        put()
    assert refusal.message == unable
    assert refusal.error["ArgumentValue1"] == "The destination queue does not exist"
    sqs.create_queue(QueueName="events", Attributes={"Policy": policy("another-bucket")})
    with refused("InvalidArgument", 400) as refusal:
        put()
    assert refusal.message == unable
    assert "do not allow S3 to publish" in refusal.error["ArgumentValue1"]
    with refused("InvalidArgument", 400):
        put("arn:aws:sqs:eu-west-1:000000000000:events")
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    put(SkipDestinationValidation=True)
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert got[0]["QueueArn"] == QUEUE
    assert got[0]["Id"]


@pytest.mark.parametrize(
    "configuration",
    [
        {
            "TopicConfigurations": [
                {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Events": ["s3:TestEvent"]}
            ]
        },
        {
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
                    "Events": ["s3:ObjectCreated:*"],
                }
            ]
        },
        {"EventBridgeConfiguration": {}},
    ],
)
def test_destinations_that_are_not_there_yet_are_not_pretended(s3, bucket, refused, configuration):
    with refused("NotImplemented" if "Topic" not in str(configuration) else "InvalidArgument"):
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )


def test_configurations_must_not_overlap(s3, bucket, queue, refused):
    with refused("InvalidArgument", 400) as refusal:
        s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]},
                    {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"]},
                ]
            },
        )
    assert refusal.message.startswith("Configuration is ambiguously defined.")


def test_an_upload_form_is_a_post(s3, bucket, notify, told, raw):
    notify("s3:ObjectCreated:Post")
    post = s3.generate_presigned_post(bucket, "form")
    parts = [*post["fields"].items(), ("file", "hello")]
    body = "".join(
        f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    kind = {"Content_Type": "multipart/form-data; boundary=XX"}
    assert raw("POST", f"/{bucket}", f"{body}--XX--\r\n".encode(), **kind)[0] == 204
    assert names(told()) == ["ObjectCreated:Post"]


def test_events_are_published_to_a_topic(s3, sqs, client, refused):
    sns = client("sns")
    topic = sns.create_topic(Name="events")["TopicArn"]
    s3.create_bucket(Bucket="a-bucket")
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}

    def configure(arn=topic):
        configuration["TopicConfigurations"][0]["TopicArn"] = arn
        s3.put_bucket_notification_configuration(
            Bucket="a-bucket", NotificationConfiguration=configuration
        )

    for arn in (topic, f"{topic}-gone", f"{topic}.fifo"):
        with refused("InvalidArgument"):
            configure(arn)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": topic,
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::a-bucket"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    statement |= {
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    configure()
    s3.put_object(Bucket="a-bucket", Key="k", Body=b"x")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    test, event = (json.loads(message["Body"]) for message in messages)
    assert test["Subject"] == event["Subject"] == "Amazon S3 Notification"
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent"
    [record] = json.loads(event["Message"])["Records"]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "k")
    found = s3.get_bucket_notification_configuration(Bucket="a-bucket")
    assert found["TopicConfigurations"][0]["TopicArn"] == topic
