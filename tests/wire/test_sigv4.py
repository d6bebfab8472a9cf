from __future__ import annotations

import datetime
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import (
    S3SigV4Auth,
    S3SigV4PostAuth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.wire import canonical, sigv4
from mesocosm.wire.body import EMPTY, MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Headers, Request

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "A.B"}


def received(signed: AWSRequest) -> Request:
    """What arrives when a signed request is sent."""
    url = urlsplit(signed.url)
    items = [(name.lower(), value) for name, value in signed.headers.items()]
    if "host" not in signed.headers:
        items.append(("host", url.netloc))
    body = MemoryBody(signed.body or b"") if signed.body else EMPTY
    return Request(signed.method, url.path, url.query, Headers(items), body, "127.0.0.1", False)


def sign(
    signer: Any,
    service: str = "sqs",
    url: str = "http://localhost:4566/",
    method: str = "POST",
    data: bytes = b"",
    token: str | None = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Request:
    request = AWSRequest(method, url, dict(headers or {}), data or None)
    signer(Credentials(KEY, SECRET, token), service, "eu-west-1", **options).add_auth(request)
    return received(request)


def check(request: Request, now: float | None = None, secret: str = SECRET) -> sigv4.Signature:
    signature = sigv4.parse(request)
    assert signature is not None
    payload = sigv4.payload(request, signature)
    used = payload.canonical or request.body.sha256
    sigv4.verify(signature, secret, request, used, time.time() if now is None else now)
    return signature


# ---------------------------------------------------------------- botocore's signers


def test_header_signature() -> None:
    signature = check(sign(SigV4Auth, data=b"Action=X", headers=FORM, token="session"))
    assert signature.access_key_id == KEY
    assert (signature.region, signature.service, signature.kind) == ("eu-west-1", "sqs", "header")
    assert signature.security_token == "session"


def test_s3_signs_the_raw_path() -> None:
    check(sign(S3SigV4Auth, "s3", "http://b.s3.localhost/a//../%C3%A4%20b/?x=1&acl", "PUT", b"abc"))


def test_presigned_queries() -> None:
    url = "http://localhost/b/k%20?versionId=a%2Fb"
    signature = check(sign(S3SigV4QueryAuth, "s3", url, "GET", token="t//+", expires=60))
    assert (signature.kind, signature.expires, signature.security_token) == ("query", 60, "t//+")
    check(sign(SigV4QueryAuth, "sts", "http://localhost/?Action=GetCallerIdentity", "GET"))


def test_post_policies() -> None:
    request = AWSRequest("POST", "http://localhost/b")
    request.context["s3-presign-post-fields"] = {}
    request.context["s3-presign-post-policy"] = {"conditions": []}
    S3SigV4PostAuth(Credentials(KEY, SECRET), "s3", "eu-west-1").add_auth(request)
    fields = {k.lower(): v for k, v in request.context["s3-presign-post-fields"].items()}
    signature = sigv4.parse_post(received(request), fields)
    assert signature is not None
    assert signature.kind == "post"
    sigv4.verify_policy_signature(signature, SECRET, fields["policy"])
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        sigv4.verify_policy_signature(signature, SECRET, fields["policy"] + "x")


def test_repeated_and_padded_headers() -> None:
    request = AWSRequest("GET", "http://localhost/")
    request.headers["X-Amz-Meta-A"] = "  b   c "
    request.headers["X-Amz-Meta-A"] = "d"
    SigV4Auth(Credentials(KEY, SECRET), "sqs", "eu-west-1").add_auth(request)
    check(received(request))


def test_queries_are_taken_as_sent_and_as_encoded_anew() -> None:
    request = sign(S3SigV4Auth, "s3", "http://localhost/b%28?prefix=a%2Fb%20c", "GET")
    request.query, request.path = "prefix=a/b+c", "/b("
    check(request)


def test_unsigned_is_none() -> None:
    assert sigv4.parse(Request("GET", "/", "a=b", Headers(), EMPTY, "", False)) is None


segment = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=8)


@given(st.lists(st.one_of(segment, st.sampled_from(["", ".", "..", "a+b", "a:b@c"])), max_size=6))
def test_canonical_path_is_botocores(parts: list[str]) -> None:
    path = "/" + "/".join(quote(part, safe="-._~:@!$&'()*+,;=") for part in parts)
    wanted = SigV4Auth(Credentials(KEY, SECRET), "sqs", "r")._normalize_url_path(path)
    assert canonical.canonical_path(path) == wanted


@given(st.lists(st.tuples(segment, segment), max_size=6))
def test_canonical_query_is_botocores(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in pairs)
    signer = SigV4Auth(Credentials(KEY, SECRET), "sqs", "r")
    request = AWSRequest("GET", f"http://localhost/?{query}")
    assert canonical.canonical_query(query) == signer.canonical_query_string(request)
    assert canonical.encoded_query(query) == canonical.canonical_query(query)


