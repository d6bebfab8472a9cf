"""The oops: a clean-up script deletes the objects of the wrong bucket, and the cloud goes back.

`mesocosm diff` says what had changed, `mesocosm rewind` brings all of it back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from lab import Lab, cloud, say, step

ACCOUNT = "333333333333"
OBJECTS = 100


def build(s3: Any) -> None:
    """Two buckets whose names are alike."""
    step("Two buckets")
    for name in ("photos", "photos-old"):
        s3.create_bucket(Bucket=name)
        for number in range(OBJECTS):
            s3.put_object(
                Bucket=name, Key=f"{number:03}.jpg", Body=f"{name} {number}".encode() * 100
            )
        say(f"{name}: {OBJECTS} objects")


def contents(s3: Any) -> dict[str, bytes]:
    """Every object of both buckets."""
    return {
        f"{name}/{item['Key']}": s3.get_object(Bucket=name, Key=item["Key"])["Body"].read()
        for name in ("photos", "photos-old")
        for item in s3.list_objects_v2(Bucket=name).get("Contents", [])
    }


def clean_up(lab: Lab) -> None:
    """Run the script, as somebody would: its clients come from the environment."""
    step("Somebody runs the clean-up script on photos-old")
    subprocess.run(
        [sys.executable, str(Path(__file__).with_name("clean_up.py")), "photos-old"],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": lab.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        check=True,
    )


def changed(lab: Lab) -> None:
    """What the script did, from the difference to the snapshot."""
    step("What had changed")
    changes = json.loads(lab.command("diff", "before", "--json"))["changes"]
    gone = Counter(
        change["key"][0]
        for change in changes
        if change["table"] == "s3.objects" and change["new"] is None
    )
    for name, count in sorted(gone.items()):
        say(f"{count} objects of {name} were deleted")


def main() -> None:
    """The whole story."""
    with cloud() as lab:
        s3 = lab.client("s3", ACCOUNT)
        build(s3)
        before = contents(s3)
        say(lab.command("snapshot", "before").strip())

        clean_up(lab)
        left = contents(s3)
        say(f"{len(before) - len(left)} of {len(before)} objects are gone: the script took both")
        changed(lab)

        step("The cloud goes back")
        begun = time.perf_counter()
        for line in lab.command("rewind", "--to", "before").splitlines():
            say(line)
        took = time.perf_counter() - begun
        same = contents(s3) == before
        say(f"{len(before)} objects, byte for byte the same: {'yes' if same else 'NO'}")
        say(f"the command took {took:.2f} s, most of it to start")
        if not same:
            sys.exit("the rewind did not bring everything back")
        lab.measured()


if __name__ == "__main__":
    main()
