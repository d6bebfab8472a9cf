"""The protocols on the wire: routing, forms, envelopes, errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cbor2
import msgspec
import pytest

from mesocosm import wire
from mesocosm.api import cloudwatch, dynamodb, ec2, iam, s3, sqs, sts
from mesocosm.wire import AwsError
from tests.wire.bodies import request, scoped

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def read(asked: wire.Request, **options: Any) -> tuple[wire.Codec, Any]:
    """The codec of a request and the typed request."""
    route = wire.route(asked, **options)
    codec = wire.codec(route.service, route.operation, route.protocol)
    return codec, codec.parse(asked, route)


def routed(method: str, path: str, query: str = "", signed: str = "s3", **headers: str) -> str:
    """`service.operation` of a request."""
    asked = request(method, path, query, scoped(signed, **headers))
    route = wire.route(asked)
    return f"{route.service}.{route.operation}"


def fields(response: wire.Response) -> dict[str, str]:
    """The header fields of a response by lower-case name."""
    return {name.lower(): value for name, value in response.headers}


def content(response: wire.Response) -> bytes:
    """The body of a response that is in memory."""
    assert isinstance(response.body, bytes)
    return response.body


def test_importing_loads_no_model_and_no_client() -> None:
    program = "import sys, mesocosm.wire; print({'botocore', 'cbor2'} & set(sys.modules))"
    source = str(Path(wire.__file__).parents[2])
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": source},
    )
    assert shown.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/b", "", {}, "ListObjects"),
        ("GET", "/b/", "", {}, "ListObjects"),
        ("GET", "/b", "list-type=2&prefix=x", {}, "ListObjectsV2"),
        ("GET", "/b", "location", {}, "GetBucketLocation"),
        ("GET", "/b", "location=", {}, "GetBucketLocation"),
        ("GET", "/b/k", "x-id=GetObject", {}, "GetObject"),
        ("GET", "/b/k/", "", {}, "GetObject"),
        ("GET", "/b//k", "", {}, "GetObject"),
        ("GET", "/b/k", "uploadId=1", {}, "ListParts"),
        ("PUT", "/b/k", "", {}, "PutObject"),
        ("PUT", "/b/k", "", {"x_amz_copy_source": "a/b"}, "CopyObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=2", {}, "UploadPart"),
        ("PUT", "/b/k", "partNumber=1&uploadId=2", {"x_amz_copy_source": "a/b"}, "UploadPartCopy"),
        ("PUT", "/b", "lifecycle", {}, "PutBucketLifecycleConfiguration"),
        ("PUT", "/b", "notification", {}, "PutBucketNotificationConfiguration"),
        ("POST", "/b", "delete", {}, "DeleteObjects"),
        ("POST", "/b/k", "uploads", {}, "CreateMultipartUpload"),
        ("HEAD", "/b/k", "", {}, "HeadObject"),
    ],
)
def test_s3_routes(
    method: str, path: str, query: str, headers: dict[str, str], operation: str
) -> None:
    assert routed(method, path, query, **headers) == f"s3.{operation}"


def test_services_that_share_a_signing_name() -> None:
    assert routed("GET", "/restapis", signed="apigateway") == "apigateway.GetRestApis"
    assert routed("GET", "/v2/apis", signed="apigateway") == "apigatewayv2.GetApis"
    control = routed("GET", "/v20180820/accesspoint", x_amz_account_id="1" * 12)
    assert control == "s3control.ListAccessPoints"
    assert routed("GET", "/2021-01-01/opensearch/domain/x", signed="es").startswith("opensearch.")
    for version, service in (("2012-06-01", "elb"), ("2015-12-01", "elbv2")):
        asked = request(
            "POST",
            "/",
            headers=scoped("elasticloadbalancing") | FORM,
            body=f"Action=DescribeLoadBalancers&Version={version}".encode(),
        )
        assert wire.route(asked).service == service


def test_unsigned_requests_find_their_service() -> None:
    by_action = request("GET", "/", "Action=AssumeRoleWithSAML&Version=2011-06-15")
    assert repr(wire.route(by_action)) == "Route(sts.AssumeRoleWithSAML, query)"
    by_target = request("POST", "/", headers={"x-amz-target": "DynamoDB_20120810.ListTables"})
    assert repr(wire.route(by_target)) == "Route(dynamodb.ListTables, json)"
    by_nothing = request("GET", "/bucket/key")
    assert repr(wire.route(by_nothing)) == "Route(s3.GetObject, rest-xml)"
    by_host = request(
        "GET", "/2015-03-31/functions/", headers={"host": "lambda.eu-west-1.localhost"}
    )
    assert repr(wire.route(by_host)) == "Route(lambda.ListFunctions, rest-json)"


def test_presigned_requests_are_scoped_by_their_query() -> None:
    credential = "AKIA%2F20261121%2Fus-east-1%2Fsts%2Faws4_request"
    asked = request(
        "GET", "/", f"Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential={credential}"
    )
    assert wire.route(asked).service == "sts"


def test_virtual_hosted_buckets() -> None:
    _, value = read(request("GET", "/a%20b/c", "", scoped("s3")), virtual_bucket="bkt")
    assert (value.bucket, value.key) == ("bkt", "a b/c")
    _, value = read(request("GET", "/", "", scoped("s3")), virtual_bucket="bkt")
    assert value.bucket == "bkt"


def test_cloudwatch_in_three_protocols_at_once() -> None:
    expected = [cloudwatch.MetricDatum(metric_name="m", value=1.5, timestamp=1700000000.0)]
    body = cbor2.dumps(
        {
            "Namespace": "n",
            "MetricData": [
                {"MetricName": "m", "Value": 1.5, "Timestamp": cbor2.CBORTag(1, 1700000000)}
            ],
        }
    )
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    cbor = request("POST", path, "", {"content-type": "application/cbor"}, body)
    target = {"x-amz-target": "GraniteServiceVersion20100801.PutMetricData"}
    text = b'{"Namespace":"n","MetricData":[{"MetricName":"m","Value":1.5,"Timestamp":1700000000}]}'
    form = (
        b"Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m"
        b"&MetricData.member.1.Value=1.5&MetricData.member.1.Timestamp=2023-11-14T22%3A13%3A20Z"
    )
    for asked in (
        cbor,
        request("POST", "/", "", scoped("monitoring") | target, text),
        request("POST", "/", "", scoped("monitoring") | FORM, form),
    ):
        codec, value = read(asked)
        assert value.metric_data == expected
        fault = codec.fault(AwsError("ResourceNotFound", "gone"), "request-1")
        assert fault.status == 404
        assert codec.protocol == "query" or "x-amzn-query-error" in fields(fault)


def test_sqs_still_speaks_the_query_protocol() -> None:
    body = (
        b"Action=SendMessageBatch&Version=2012-11-05&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a"
        b"&SendMessageBatchRequestEntry.1.MessageBody=x+y"
        b"&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
        b"&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String"
    )
    codec, value = read(request("POST", "/", "", scoped("sqs") | FORM, body))
    assert value.entries[0].message_body == "x y"
    assert value.entries[0].message_attributes["n"].data_type == "String"
    answer = codec.answer(sqs.SendMessageBatchResult(successful=[], failed=[]), "request-1")
    assert content(answer).startswith(b"<SendMessageBatchResponse xmlns=")
    fault = codec.fault(AwsError("QueueDoesNotExist", "The specified queue does not exist."), "r")
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in content(fault)


def test_query_envelope() -> None:
    codec = wire.codec("sts", "GetCallerIdentity", "query")
    answer = codec.answer(sts.GetCallerIdentityResponse(account="1" * 12), "request-1")
    assert fields(answer) == {"x-amzn-requestid": "request-1", "content-type": "text/xml"}
    assert content(answer) == (
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        b"<GetCallerIdentityResult><Account>111111111111</Account></GetCallerIdentityResult>"
        b"<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
        b"</GetCallerIdentityResponse>"
    )
    empty = wire.codec("iam", "DeleteUser", "query").answer(None, "request-1")
    assert b"Result" not in content(empty)


def test_ec2_envelope_and_error() -> None:
    codec = wire.codec("ec2", "DescribeInstances", "ec2")
    result = ec2.DescribeInstancesResult(reservations=[ec2.Reservation(reservation_id="r-1")])
    assert content(codec.answer(result, "request-1")) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        b"<requestId>request-1</requestId><reservationSet><item><reservationId>r-1</reservationId>"
        b"</item></reservationSet></DescribeInstancesResponse>"
    )
    fault = codec.fault(AwsError("InvalidInstanceID.NotFound", "The instance ID 'i-1' <"), "r")
    assert content(fault).endswith(
        b"<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"
        b"<Message>The instance ID 'i-1' &lt;</Message></Error></Errors>"
        b"<RequestID>r</RequestID></Response>"
    )


def test_s3_answers() -> None:
    located = wire.codec("s3", "GetBucketLocation", "rest-xml")
    for region, inside in (("eu-west-1", "eu-west-1"), (None, None)):
        answer = located.answer(s3.GetBucketLocationOutput(location_constraint=region), "r")
        assert isinstance(answer.body, bytes)
        root = ElementTree.fromstring(answer.body)
        assert root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}LocationConstraint"
        assert root.text == inside
    deleted = wire.codec("s3", "DeleteObject", "rest-xml").answer(None, "request-1")
    assert (deleted.status, deleted.body) == (204, b"")
    assert set(fields(deleted)) == {"x-amz-request-id", "x-amz-id-2"}
    got = wire.codec("s3", "GetObject", "rest-xml").answer(
        s3.GetObjectOutput(body=b"x", e_tag='"e"', last_modified=0.0, metadata={"k": "v"}), "r"
    )
    assert content(got) == b"x"
    assert fields(got)["last-modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert fields(got)["x-amz-meta-k"] == "v"


def test_s3_errors() -> None:
    error = AwsError("NoSuchKey", "The specified key does not exist.", Key="a<b")
    fault = wire.codec("s3", "GetObject", "rest-xml").fault(error, "request-1")
    assert fault.status == 404
    assert b"<Error><Code>NoSuchKey</Code><Message>The specified key" in content(fault)
    assert b"<Key>a&lt;b</Key><RequestId>request-1</RequestId><HostId>" in content(fault)
    head = wire.codec("s3", "HeadObject", "rest-xml").fault(error, "request-1")
    assert (head.status, head.body) == (404, b"")
    unchanged = wire.codec("s3", "GetObject", "rest-xml")
    unmodified = unchanged.fault(AwsError("NotModified", "Not Modified"), "request-1")
    assert (unmodified.status, unmodified.body) == (304, b"")


def test_json_error_carries_type_members_and_old_code() -> None:
    codec = wire.codec("sqs", "SendMessage", "json")
    fault = codec.fault(AwsError("QueueDoesNotExist", "The specified queue does not exist."), "r")
    assert msgspec.json.decode(content(fault)) == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }
    expected = "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert fields(fault)["x-amzn-query-error"] == expected
    codec = wire.codec("dynamodb", "TransactWriteItems", "json")
    reasons = [dynamodb.CancellationReason(code="None")]
    error = AwsError("TransactionCanceledException", "Cancelled", CancellationReasons=reasons)
    body = msgspec.json.decode(content(codec.fault(error, "r")))
    assert body["CancellationReasons"] == [{"Code": "None"}]
    assert body["Message"] == "Cancelled"


def test_rest_json_error_is_named_in_a_header() -> None:
    codec = wire.codec("lambda", "GetFunction", "rest-json")
    fault = codec.fault(
        AwsError("ResourceNotFoundException", "Function not found", Type="User"), "r"
    )
    assert fault.status == 404
    assert fields(fault)["x-amzn-errortype"] == "ResourceNotFoundException"
    assert msgspec.json.decode(content(fault)) == {"Message": "Function not found", "Type": "User"}


def test_query_error_uses_the_code_of_the_model() -> None:
    codec = wire.codec("iam", "GetUser", "query")
    for code in ("NoSuchEntity", "NoSuchEntityException"):
        fault = codec.fault(AwsError(code, "No user"), "request-1")
        assert fault.status == 404
        assert content(fault) == (
            b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error>'
            b"<Type>Sender</Type><Code>NoSuchEntity</Code><Message>No user</Message></Error>"
            b"<RequestId>request-1</RequestId></ErrorResponse>"
        )


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [
        (
            request("POST", "/", "", scoped("iam") | FORM, b"Action=Nope&Version=2010-05-08"),
            400,
            b"<Code>InvalidAction</Code><Message>The action Nope is not valid for this web "
            b"service.",
        ),
        (
            request("POST", "/", "", scoped("sqs") | {"x-amz-target": "AmazonSQS.Nope"}),
            400,
            b"com.amazon.coral.service#UnknownOperationException",
        ),
        (request("PATCH", "/b", "", scoped("s3")), 405, b"<Code>MethodNotAllowed</Code>"),
        (request("GET", "/nope", "", scoped("lambda")), 404, b"not recognized"),
    ],
)
def test_unknown_operations(asked: wire.Request, status: int, text: bytes) -> None:
    with pytest.raises(AwsError) as raised:
        wire.route(asked)
    fault = wire.fault_for_unknown(asked, raised.value, "request-1")
    assert fault.status == status
    assert isinstance(fault.body, bytes)
    assert text in content(fault)


def test_an_error_before_the_route_is_worded_as_the_request_expects() -> None:
    error = AwsError("AccessDenied", "Access Denied", status=403)
    for asked, part in (
        (request("GET", "/b/k", "", scoped("s3")), b"<Error><Code>AccessDenied"),
        (request("GET", "/"), b"<Error><Code>AccessDenied"),
        (request("POST", "/", "", scoped("ec2") | FORM), b"<Response><Errors>"),
        (request("POST", "/", "", {"x-amz-target": "X.Y"}), b'"__type":"AccessDenied"'),
    ):
        fault = wire.fault_for_unknown(asked, error, "request-1")
        assert fault.status == 403
        assert isinstance(fault.body, bytes)
        assert part in content(fault)


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", "/", "", {"x-amz-target": "AmazonSQS.SendMessage"}, b"{"),
        request("POST", "/", "", {"x-amz-target": "AmazonSQS.SendMessage"}, b'{"QueueUrl":1}'),
        request("POST", "/", "", {"x-amz-target": "AmazonSQS.SendMessage"}, b'{"QueueUrl":"\x8e"}'),
        request("POST", "/", "", {"x-amz-target": "AmazonSQS.SendMessage"}, b"[" * 100_000),
        request("PUT", "/b", "tagging", scoped("s3"), b"<Tagging>"),
        request("PUT", "/b", "tagging", scoped("s3"), b"<a>" * 100_000),
        request("PUT", "/b", "tagging", scoped("s3"), b'<!DOCTYPE a [<!ENTITY b "c">]><Tagging/>'),
        request("GET", "/b", "max-keys=many", scoped("s3")),
        request("POST", "/", "", scoped("sts") | FORM, b"Action=GetSessionToken&DurationSeconds=x"),
        request(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            "",
            {"content-type": "application/cbor"},
            b"\xff\x00",
        ),
        request(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            "",
            {"content-type": "application/cbor"},
            b"\x81" * 100_000,
        ),
    ],
)
def test_what_cannot_be_read_is_refused(asked: wire.Request) -> None:
    with pytest.raises(AwsError) as raised:
        read(asked)
    assert raised.value.code in (
        "SerializationException",
        "MalformedXML",
        "InvalidArgument",
        "MalformedInput",
    )


def test_type_errors_are_worded_as_aws_words_them() -> None:
    target = {"x-amz-target": "AmazonSQS.SendMessage"}
    with pytest.raises(AwsError, match="NUMBER_VALUE cannot be converted to String"):
        read(request("POST", "/", "", target, b'{"QueueUrl":1}'))


def test_sloppy_numbers_are_read() -> None:
    target = {"x-amz-target": "AmazonSQS.SendMessage"}
    _, value = read(request("POST", "/", "", target, b'{"DelaySeconds":"5"}'))
    assert value.delay_seconds == 5


def test_structs_are_recorded_by_wire_names() -> None:
    packed = msgspec.msgpack.encode(iam.Tag(key="k", value="v"))
    assert msgspec.msgpack.decode(packed) == {"Key": "k", "Value": "v"}