@given(st.lists(st.tuples(segment, segment), max_size=4), segment, st.binary(max_size=40))
def test_whatever_botocore_signs_verifies(
    pairs: list[tuple[str, str]], name: str, data: bytes
) -> None:
    query = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in pairs)
    url = f"http://localhost/{quote(name, safe='-._~')}?{query}"
    for signer, service in ((SigV4Auth, "lambda"), (S3SigV4Auth, "s3")):
        request = sign(signer, service, url, data=data)
        check(request)
        request.method = "PUT"
        with pytest.raises(AwsError, match="does not match"):
            check(request)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("service", "headers", "code", "status"),
    [
        ("sts", FORM, "SignatureDoesNotMatch", 403),
        ("ec2", FORM, "AuthFailure", 401),
        ("dynamodb", JSON, "InvalidSignatureException", 400),
        ("lambda", {}, "InvalidSignatureException", 403),
    ],
)
def test_wrong_secrets(service: str, headers: dict[str, str], code: str, status: int) -> None:
    with pytest.raises(AwsError) as caught:
        check(sign(SigV4Auth, service, headers=headers), secret="wrong")
    assert (caught.value.code, caught.value.status) == (code, status)


def test_s3_says_what_it_signed() -> None:
    with pytest.raises(AwsError) as caught:
        check(sign(S3SigV4Auth, "s3", "http://localhost/b/k", "GET"), secret="wrong")
    members = caught.value.members
    assert members["CanonicalRequest"].startswith("GET\n/b/k\n\nhost:localhost\n")
    assert members["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert members["StringToSignBytes"].startswith("41 57 53 34")


def test_a_changed_body_does_not_match() -> None:
    request = sign(SigV4Auth, data=b"Action=X", headers=FORM)
    request.body = MemoryBody(b"Action=Y")
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        check(request)


def at(text: str) -> float:
    moment = datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ")
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def test_skew_of_others_is_five_minutes() -> None:
    request = sign(SigV4Auth, headers=FORM)
    stamp = str(request.headers.get("x-amz-date"))
    check(request, at(stamp) + 300)
    check(request, at(stamp) - 300)
    with pytest.raises(AwsError) as caught:
        check(request, at(stamp) + 301)
    now, earliest = sigv4.basic(at(stamp) + 301), sigv4.basic(at(stamp) + 1)
    assert caught.value.message == (
        f"Signature expired: {stamp} is now earlier than {earliest} ({now} - 5 min.)"
    )
    with pytest.raises(AwsError) as caught:
        check(request, at(stamp) - 301)
    now, latest = sigv4.basic(at(stamp) - 301), sigv4.basic(at(stamp) - 1)
    assert caught.value.message == (
        f"Signature not yet current: {stamp} is still later than {latest} ({now} + 5 min.)"
    )


def test_skew_of_s3_is_fifteen_minutes() -> None:
    request = sign(S3SigV4Auth, "s3", method="GET")
    stamp = str(request.headers.get("x-amz-date"))
    check(request, at(stamp) + 900)
    with pytest.raises(AwsError) as caught:
        check(request, at(stamp) + 901)
    assert caught.value.code == "RequestTimeTooSkewed"
    assert caught.value.members["RequestTime"] == stamp
    assert caught.value.members["MaxAllowedSkewMilliseconds"] == "900000"


def test_presigned_expiry() -> None:
    request = sign(S3SigV4QueryAuth, "s3", method="GET", expires=60)
    signature = sigv4.parse(request)
    assert signature is not None
    check(request, signature.time + 60)
    with pytest.raises(AwsError) as caught:
        check(request, signature.time + 61)
    assert (caught.value.code, caught.value.message) == ("AccessDenied", "Request has expired")
    assert caught.value.members["X-Amz-Expires"] == "60"
    assert caught.value.members["Expires"] == sigv4.iso(signature.time + 60)


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        ("604801", "X-Amz-Expires must be less than a week (in seconds); that is, the given "),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
        ("", "Query-string authentication version 4 requires the X-Amz-Algorithm, "),
    ],
)
def test_presigned_expires_is_checked(expires: str, message: str) -> None:
    request = sign(S3SigV4QueryAuth, "s3", method="GET", expires=60)
    request.query = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    with pytest.raises(AwsError) as caught:
        sigv4.parse(request)
    assert caught.value.code == "AuthorizationQueryParametersError"
    assert caught.value.message.startswith(message)


def bare(headers: dict[str, str], query: str = "") -> Request:
    return Request("POST", "/", query, Headers(headers.items()), EMPTY, "", False)


