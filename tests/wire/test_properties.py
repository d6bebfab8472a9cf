"""Properties of parsers and writers, over generated input."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import cbor2
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mesocosm import wire
from mesocosm.api import cloudwatch, dynamodb
from mesocosm.wire import AwsError, readers, values
from mesocosm.wire.rest import header_writer, split_list
from mesocosm.wire.xmlout import escape
from tests.wire.bodies import request, scoped
from tests.wire.test_protocols import FORM, read

TEXT = st.text(st.characters(codec="utf-8"))
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufffe\uffff").filter(
        lambda c: c >= " " or c in "\t\n\r"
    )
)
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1)


def outcome(asked: wire.Request) -> str | None:
    """The code of the error with which a request is refused; None when it is read."""
    try:
        read(asked)
    except AwsError as error:
        return error.code
    return None


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_forms_decode_to_what_was_encoded(pairs: list[tuple[str, str]]) -> None:
    assert readers.form(urlencode(pairs)) == pairs
    assert readers.form(urlencode(pairs, quote_via=quote)) == pairs


@given(st.dictionaries(KEYS, TEXT | st.dictionaries(KEYS, TEXT, min_size=1)))
def test_dotted_names_nest(tree: dict[str, Any]) -> None:
    pairs = []
    for key, value in tree.items():
        if isinstance(value, str):
            pairs.append((key, value))
        else:
            pairs += [(f"{key}.{inner}", text) for inner, text in value.items()]
    assert readers.tree(pairs) == tree


@given(st.binary(max_size=400))
def test_any_form_is_read_or_refused(body: bytes) -> None:
    asked = request("POST", "/", "", scoped("iam") | FORM, b"Action=CreateUser&" + body)
    assert outcome(asked) in {None, "MalformedInput", "MalformedQueryString", "InvalidAction"}


@given(XML_TEXT)
def test_xml_text_survives(text: str) -> None:
    parsed = ElementTree.fromstring(f"<a>{escape(text)}</a>").text or ""
    assert parsed == text


@given(TEXT)
def test_escaped_text_holds_no_markup(text: str) -> None:
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;|#x)", escape(text))


@given(st.binary(max_size=300))
def test_any_xml_is_read_or_refused(body: bytes) -> None:
    asked = request("PUT", "/b", "tagging", scoped("s3"), b"<Tagging>" + body)
    assert outcome(asked) in {None, "MalformedXML", "InvalidArgument"}


ATTRIBUTES = st.recursive(
    st.builds(dynamodb.AttributeValue, s=TEXT)
    | st.builds(dynamodb.AttributeValue, b=st.binary(max_size=20))
    | st.builds(dynamodb.AttributeValue, bool=st.booleans()),
    lambda inner: (
        st.builds(dynamodb.AttributeValue, m=st.dictionaries(TEXT, inner, max_size=3))
        | st.builds(dynamodb.AttributeValue, l=st.lists(inner, max_size=3))
    ),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, ATTRIBUTES, max_size=3))
def test_json_comes_back_equal(item: dict[str, Any]) -> None:
    answer = wire.codec("dynamodb", "GetItem", "json").answer(
        dynamodb.GetItemOutput(item=item), "request-1"
    )
    assert isinstance(answer.body, bytes)
    sent = answer.body.replace(b'"Item"', b'"Key"', 1)
    target = {"x-amz-target": "DynamoDB_20120810.GetItem"}
    _, value = read(request("POST", "/", "", target, sent))
    assert value.key == item or not item


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    target = {"x-amz-target": "AmazonSQS.SendMessage"}
    asked = request("POST", "/", "", target, msgspec.json.encode(value))
    assert outcome(asked) in {None, "SerializationException"}


PATH = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
CBOR = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


@given(TEXT, st.floats(allow_nan=False), st.floats(0, 4e9))
def test_cbor_comes_back_equal(name: str, value: float, time: float) -> None:
    datum = {"MetricName": name, "Value": value, "Timestamp": cbor2.CBORTag(1, time)}
    body = cbor2.dumps({"Namespace": "n", "MetricData": [datum]})
    _, found = read(request("POST", PATH, "", CBOR, body))
    assert found.metric_data == [
        cloudwatch.MetricDatum(metric_name=name, value=value, timestamp=time)
    ]


@given(st.binary(max_size=200))
def test_any_cbor_is_read_or_refused(body: bytes) -> None:
    assert outcome(request("POST", PATH, "", CBOR, body)) in {None, "SerializationException"}


@given(st.integers(0, 4_000_000_000_000))
def test_timestamps_come_back_equal(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert abs(values.timestamp(values.iso(seconds)) - seconds) < 1e-6
    assert abs(values.timestamp(values.iso_milliseconds(seconds)) - seconds) < 2e-3
    assert values.timestamp(values.unix(seconds)) == seconds
    assert values.timestamp(values.rfc822(seconds)) == int(seconds)


@given(TEXT)
def test_any_text_is_a_timestamp_or_is_not(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(values.timestamp(text), float)


@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1)
)
def test_header_lists_come_back_equal(items: list[str]) -> None:
    shape = wire.service("s3").shape("GetObjectAttributesRequest").members["ObjectAttributes"]
    assert split_list(header_writer(shape)(items)) == items or any(
        '"' in i or "\\" in i for i in items
    )


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(max_size=40))
def test_any_path_is_routed_or_refused(path: str, query: str) -> None:
    asked = request("GET", "/" + quote(path, safe="/%{}"), quote(query, safe="=&?"), scoped("s3"))
    assert outcome(asked) in {None, "MethodNotAllowed", "InvalidArgument", "MalformedXML"}
