"""What browsers send that is no call of the API: preflight requests and upload forms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from mesocosm.call.service import Form
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import access_log, metrics
from mesocosm.services.s3.operations import cors, website
from mesocosm.services.s3.rules import forms
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.requests import FormRequest
from mesocosm.wire.body import FileBody, MemoryBody, Receiver
from mesocosm.wire.message import Body, Headers, Request, Response

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.steps import Passage
    from mesocosm.wire.hosts import Host
    from mesocosm.world import World

HEADERS = (
    "cache-control",
    "content-type",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
"""Fields that become headers of the same name; so do all x-amz- ones."""


def web(cloud: Cloud, request: Request, host: Host) -> Response | Form | None:
    """Answer a preflight, show a website, or turn an upload form into the PutObject it stands
    for.
    """
    if request.method == "OPTIONS":
        return cors.preflight(cloud, request, host)
    if host.kind == "website":
        return website.show(cloud, request, host)
    if request.method == "POST":
        return upload(cloud, request, host)
    return None


def answered(cloud: Cloud, passage: Passage) -> None:
    """The last touch on an answer: CORS headers, the line of the access log, metrics."""
    cors.add_headers(cloud, passage)
    access_log.note(cloud, passage)
    metrics.note(cloud, passage)


s3.web = web
s3.answered = answered


def upload(cloud: Cloud, request: Request, host: Host) -> Form | None:
    """A form as PutObject by whoever signed its policy. Raises what POST Object does."""
    bucket, path = cors.address(request, host)
    if not bucket or path or request.query:
        return None
    form = forms.read(request.body, request.headers.get("content-type") or "")
    fields, size = form.fields, form.stop - form.start
    if not fields.get("key"):
        raise argument(
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the "
            "order of the fields.",
            "key",
            "",
        )
    key = fields["key"].replace("${filename}", form.filename)
    claim = cloud.identity.admit_form(request, fields)
    if "policy" in fields:
        plain = {name: value for name, value in fields.items() if " " not in name}
        plain["key"] = key
        forms.check_policy(plain, bucket, size, cloud.world.clock.real())
    file = _file(cloud.world, request.body, form)
    made = FormRequest(
        "PUT",
        f"/{quote(bucket)}/{quote(key, safe='/')}",
        "",
        Headers(_headers(request, fields, size)),
        file,
        request.peer,
        request.secure,
    )

    def finish(response: Response) -> Response:
        file.close()
        return _answer(response, request, fields, bucket, key)

    return Form(made, claim, finish)


def _headers(request: Request, fields: dict[str, str], size: int) -> list[tuple[str, str]]:
    found = [("host", "localhost"), ("content-length", str(size))]
    found += [(n, v) for n, v in request.headers if n in ("user-agent", "referer", "origin")]
    for name, value in fields.items():
        if name in HEADERS or (
            name.startswith("x-amz-")
            and name not in ("x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date")
        ):
            found.append((name, value))
    if "acl" in fields:
        found.append(("x-amz-acl", fields["acl"]))
    if "tagging" in fields:
        found.append(("x-amz-tagging", _tagging(fields["tagging"])))
    return found


def _tagging(text: str) -> str:
    """The tags of a form are a document; those of PutObject a query string. Raises MalformedXML."""
    if "<!DOCTYPE" in text:
        raise malformed_xml()
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise malformed_xml() from None
    pairs = []
    for tag in root.iter():
        if tag.tag.rpartition("}")[2] == "Tag":
            parts = {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
            pairs.append((parts.get("Key", ""), parts.get("Value", "")))
    return urlencode(pairs)


def _file(world: World, body: Body, form: forms.Upload) -> MemoryBody | FileBody:
    """The file of a form as a body of its own."""
    if form.stop - form.start <= 1 << 20:
        return MemoryBody(body.read(form.start, form.stop), world.blobs)
    receiver = Receiver(world.blobs)
    try:
        for piece in body.chunks(form.start, form.stop):
            receiver.write(piece)
        return receiver.finish()
    except BaseException:
        receiver.discard()
        raise


def _answer(
    response: Response, request: Request, fields: dict[str, str], bucket: str, key: str
) -> Response:
    """The answer a form asks for: a redirect, or an empty or an XML document."""
    if response.status != 200:
        return response
    known = dict(response.headers)
    etag = next((value for name, value in known.items() if name.lower() == "etag"), "")
    location = f"{'https' if request.secure else 'http'}://{request.host}/"
    location += quote(f"{bucket}/{key}" if not request.host.startswith(bucket) else key, safe="/")
    kept = [pair for pair in response.headers if pair[0].lower() != "content-type"]
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect:
        mark = "&" if "?" in redirect else "?"
        target = redirect + mark + urlencode({"bucket": bucket, "key": key, "etag": etag})
        return Response(303, [*kept, ("location", target)])
    kept.append(("location", location))
    if fields.get("success_action_status") == "201":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>'
            f"<Location>{escape(location)}</Location><Bucket>{escape(bucket)}</Bucket>"
            f"<Key>{escape(key)}</Key><ETag>{escape(etag)}</ETag></PostResponse>"
        )
        return Response(201, [*kept, ("content-type", "application/xml")], body.encode())
    return Response(200 if fields.get("success_action_status") == "200" else 204, kept)
