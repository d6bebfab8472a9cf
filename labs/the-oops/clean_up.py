"""A clean-up script with a bug: it should empty the bucket whose name it is given."""

from __future__ import annotations

import sys

import boto3


def main(name: str) -> None:
    s3 = boto3.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if name.startswith(bucket["Name"]):  # "photos-old" begins with "photos", too
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
                keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if keys:
                    s3.delete_objects(Bucket=bucket["Name"], Delete={"Objects": keys})


if __name__ == "__main__":
    main(sys.argv[1])