@pytest.mark.parametrize(
    ("authorization", "more", "code", "message"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=a/20200101/r/iam/aws4_request",
            FORM,
            "IncompleteSignature",
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter. ",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20200101/r/iam, SignedHeaders=host, Signature=1",
            JSON,
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date",
        ),
        ("AWS4-HMAC-SHA256 nonsense", JSON, "IncompleteSignatureException", "'nonsense' not a "),
        ("Basic abc", JSON, "IncompleteSignatureException", "Unsupported AWS 'algorithm': 'Basic'"),
        ("AWS a:b", {}, "InvalidArgument", "Unsupported Authorization Type"),
        (
            "AWS4-HMAC-SHA256 Credential=a/2020/r/s3/aws4_request,SignedHeaders=host,Signature=1",
            {},
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the Credential is mal-formed; expecting ",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20200101/r/sqs/term,SignedHeaders=host,Signature=1",
            FORM,
            "SignatureDoesNotMatch",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'term'.",
        ),
    ],
)
def test_incomplete_headers(
    authorization: str, more: dict[str, str], code: str, message: str
) -> None:
    names = {name.lower(): value for name, value in more.items()}
    headers = {"authorization": authorization, "x-amz-date": "20200101T000000Z", **names}
    with pytest.raises(AwsError) as caught:
        sigv4.parse(bare(headers))
    assert caught.value.code == code
    assert caught.value.message.startswith(message)


def test_two_mechanisms_are_one_too_many() -> None:
    with pytest.raises(AwsError, match="Only one auth mechanism allowed"):
        sigv4.parse(bare({"authorization": "AWS4-HMAC-SHA256 x"}, "X-Amz-Signature=1"))


def test_every_amz_header_of_s3_must_be_signed() -> None:
    request = sign(S3SigV4Auth, "s3", method="PUT")
    request.headers = Headers([*request.headers.items, ("x-amz-acl", "public-read")])
    with pytest.raises(AwsError) as caught:
        check(request)
    assert caught.value.members == {"HeadersNotSigned": "x-amz-acl"}


@pytest.mark.parametrize(("stated", "code"), [(None, "InvalidRequest"), ("x", "InvalidArgument")])
def test_s3_wants_the_payload_hash(stated: str | None, code: str) -> None:
    request = sign(S3SigV4Auth, "s3", method="PUT")
    signature = sigv4.parse(request)
    items = [i for i in request.headers.items if i[0] != "x-amz-content-sha256"]
    request.headers = Headers([*items, *([("x-amz-content-sha256", stated)] if stated else [])])
    with pytest.raises(AwsError, match=code):
        sigv4.payload(request, signature)


def test_unsigned_payload_is_s3s_own() -> None:
    request = sign(SigV4Auth, headers=FORM)
    signature = sigv4.parse(request)
    request.headers = Headers([*request.headers.items, ("x-amz-content-sha256", sigv4.UNSIGNED)])
    assert sigv4.payload(request, signature).canonical is None
    assert sigv4.payload(request, signature, unsigned=True).canonical == sigv4.UNSIGNED


def test_dates_of_the_scope_and_the_request_must_agree() -> None:
    request = sign(SigV4Auth, headers=FORM)
    stamp = str(request.headers.get("x-amz-date"))
    other = sigv4.basic(at(stamp) - 86_400)
    items = [(n, other if n == "x-amz-date" else v) for n, v in request.headers.items]
    request.headers = Headers(items)
    with pytest.raises(AwsError, match="Date in Credential scope does not match"):
        check(request, at(other))


@given(st.text(max_size=120), st.text(max_size=80), st.text(max_size=20))
def test_nothing_but_aws_errors_comes_of_rubbish(header: str, query: str, date: str) -> None:
    for authorization in (header, f"AWS4-HMAC-SHA256 {header}"):
        request = bare({"authorization": authorization, "x-amz-date": date, "host": "a"})
        for candidate in (request, bare({}, f"X-Amz-Signature=1&X-Amz-Credential={query}")):
            try:
                signature = sigv4.parse(candidate)
                if signature is not None:
                    sigv4.verify(signature, SECRET, candidate, "x", 0.0)
            except AwsError:
                pass


def test_sigv4a() -> None:
    crt = pytest.importorskip("awscrt.auth")
    http = pytest.importorskip("awscrt.http")
    headers = http.HttpHeaders([("host", "localhost")])
    message = http.HttpRequest("GET", "/b/k", headers)
    config = crt.AwsSigningConfig(
        algorithm=crt.AwsSigningAlgorithm.V4_ASYMMETRIC,
        signature_type=crt.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=crt.AwsCredentialsProvider.new_static(KEY, SECRET),
        region="*",
        service="s3",
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_header_type=crt.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
    )
    crt.aws_sign_request(message, config).result(10)
    items = [(name.lower(), value) for name, value in headers]
    request = Request("GET", "/b/k", "", Headers(items), EMPTY, "", False)
    assert check(request).region == "*"
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        check(request, secret="wrong")
