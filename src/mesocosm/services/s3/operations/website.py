"""Website endpoints: pages of a bucket for anyone who may read them.

A request for a page is GetObject by an anonymous caller: it is authorised and recorded as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from mesocosm.call.call import Call
from mesocosm.call.identity import Claim
from mesocosm.call.service import Form, Need
from mesocosm.iam import ANONYMOUS
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.shared import http_date
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import website as rules
from mesocosm.services.s3.rules.requests import PageRequest
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.message import Headers, Request, Response
from mesocosm.wire.outputs import host_id

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.wire.hosts import Host

PASSED = frozenset(
    [
        "user-agent",
        "referer",
        "origin",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
    ]
)
MESSAGES = {
    "NoSuchKey": (404, "The specified key does not exist."),
    "AccessDenied": (403, "Access Denied"),
}


class Site(NamedTuple):
    """A request to the website of a bucket."""

    cloud: Cloud
    request: Request
    bucket: rows.Bucket
    document: Any

    # -- what is there, and who may see it --------------------------------------------------------

    def row(self, key: str) -> rows.Object | None:
        """The newest version of a key, no delete marker."""
        row = rows.version_rows(self.cloud.world, self.bucket).get((self.bucket.name, key, 0))
        return None if row is None or row.marker else row

    def problem(self, key: str) -> str:
        """Why a key cannot be shown: "", NoSuchKey or AccessDenied."""
        call = Call(
            self.cloud, s3, None, ANONYMOUS, "", self.bucket.region, self.cloud.world.ids.uuid()
        )
        call.http, call.source_ip = self.request, self.request.peer
        call.user_agent = self.request.headers.get("user-agent") or ""
        if not self.cloud.gate.allows(call, Need("s3:GetObject", f"{self.bucket.arn}/{key}")):
            return "AccessDenied"
        if self.row(key) is not None:
            return ""
        listable = self.cloud.gate.allows(call, Need("s3:ListBucket", self.bucket.arn))
        return "NoSuchKey" if listable else "AccessDenied"

    # -- answers ----------------------------------------------------------------------------------

    def page(self, key: str, status: int = 200) -> Form:
        """An object as a page, by way of GetObject."""
        headers = [("host", "localhost")]
        headers += [pair for pair in self.request.headers if pair[0] in PASSED and status == 200]
        made = PageRequest(
            self.request.method,
            f"/{quote(self.bucket.name)}/{quote(key, safe='/')}",
            "",
            Headers(headers),
            MemoryBody(b"", self.cloud.world.blobs),
            self.request.peer,
            self.request.secure,
        )
        made.asked = self.request
        row = self.row(key)
        to = row.headers.get("website_redirect_location") if row is not None else None

        made.status = status if to is None else 301

        def finish(response: Response) -> Response:
            if to is not None and response.status == 200:
                return Response(301, [("location", to), *_ids(response)])
            if status != 200 and response.status == 200:
                response.status = status
            return response

        return Form(made, Claim(None), finish)

    def moved(self, move: rules.Move) -> Response:
        """A redirect. Without a host it leads to this one."""
        protocol = move.protocol or ("https" if self.request.secure else "http")
        host = move.host or self.request.host
        place = f"{protocol}://{host}/{quote(move.key, safe='/')}"
        return self.plain(move.status, [("location", place)])

    def plain(self, status: int, headers: list[tuple[str, str]], body: bytes = b"") -> Response:
        """An answer that no object gives."""
        request_id = self.cloud.world.ids.uuid()
        return Response(
            status,
            [
                *headers,
                ("x-amz-request-id", request_id),
                ("x-amz-id-2", host_id(request_id)),
                ("date", http_date(self.cloud.world.clock.now())),
            ],
            b"" if self.request.method == "HEAD" else body,
        )

    def error(self, code: str, key: str) -> Response | Form:
        """An error: by a routing rule, by the error document, or as a page of S3's own."""
        status, message = MESSAGES[code]
        move = rules.move(self.document, key, status)
        if move is not None:
            return self.moved(move)
        facts = [("Code", code), ("Message", message)]
        if code == "NoSuchKey":
            facts.append(("Key", key))
        second = None
        error_document = self.document.error_document
        if error_document is not None:
            problem = self.problem(error_document.key)
            if not problem:
                return self.page(error_document.key, status)
            second = [("Code", problem), ("Message", MESSAGES[problem][1])]
            if problem == "NoSuchKey":
                second.append(("Key", error_document.key))
        return self.failure(status, facts, second)

    def failure(
        self,
        status: int,
        facts: list[tuple[str, str]],
        second: list[tuple[str, str]] | None = None,
    ) -> Response:
        """S3's own page of an error."""
        request_id = self.cloud.world.ids.uuid()
        facts = [*facts, ("RequestId", request_id), ("HostId", host_id(request_id))]
        code = dict(facts)["Code"]
        headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("x-amz-error-code", code),
            ("x-amz-error-message", dict(facts)["Message"]),
        ]
        return self.plain(status, headers, rules.page(status, facts, second))


def _ids(response: Response) -> list[tuple[str, str]]:
    return [pair for pair in response.headers if pair[0].lower().startswith("x-amz-")]


def show(cloud: Cloud, request: Request, host: Host) -> Response | Form:
    """Answer a request to `<bucket>.s3-website.<region>` or `<bucket>.s3-website-<region>`."""
    bucket = rows.bucket_row(cloud.world, host.name)
    nobody = bucket or rows.Bucket(name=host.name, account="", region="", created=0.0)
    document = configurations.get(cloud.world, nobody, "website") if bucket is not None else None
    site = Site(cloud, request, nobody, document)
    if request.method not in ("GET", "HEAD"):
        return site.failure(
            405,
            [
                ("Code", "MethodNotAllowed"),
                ("Message", "The specified method is not allowed against this resource."),
                ("Method", request.method),
                ("ResourceType", "OBJECT"),
            ],
        )
    if bucket is None:
        return site.failure(
            404,
            [
                ("Code", "NoSuchBucket"),
                ("Message", "The specified bucket does not exist"),
                ("BucketName", host.name),
            ],
        )
    if host.region and host.region != bucket.region:
        message = "The specified bucket exists in another region. Please direct requests to the "
        return site.failure(
            400,
            [
                ("Code", "IncorrectEndpoint"),
                ("Message", message + "specified endpoint."),
                ("Endpoint", f"{bucket.name}.s3-website.{bucket.region}.amazonaws.com"),
            ],
        )
    if document is None:
        return site.failure(
            404,
            [
                ("Code", "NoSuchWebsiteConfiguration"),
                ("Message", "The specified bucket does not have a website configuration"),
                ("BucketName", bucket.name),
            ],
        )
    return _page(site, unquote(request.path)[1:])


def _page(site: Site, path: str) -> Response | Form:
    """The page of a path: a redirect, the object, the index document of a folder, or an error."""
    move = rules.move(site.document, path, None)
    if move is not None:
        return site.moved(move)
    suffix = site.document.index_document.suffix
    key = path + suffix if path == "" or path.endswith("/") else path
    problem = site.problem(key)
    if not problem:
        return site.page(key)
    folder = f"{path}/{suffix}"
    if key == path and not site.row(key) and site.row(folder) and not site.problem(folder):
        return site.plain(302, [("location", f"/{quote(path, safe='/')}/")])
    return site.error(problem, key)
