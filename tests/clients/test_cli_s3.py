"""The unmodified AWS CLI and S3: the high-level commands and some of the API's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.needs("aws")
def test_files_go_through_by_the_cli(aws: Callable[..., Any], tmp_path: Path) -> None:
    folder, back = tmp_path / "folder", tmp_path / "back"
    (folder / "sub dir").mkdir(parents=True)
    (folder / "small.txt").write_text("hello")
    (folder / "sub dir" / "big.bin").write_bytes(bytes(range(256)) * 40_000)  # in two parts
    assert aws("s3", "mb", "s3://cli-bucket").strip() == "make_bucket: cli-bucket"
    aws("s3", "sync", str(folder), "s3://cli-bucket/up", "--no-progress")
    listed = aws("s3", "ls", "s3://cli-bucket/up/", "--recursive")
    assert [line.split(maxsplit=2)[2] for line in listed.splitlines()] == [
        "5 up/small.txt",
        "10240000 up/sub dir/big.bin",
    ]
    aws("s3", "cp", "--recursive", "s3://cli-bucket/up", str(back))
    for name in ("small.txt", "sub dir/big.bin"):
        assert (back / name).read_bytes() == (folder / name).read_bytes()
    named = ("--bucket", "cli-bucket", "--key")
    shown = aws("s3api", "head-object", *named, "up/small.txt")
    assert shown["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    said = aws("s3api", "get-object-acl", *named, "none")
    assert "(NoSuchKey)" in said
    assert "The specified key does not exist." in said
    aws("s3", "rb", "s3://cli-bucket", "--force")
    assert "(NoSuchBucket)" in aws("s3api", "list-objects-v2", "--bucket", "cli-bucket")
