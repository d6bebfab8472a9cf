"""Checksums as AWS writes them."""

from __future__ import annotations

import pytest

from mesocosm.services.s3.rules import checksums
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        # Published check values of "123456789" (the CRC catalogue; xxHash's and RFC 6234's).
        ("CRC32", "y/Q5Jg=="),
        ("CRC32C", "4waSgw=="),
        ("CRC64NVME", "rosUhgp5mIg="),
        ("MD5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            "SHA512",
            "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+"
            "hQ==",
        ),
        ("XXHASH64", "jLhB20DmroM="),
    ],
)
def test_known_values(algorithm, value):
    assert checksums.compute(algorithm, MemoryBody(b"123456789")) == value


@pytest.mark.parametrize("algorithm", list(checksums.MEMBERS))
def test_every_algorithm_gives_as_many_bytes_as_it_says(algorithm):
    value = checksums.compute(algorithm, MemoryBody(b"x"))
    assert len(checksums.check_form(algorithm, value)) == checksums.LENGTHS[algorithm]


@pytest.mark.parametrize(
    ("algorithm", "kind", "found"),
    [
        ("CRC32", None, "COMPOSITE"),
        ("CRC64NVME", None, "FULL_OBJECT"),
        ("CRC32C", "FULL_OBJECT", "FULL_OBJECT"),
        ("SHA256", "FULL_OBJECT", None),
        ("CRC64NVME", "COMPOSITE", None),
    ],
)
def test_checksum_types(algorithm, kind, found):
    if found is not None:
        assert checksums.check_type(algorithm, kind) == found
        return
    with pytest.raises(AwsError) as caught:
        checksums.check_type(algorithm, kind)
    assert caught.value.message == (
        f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
    )
