"""Website endpoints: pages, index and error documents, redirects."""

from __future__ import annotations

import json

import pytest

HOST = "a-bucket.s3-website.us-east-1.amazonaws.com"
PUBLIC = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::a-bucket/*",
            }
        ],
    }
)
SITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}


@pytest.fixture
def site(s3, bucket):
    """A public website; `site(configuration)` replaces its configuration."""
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=PUBLIC)
    for key in ("index.html", "docs/index.html", "error.html", "page.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")

    def configure(configuration):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)

    configure(SITE)
    return configure


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "a-bucket.s3-website-us-east-1.amazonaws.com",
        "a-bucket.s3-website.us-east-1.localhost:4566",
    ],
)
def test_pages_and_index_documents_are_shown(site, raw, host):
    for path, body in (
        ("/", b"index.html"),
        ("/docs/", b"docs/index.html"),
        ("/page.txt", b"page.txt"),
    ):
        status, headers, got = raw("GET", path, host=host)
        assert (status, got) == (200, body)
        assert headers["content-type"] == "text/html"
    status, _, got = raw("HEAD", "/", host=host)
    assert (status, got) == (200, b"")


def test_a_folder_without_its_slash_is_found(site, raw):
    status, headers, _ = raw("GET", "/docs", host=HOST)
    assert (status, headers["location"]) == (302, "/docs/")


def test_the_error_document_answers_for_what_is_missing(site, raw):
    status, _, got = raw("GET", "/missing", host=HOST)
    assert (status, got) == (403, b"error.html")  # nobody may list the bucket


def test_without_an_error_document_errors_are_pages(s3, bucket, site, raw):
    listed = json.loads(PUBLIC)
    listed["Statement"].append(
        listed["Statement"][0] | {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::a-bucket"}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(listed))
    site({"IndexDocument": {"Suffix": "index.html"}})
    status, headers, got = raw("GET", "/<missing>", host=HOST)
    assert status == 404
    assert headers["content-type"].startswith("text/html")
    assert b"<li>Code: NoSuchKey</li>" in got
    assert b"<li>Key: &lt;missing&gt;</li>" in got
    site(SITE | {"ErrorDocument": {"Key": "gone.html"}})
    _, _, got = raw("GET", "/missing", host=HOST)
    assert b"An Error Occurred While Attempting to Retrieve a Custom Error Document" in got


def test_what_is_not_public_is_not_shown(s3, bucket, site, raw):
    s3.delete_bucket_policy(Bucket=bucket)
    status, _, got = raw("GET", "/", host=HOST)
    assert status == 403
    assert b"<li>Code: AccessDenied</li>" in got


def test_there_is_no_site_without_a_configuration(s3, bucket, raw):
    status, _, got = raw("GET", "/", host=HOST)
    assert status == 404
    assert b"NoSuchWebsiteConfiguration" in got
    status, _, got = raw("GET", "/", host="nothing-here.s3-website.us-east-1.amazonaws.com")
    assert status == 404
    assert b"NoSuchBucket" in got
    status, _, got = raw("GET", "/", host="a-bucket.s3-website.eu-west-1.amazonaws.com")
    assert status == 400
    assert b"IncorrectEndpoint" in got


def test_routing_rules_redirect(site, raw):
    site(
        SITE
        | {
            "RoutingRules": [
                {
                    "Condition": {"KeyPrefixEquals": "old/"},
                    "Redirect": {"ReplaceKeyPrefixWith": "docs/"},
                },
                {
                    "Condition": {"HttpErrorCodeReturnedEquals": "403"},
                    "Redirect": {
                        "HostName": "elsewhere.example",
                        "Protocol": "https",
                        "ReplaceKeyWith": "found",
                        "HttpRedirectCode": "307",
                    },
                },
            ]
        }
    )
    status, headers, _ = raw("GET", "/old/a", host=HOST)
    assert (status, headers["location"]) == (301, f"http://{HOST}/docs/a")
    status, headers, _ = raw("GET", "/missing", host=HOST)
    assert (status, headers["location"]) == (307, "https://elsewhere.example/found")


def test_a_whole_site_and_a_single_object_redirect(s3, bucket, site, raw):
    s3.put_object(Bucket=bucket, Key="moved", Body=b"", WebsiteRedirectLocation="/page.txt")
    status, headers, _ = raw("GET", "/moved", host=HOST)
    assert (status, headers["location"]) == (301, "/page.txt")
    site({"RedirectAllRequestsTo": {"HostName": "new.example", "Protocol": "https"}})
    status, headers, _ = raw("GET", "/a/b", host=HOST)
    assert (status, headers["location"]) == (301, "https://new.example/a/b")


@pytest.mark.parametrize(
    ("configuration", "code", "message"),
    [
        (
            {},
            "InvalidArgument",
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        ),
        (
            {"IndexDocument": {"Suffix": "a/b"}},
            "InvalidArgument",
            "The IndexDocument Suffix is not well formed",
        ),
        (
            SITE | {"RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]},
            "InvalidRequest",
            "The provided HTTP redirect code (200) is not valid. Valid codes are 3XX except 300.",
        ),
    ],
)
def test_configurations_that_make_no_sense_are_refused(
    s3, bucket, refused, configuration, code, message
):
    with refused(code, 400) as refusal:
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)
    assert refusal.message == message


def test_a_configuration_comes_back_and_goes(s3, bucket, refused):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=SITE)
    got = s3.get_bucket_website(Bucket=bucket)
    assert {name: got[name] for name in SITE} == SITE
    s3.delete_bucket_website(Bucket=bucket)
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)
