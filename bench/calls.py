"""The requests that are measured: as boto3 writes them, signed by botocore."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from bench import common
from bench.targets import Server

FOUNDATION = (
    "sts GetCallerIdentity",
    "sqs SendMessage",
    "s3 PutObject 1 KB",
    "s3 GetObject 1 KB",
)
CALLS = (*FOUNDATION, *common.CALLS)
REGION = "us-east-1"
BODY = b"x" * 1024
AGENT = {
    "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 md/arch#x86_64 "
    "lang/python#3.11.7 md/pyimpl#CPython m/Z,b,n,D cfg/retry-mode#legacy Botocore/1.44.5",
    "amz-sdk-invocation-id": "3e7c6b9e-3c59-4d8b-9d34-5f9c1f0a5a10",
    "amz-sdk-request": "attempt=1",
}
ROOT = {"AccessKeyId": "000000000000", "SecretAccessKey": "test", "SessionToken": None}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    ],
}
STATEMENTS = [
    {
        "Effect": "Allow",
        "Action": [f"sqs:Get*{n}", f"sqs:Tag*{n}"],
        "Resource": f"arn:aws:sqs:*:*:t{n}",
    }
    for n in range(14)
] + [
    {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
    {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:bench*"},
    {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bench-bucket/*"},
    {"Effect": "Allow", "Action": "sns:*", "Resource": "arn:aws:sns:*:*:bench"},
    {"Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:*:*:log-group:bench*"},
    {"Effect": "Allow", "Action": "cloudwatch:*", "Resource": "*"},
]
"""Twenty, as the goal says; each call is allowed by one of them."""


class Caller:
    """A role's session on one server, and the requests it makes."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self._queue = "http://127.0.0.1/000000000000/bench"
        self._keys: dict[str, Any] = ROOT
        self._common: dict[str, Callable[[], bytes]] = {}
        if server.name != "echo":
            self._prepare()

    def client(self, service: str, keys: dict[str, Any]) -> Any:
        """A boto3 client."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def _prepare(self) -> None:
        iam = self.client("iam", ROOT)
        made = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))
        role = made["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": STATEMENTS}
        iam.put_role_policy(RoleName="bench", PolicyName="p", PolicyDocument=json.dumps(policy))
        iam.create_user(UserName="bench")
        iam.put_user_policy(
            UserName="bench",
            PolicyName="p",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}],
                }
            ),
        )
        key = iam.create_access_key(UserName="bench")["AccessKey"]
        self._queue = self.client("sqs", ROOT).create_queue(QueueName="bench")["QueueUrl"]
        self.client("s3", ROOT).create_bucket(Bucket="bench-bucket")
        self.client("s3", ROOT).put_object(Bucket="bench-bucket", Key="key", Body=BODY)
        sts = self.client("sts", {**key, "SessionToken": None})
        self._keys = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
        self._common = common.prepare(lambda name: self.client(name, ROOT), self.session)

    def session(self, service: str) -> Any:
        """A boto3 client of the role's session."""
        return self.client(service, self._keys)

    def request(self, call: str) -> bytes:
        """A call as bytes, signed now."""
        if call in self._common:
            return self._common[call]()
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        target = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.SendMessage",
            "x-amzn-query-mode": "true",
        }
        crc = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
        put = {"x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "CRC32"}
        message = json.dumps({"QueueUrl": self._queue, "MessageBody": BODY.decode()}).encode()
        path = "/bench-bucket/key"
        method, where, body, headers = {
            FOUNDATION[0]: ("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", form),
            FOUNDATION[1]: ("POST", "/", message, target),
            FOUNDATION[2]: ("PUT", path, BODY, {"Content-Type": "binary/octet-stream", **put}),
            FOUNDATION[3]: ("GET", path, b"", {"x-amz-checksum-mode": "ENABLED"}),
        }[call]
        return self._signed(call.partition(" ")[0], method, where, body, headers)

    def _signed(
        self, service: str, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> bytes:
        keys = self._keys
        credentials = Credentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"] or "t" * 356
        )
        url = f"http://127.0.0.1:{self._port}{path}"
        request = AWSRequest(method, url, data=body, headers={**AGENT, **headers})
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(credentials, service, REGION).add_auth(request)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        for name, value in request.prepare().headers.items():
            text = value.decode() if isinstance(value, bytes) else value
            if name.lower() != "content-length":
                lines.append(f"{name}: {text}")
        if body or method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


def answered(port: int, deadline: float) -> None:
    """Return when a server answers its first call. Raises TimeoutError."""
    import http.client

    body = "Action=GetCallerIdentity&Version=2011-06-15"
    scope = f"{time.strftime('%Y%m%d', time.gmtime())}/us-east-1/sts/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "Authorization": f"AWS4-HMAC-SHA256 Credential=000000000000/{scope}, "
        f"SignedHeaders=host, Signature={'0' * 64}",
    }
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/", body, headers)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()
    raise TimeoutError(f"no answer at port {port}")
