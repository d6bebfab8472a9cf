"""Pure rules: codes, documents, tags, scans."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.api import iam as api
from mesocosm.services.iam.rules import documents, metadata, quotas, scan, tags, totp
from mesocosm.wire.errors import AwsError


@pytest.mark.parametrize(
    ("time", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(time: int, code: str) -> None:
    """Appendix B; the last six of its eight digits."""
    assert totp.code(b"12345678901234567890", totp.step_at(time)) == code


@given(st.binary(min_size=20, max_size=40), st.integers(0, 10**8), st.integers(-10, 10))
def test_two_codes_in_a_row_are_found_within_the_window(seed: bytes, now: int, off: int) -> None:
    shown = (totp.code(seed, now + 100 + off), totp.code(seed, now + 101 + off))
    found = totp.find(seed, shown, now + 100, 10)
    assert found is not None
    assert (totp.code(seed, found - 1), totp.code(seed, found)) == shown


@given(st.text())
def test_encoded_documents_hold_unreserved_characters_only(text: str) -> None:
    encoded = documents.encoded(text.encode("utf-8", "replace").decode())
    assert unquote(encoded) == text.encode("utf-8", "replace").decode()
    assert all(character.isalnum() or character in "-._~%" for character in encoded)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(), _json, max_size=3), min_size=1, max_size=4),
    st.dictionaries(st.text(), _json, max_size=3),
    st.sampled_from([None, 1, 4]),
)
def test_the_places_of_statements_cut_them_out(
    bodies: list[dict[str, Any]], others: dict[str, Any], indent: int | None
) -> None:
    others.pop("Statement", None)
    text = json.dumps({**others, "Statement": bodies}, indent=indent)
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found = [
        text[
            starts[span.line - 1] + span.column - 2 : starts[span.end_line - 1]
            + span.end_column
            - 1
        ]
        for span in scan.spans(text)
    ]
    assert [json.loads(piece) for piece in found] == bodies


def test_services_that_a_policy_grants() -> None:
    def granted(**statement: Any) -> set[str]:
        body = {"Effect": "Allow", "Resource": "*", **statement}
        return scan.granted_services(json.dumps({"Version": "2012-10-17", "Statement": body}))

    assert granted(Action=["s3:Get*", "SQS:*"]) == {"s3", "sqs"}
    assert {"s3", "iam", "ec2"} <= granted(Action="*")
    assert "iam" not in granted(NotAction=["iam:*"])
    assert "iam" in granted(NotAction=["iam:Create*"])
    assert granted(Action="s3:*", Effect="Deny") == set()


_tag = st.builds(
    lambda key, value: api.Tag(key=key, value=value),
    st.text(st.sampled_from("abAB"), min_size=1, max_size=2),
    st.text(max_size=3),
)


@given(
    st.lists(_tag, max_size=6, unique_by=lambda tag: tag.key.lower()), st.lists(_tag, max_size=6)
)
def test_tag_keys_stay_one_regardless_of_case(first: list[api.Tag], more: list[api.Tag]) -> None:
    held = tags.checked(first)
    if len({tag.key.lower() for tag in more}) < len(more):
        with pytest.raises(AwsError):
            tags.merged(held, more)
        return
    merged = tags.merged(held, more)
    lowered = [key.lower() for key in merged]
    assert len(lowered) == len(set(lowered))
    assert all(merged[tag.key] == tag.value for tag in more)
    assert tags.without(merged, [key.upper() for key in merged]) == {}


def test_white_space_does_not_count() -> None:
    assert quotas.size(' {\n\t"a": 1 } ') == len('{"a":1}')


def test_metadata_without_an_end_are_good_for_a_century() -> None:
    text = (
        '<m:EntityDescriptor xmlns:m="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x">'
        "<m:IDPSSODescriptor/></m:EntityDescriptor>"
    )
    assert metadata.valid_until(text, 100.0) == 100.0 + metadata.CENTURY
